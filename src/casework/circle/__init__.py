"""Who is let into a case beyond its team: shares, emergency access, transfers."""
