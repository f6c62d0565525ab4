"""Small projects that several forms of input are made of."""

from __future__ import annotations

from ..e2e.index import wheel, wheel_name

__all__ = ["SETUPTOOLS", "library", "vendored"]

SETUPTOOLS = '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'


def library(name: str, *dependencies: str, version: str = "1.0") -> str:
    """The pyproject.toml of a package without code."""
    return (
        f'[project]\nname = "{name}"\nversion = "{version}"\nrequires-python = ">=3.9"\n'
        f"dependencies = {[*dependencies]!r}\n{SETUPTOOLS}[tool.setuptools]\npy-modules = []\n"
    )


def vendored(name: str, version: str) -> dict[str, bytes]:
    """A wheel in the app's folder `vendor`."""
    return {f"vendor/{wheel_name(name, version)}": wheel(name, version)}
