"""Package indexes and their logins."""
