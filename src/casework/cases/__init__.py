"""From opening to closing."""
