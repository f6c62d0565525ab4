"""Namespaces that build code and images run in."""
