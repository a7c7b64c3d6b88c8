"""Why somebody can or cannot see a record, told without showing it."""
