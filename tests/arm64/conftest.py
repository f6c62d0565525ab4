"""Fixtures of real builds, as in tests/e2e."""

from __future__ import annotations

from ..e2e.conftest import project, vision

__all__ = ["project", "vision"]
