"""Taking back seats nobody needs: evidence, rules that pause themselves, campaigns. Nothing goes unconfirmed."""
