"""Site visits and findings."""
