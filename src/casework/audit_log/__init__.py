"""Reading the processing log."""
