"""Where: premises, areas, parties, aliases, and the force by location."""
