"""What the measurements ran on."""

from __future__ import annotations

import datetime
import os
import platform
import shutil
import subprocess
from pathlib import Path

from cnbkit_engine.lifecycle.install import LIFECYCLE_VERSION

__all__ = ["load", "machine"]


def machine(scratch: Path) -> dict[str, str]:
    """The machine and the versions, by what each is.

    Args:
        scratch: the disk it is on is the one told.
    """
    repository = Path(__file__).parent
    return {
        "Date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "Commit": _output("git", "-C", str(repository), "describe", "--always", "--dirty"),
        "CPU": f"{_field('/proc/cpuinfo', 'model name')}, {len(os.sched_getaffinity(0))} cores",
        "Memory": f"{int(_field('/proc/meminfo', 'MemTotal').split()[0]) / 2**20:.0f} GiB",
        "Disk": f"{_output('stat', '-f', '-c', '%T', str(scratch))}, "
        f"{shutil.disk_usage(scratch).free / 2**30:.0f} GiB free",
        "Kernel": platform.release(),
        "Python": platform.python_version(),
        "Lifecycle": LIFECYCLE_VERSION,
    }


def load() -> float:
    """How many processes wanted to run, over the last minute."""
    return os.getloadavg()[0]


def _field(path: str, name: str) -> str:
    for line in Path(path).read_text().splitlines():
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return "unknown"


def _output(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True)
    return done.stdout.strip() or "unknown"
