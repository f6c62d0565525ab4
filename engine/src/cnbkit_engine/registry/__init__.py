"""The registry that serves the local store to the lifecycle."""
