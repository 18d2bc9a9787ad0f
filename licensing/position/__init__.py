"""The effective licence position: entitlements against consumption, metric by metric (rules §1)."""
