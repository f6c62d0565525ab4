"""Resolving for arm64 on any machine: uv and the target as they are there, without an emulator."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.tags import parse_tag

if TYPE_CHECKING:
    from cnbkit_python_inputs.target import TargetEnvironment

__all__ = ["make_arm64", "write_uv"]

_UV = Path(sys.executable).with_name("uv")
_SCRIPT = """#!/bin/sh
# This Python on arm64, as uv sees it: it asks the interpreter, or is told.
case " $* " in
    *" --universal "*) exec {uv} "$@" ;;
    *" compile "*) exec {uv} "$@" --python-platform aarch64-unknown-linux-gnu ;;
esac
exec {uv} "$@"
"""


def write_uv(path: Path) -> None:
    """A uv that resolves for arm64, in place of what may be there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.write_text(_SCRIPT.format(uv=_UV))
    path.chmod(0o755)


def make_arm64(target: TargetEnvironment) -> None:
    """Change a target to what the same Python says on arm64."""
    texts = [str(tag).replace("x86_64", "aarch64") for tag in target.tags]
    target.tags = [tag for text in texts for tag in parse_tag(text)]
    target.markers["platform_machine"] = "aarch64"
