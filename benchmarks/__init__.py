"""What `make bench` measures: the product beside its bare minimum, in one run, as ratios (one module `row_*` each)."""
