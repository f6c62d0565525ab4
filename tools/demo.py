"""`make demo`: build a real app into an image, run it, change a line, build and run it again."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CNBKIT = Path(sys.executable).with_name("cnbkit")
IMAGE = "cnbkit-demo"


def main() -> int:
    """Run the demonstration; the exit status of the first step that fails."""
    call("Making ready what all builds share (the first time: some minutes)", "prepare")
    with tempfile.TemporaryDirectory(prefix="cnbkit-demo-") as folder:
        app = Path(folder) / "vision"
        shutil.copytree(ROOT / "examples" / "vision", app)
        first = build("Building examples/vision: OpenCV and pandas, from requirements.txt", app)
        run("Running it, without Docker")
        source = app / "app.py"
        text = source.read_text()
        source.write_text(text.replace("Shapes in the picture", "Shapes, counted again"))
        second = build("Building again after a one-line change in app.py", app)
        run("Running the new image")
    say(f"First build {first:.1f} s, rebuild after a code change {second:.1f} s")
    say(f"Look around:  .venv/bin/cnbkit inspect {IMAGE}    .venv/bin/cnbkit run {IMAGE}")
    return 0


def build(title: str, app: Path) -> float:
    """Build the app; seconds it took."""
    start = time.monotonic()
    call(title, "build", str(app), "--tag", IMAGE)
    return time.monotonic() - start


def run(title: str) -> None:
    """Run the image."""
    call(title, "run", IMAGE)


def call(title: str, *arguments: str) -> None:
    """Show a command and run it; leave with its exit status if it fails."""
    say(title)
    print(f"$ cnbkit {' '.join(arguments)}", flush=True)
    code = subprocess.run([CNBKIT, *arguments], check=False).returncode
    if code:
        sys.exit(code)


def say(text: str) -> None:
    """Print a title."""
    print(f"\n== {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
