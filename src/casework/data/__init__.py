"""Packaged reference data, openly licensed."""
