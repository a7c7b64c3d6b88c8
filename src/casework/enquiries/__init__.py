"""What came in: intake, tracking, triage, signposts."""
