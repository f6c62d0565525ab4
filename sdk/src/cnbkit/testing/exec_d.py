"""The exec.d programs of a build's layers, run as the launcher runs them."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

__all__ = ["run_programs"]

# A shell cannot name descriptors above 9.
_START = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
if sys.argv[1] != "3":
    os.close(int(sys.argv[1]))
os.execv(sys.argv[2], sys.argv[2:])
"""


def run_programs(
    layers: Sequence[Path], process: str, env: Mapping[str, str], app: Path
) -> dict[str, str]:
    """The environment after all programs, in the launcher's order (launch/exec_d.go).

    Args:
        layers: folders of the layers that are in the image, in order.
        process: type of the process that starts.
        env: the environment that the first of them finds.
        app: the working directory.

    Raises:
        AssertionError: a program failed, or what it wrote to descriptor 3 is not a table of texts.
    """
    result = dict(env)
    for layer in layers:
        for program in _programs(layer, process):
            result |= _output(program, result, app)
    return result


def _programs(layer: Path, process: str) -> Iterator[Path]:
    for folder in (layer / "exec.d", layer / "exec.d" / process if process else None):
        if folder and folder.is_dir():
            yield from (path for path in sorted(folder.iterdir()) if path.is_file())


def _output(program: Path, env: Mapping[str, str], app: Path) -> dict[str, str]:
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as answer:
        try:
            running = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", _START, str(writing), str(program)],
                env=dict(env),
                cwd=app,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=(writing,),
            )
        finally:
            os.close(writing)
        written = answer.read()
        said, _ = running.communicate()
    text = said.decode(errors="replace")
    print(text, end="")
    if running.returncode:
        raise AssertionError(
            f"exec.d/{program.name} ended with exit status {running.returncode}:\n{text}"
        )
    try:
        table = tomllib.loads(written.decode())
    except ValueError as error:
        raise AssertionError(
            f"exec.d/{program.name} wrote what is not TOML ({error}):\n{written!r}"
        ) from None
    wrong = {name: value for name, value in table.items() if not isinstance(value, str)}
    if wrong:
        raise AssertionError(f"exec.d/{program.name} gives {wrong}, which are not texts")
    return table
