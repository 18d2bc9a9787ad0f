"""Renewals: opened by night, told in time, decided by people, red until there is proof (rules §9)."""
