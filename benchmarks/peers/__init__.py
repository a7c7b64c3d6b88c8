"""The peers: what others would have written for the same work."""
