"""Authority: every verb, the matrix, and the same as row-level security."""
