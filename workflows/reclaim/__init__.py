"""Taking seats back that nobody needs: planned, asked, listed, and confirmed by a person before anything is removed."""
