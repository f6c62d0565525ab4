"""Start built images."""
