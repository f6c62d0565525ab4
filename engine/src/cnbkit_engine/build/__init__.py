"""Build, rebase and report on app images."""
