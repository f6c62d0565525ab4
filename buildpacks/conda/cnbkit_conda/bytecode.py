"""Bytecode that is valid in an image.

Packages bring bytecode that is checked against the time of its source, and files in an image all
have one fixed time: Python would compile everything again at every start. Such bytecode gets
another head, which takes no compiler; only what has none (noarch packages) is compiled.
"""

from __future__ import annotations

import _imp
import os

from cnbkit import BuildContext
from cnbkit_bytecode import compile_sources

__all__ = ["make_bytecode"]

_HEAD = 16
# PEP 552: hash-based, and not checked.
_UNCHECKED = (1).to_bytes(4, "little")
# Packages' own tests: nothing imports them.
_TESTS = ("test", "tests")
_CACHE = "__pycache__"


def make_bytecode(ctx: BuildContext, prefix: str, minor: str) -> None:
    """Make it for all of Python's library and its packages.

    Args:
        ctx: the build.
        prefix: of the environment.
        minor: Python's version: "3.12".

    Raises:
        CommandFailed: the interpreter does not work, or bytecode cannot be written.
    """
    tag = f".cpython-{minor.replace('.', '')}.pyc"
    missing = []
    for folder, folders, files in os.walk(f"{prefix}/lib/python{minor}"):
        if _CACHE in folders:
            folders.remove(_CACHE)
        folders.sort()
        tests = any(part in _TESTS for part in folder[len(prefix) :].split("/"))
        for name in sorted(files):
            source = f"{folder}/{name}"
            if not name.endswith(".py") or os.path.islink(source):
                continue
            compiled = f"{folder}/{_CACHE}/{name[:-3]}{tag}"
            if tests:
                _remove(compiled)
            elif not _patch(source, compiled):
                missing.append(source)
    if missing:
        compile_sources(ctx, f"{prefix}/bin/python", missing)


def _patch(source: str, compiled: str) -> bool:
    """Give bytecode another head; False if there is none that works."""
    try:
        with open(compiled, "rb") as file:
            code = file.read()
    except OSError:
        return False
    if len(code) < _HEAD:
        return False
    flags = int.from_bytes(code[4:8], "little")
    with open(source, "rb") as file:
        text = file.read()
    if flags == 0 and int.from_bytes(code[12:16], "little") != len(text) & 0xFFFFFFFF:
        return False  # of another source: the prefix in it was another
    digest = _imp.source_hash(int.from_bytes(code[:4], "little"), text)
    os.unlink(compiled)  # may be a link to what is in a cache
    with open(compiled, "wb") as file:
        file.write(code[:4] + _UNCHECKED + digest + code[_HEAD:])
    return True


def _remove(path: str) -> None:
    if os.path.lexists(path):
        os.unlink(path)
