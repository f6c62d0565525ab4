"""Test buildpacks: in this process, as a group, and through the real lifecycle."""
