"""What the public is told: each force's privacy notice and accessibility statement, version by version."""
