"""The file in a buildpack's layers directory that tells a platform what became of its layers.

The lifecycle ignores it: it is neither a layer's toml nor a directory. Platforms read it, so it
imports nothing.
"""

from __future__ import annotations

__all__ = ["REPEATABLE", "REPORT"]

REPORT = ".cnbkit-report.tsv"
"""Its name."""

REPEATABLE = "repeatable"
"""A line of it: the buildpack's inputs alone decide what it makes."""
