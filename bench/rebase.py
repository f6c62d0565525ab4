"""A security update of the run image: many app images are rebased, none is built.

    python bench/rebase.py [--count 50] [--size 100]

Prints how long one image takes, and how many bytes the store grew by. The images are made here,
without a build: a layer of random bytes on the run image, under many names.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
if str(HERE.parent) not in sys.path:  # started as a program, its own folder is there instead
    sys.path.insert(0, str(HERE.parent))

from cnbkit.package.layer import Entry  # noqa: E402
from cnbkit.package.layout import Layout  # noqa: E402
from cnbkit.platform.base import BaseImages  # noqa: E402
from cnbkit.platform.home import Home  # noqa: E402
from cnbkit.platform.image import Image  # noqa: E402
from cnbkit.platform.rebase import Rebase  # noqa: E402
from cnbkit.platform.store import ImageStore  # noqa: E402

_METADATA = "io.buildpacks.lifecycle.metadata"


def main() -> None:
    """Make the images, rebase them, say what it cost, and forget them."""
    parser = argparse.ArgumentParser(prog="bench/rebase.py", description=__doc__)
    parser.add_argument("--count", type=int, default=50, metavar="N", help="how many images")
    parser.add_argument("--size", type=int, default=100, metavar="MB", help="of each app")
    options = parser.parse_args()
    home = Home.default()
    store = ImageStore(home.images)
    run = Image.from_store(store, BaseImages(home, store, progress=print).ensure_run_image())
    start = f"bench-{os.getpid()}"
    names = [f"{start}/app-{number}" for number in range(options.count)]
    patched = f"{start}/run"
    try:
        with tempfile.TemporaryDirectory() as folder:
            for number, name in enumerate(names):
                content = os.urandom(options.size * 1_000_000) if number == 0 else name.encode()
                _make(
                    store, name, run, Entry("/workspace/model", content), Path(folder) / str(number)
                )
            _make(store, patched, run, Entry("/etc/patched", b"1\n"), Path(folder) / "run")
        before = _bytes(store)
        times = []
        for name in names:
            begin = time.perf_counter()
            Rebase(name, run_image=patched, force=True, show=lambda _line: None).run(home)
            times.append(time.perf_counter() - begin)
        grown = _bytes(store) - before
        print(f"{len(names)} images rebased in {sum(times):.1f} s, none built")
        print(f"one: {statistics.median(times):.2f} s (median), {max(times):.2f} s (longest)")
        print(f"the store grew by {grown / 1e3:.1f} kB, {grown / len(names) / 1e3:.1f} kB an image")
    finally:
        for name in {*names, patched} & {each.rpartition(":")[0] for each in store.names()}:
            store.remove(name)


def _make(store: ImageStore, name: str, base: Image, entry: Entry, folder: Path) -> None:
    """An image of one layer more, as the lifecycle records it."""
    layout = Layout(folder)
    layer = layout.layer([entry])
    reference = f"store.localhost:5095/{base.name}"
    metadata = {
        "app": [{"sha": layer.diff_id}],
        "runImage": {"topLayer": base.layers[-1].diff_id, "reference": "", "image": reference},
    }
    settings = dict(base.config.get("config") or {})
    settings["Labels"] = {**base.labels, _METADATA: json.dumps(metadata)}
    image = layout.image(
        {**base.config, "config": settings}, [layer], list(base.manifest["layers"])
    )
    blobs = layout.path / "blobs" / "sha256"
    for blob in blobs.iterdir():
        store.put_blob(blob.read_bytes())
    data = (blobs / image["digest"].removeprefix("sha256:")).read_bytes()
    store.put_manifest(name, image["mediaType"], data)


def _bytes(store: ImageStore) -> int:
    return sum(path.stat().st_size for path in (store.path / "blobs" / "sha256").iterdir())


if __name__ == "__main__":
    main()
