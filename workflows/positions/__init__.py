"""Positions read from the database: rows to facts, set-based, for any day and as known at any moment (rules §1)."""
