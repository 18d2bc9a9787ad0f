"""Registry, vendor, invoice and assigned held against each other, and what people say to each difference."""
