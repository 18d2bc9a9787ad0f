"""Renewals: until when each decision can be made, when people are told, what can be offered (rules §9). Pure."""
