"""Reviewers who offer to review for other forces."""
