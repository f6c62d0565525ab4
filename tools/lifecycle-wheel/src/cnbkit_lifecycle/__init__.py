"""The programs of the Cloud Native Buildpacks lifecycle, built from its Go module."""

from __future__ import annotations

from pathlib import Path

__all__ = ["PROGRAMS"]

PROGRAMS = Path(__file__).with_name("programs")
"""The folder with `lifecycle` and `launcher`, statically linked."""
