"""The apps that are built by both sides."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["STORIES", "Story"]

_ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Story:
    """An app, and what its Dockerfile needs besides its requirements.

    Args:
        title: heading in the report.
        folder: the app, with requirements.txt, app.py, and an Aptfile for cnbkit if need be.
        debian: Debian packages that the Dockerfile installs.
    """

    title: str
    folder: Path
    debian: tuple[str, ...] = ()


STORIES = {
    "vision": Story("examples/vision: OpenCV (headless) and pandas", _ROOT / "examples/vision"),
    "vision-apt": Story(
        "examples/vision-apt: OpenCV with Debian's libraries, and pandas",
        _ROOT / "examples/vision-apt",
        debian=("libgl1", "libglib2.0-0"),
    ),
    "thirteen": Story(
        "Flask, pandas, NumPy, Pillow, OpenCV: thirteen pinned packages",
        _ROOT / "bench/apps/thirteen",
    ),
}
