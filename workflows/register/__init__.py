"""The register is edited here and nowhere else: pages, the import, the API and Slack are callers (design §4)."""
