"""Layers: definitions, keys, environment, exec.d programs."""
