"""CTSA Casework: case management for Counter Terrorism Security Advisers."""
