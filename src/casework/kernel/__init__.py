"""What knows nothing of the field: settings, clock, database, statements, views, problems, boundary."""
