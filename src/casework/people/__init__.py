"""Staff, teams, roles, competences, API clients and sessions."""
