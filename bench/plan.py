"""How long `cnbkit plan` takes on examples/vision with a warm home.

    .venv/bin/python -m bench.plan [RUNS]

Unpinned, as the example is, an index is asked; with a lock of the same packages none is.
"""

from __future__ import annotations

import shutil
import statistics
import sys
import tempfile
from pathlib import Path

from bench.measure import Command, timed

__all__ = ["main"]

_EXAMPLE = Path(__file__).parents[1] / "examples/vision"
_PROGRAMS = Path(sys.executable).parent
_LOCK = ("--format", "pylock.toml", "--python-version", "3.11", "--quiet")


def main(runs: int) -> None:
    """Print median and range of each in seconds."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        unpinned, locked = (Path(folder) / name for name in ("unpinned", "locked"))
        for app in (unpinned, locked):
            shutil.copytree(_EXAMPLE, app)
        lock = Command(
            [
                str(_PROGRAMS / "uv"),
                "pip",
                "compile",
                "requirements.txt",
                *_LOCK,
                "-o",
                "pylock.toml",
            ],
            cwd=locked,
        )
        timed(lock, log)
        (locked / "requirements.txt").unlink()
        for app in (unpinned, locked):
            plan = Command([str(_PROGRAMS / "cnbkit"), "plan", str(app)])
            timed(plan, log)  # the home is warm then
            found = sorted(timed(plan, log) for _ in range(runs))
            low, high, middle = found[0], found[-1], statistics.median(found)
            print(f"{app.name}: {middle:.2f} s ({low:.2f} to {high:.2f}, {runs} runs)")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10)
