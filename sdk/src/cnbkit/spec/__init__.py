"""The Buildpack API's documents as typed models.

Ground floor of the package: imports nothing of cnbkit but `errors`, and does no I/O
beyond reading and writing the documents themselves.
"""
