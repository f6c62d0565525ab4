"""uv and pip: what resolves and installs."""
