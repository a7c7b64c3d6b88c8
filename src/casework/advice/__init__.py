"""Advice versions, recommendations, answers and verification."""
