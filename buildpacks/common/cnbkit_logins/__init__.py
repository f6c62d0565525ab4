"""Logins in addresses: what they are, and how they get out of files and arguments."""
