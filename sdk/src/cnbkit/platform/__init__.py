"""Runs a build without Docker: image store, registry, sandbox, and what reads their results.

Every module here is imported by its own name (`from cnbkit.platform.store import ImageStore`):
a rebuild has about a tenth of a second for start-up, so nothing is imported that is not used.
"""
