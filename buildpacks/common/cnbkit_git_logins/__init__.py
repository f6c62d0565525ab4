"""Logins of git repositories: out of the app's files, and into the environment of git."""
