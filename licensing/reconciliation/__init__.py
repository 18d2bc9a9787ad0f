"""Registry, vendor, invoice and assigned held against each other (rules §9)."""
