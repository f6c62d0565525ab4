"""Test with the real lifecycle, pack and Docker."""
