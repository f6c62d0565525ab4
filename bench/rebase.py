"""A security update of the run image: many app images are rebased, none is built.

    python bench/rebase.py [--count 50] [--size 100]

The images are made here, without a build: a layer of random bytes on the run image, under many
names.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
if str(HERE.parent) not in sys.path:  # started as a program, its own folder is there instead
    sys.path.insert(0, str(HERE.parent))

from bench.table import markdown, seconds  # noqa: E402
from cnbkit_engine.base.images import BaseImages  # noqa: E402
from cnbkit_engine.build.rebase import Rebase  # noqa: E402
from cnbkit_engine.oci.image import Image  # noqa: E402
from cnbkit_engine.oci.layer import Entry  # noqa: E402
from cnbkit_engine.oci.layout import Layout  # noqa: E402
from cnbkit_engine.oci.store import ImageStore  # noqa: E402
from cnbkit_engine.state.home import Home  # noqa: E402

__all__ = ["measure_rebase", "rebased"]

_METADATA = "io.buildpacks.lifecycle.metadata"


def measure_rebase(count: int, size: int) -> dict[str, Any]:
    """Make images, rebase them, and forget them.

    Args:
        count: how many.
        size: of the app in the first of them, in MB; the others are a name.

    Returns:
        `times` in seconds, one each; `grown`, the bytes the store grew by; `size` of the first
        image's own layers and `base` of the run image, compressed, in bytes.

    Raises:
        CnbkitError: a rebase fails; AssertionError: an image lost a layer, or is on the old base.
    """
    home = Home.default()
    store = ImageStore(home.images)
    run = Image.from_store(store, BaseImages(home, store, progress=print).ensure_run_image())
    start = f"bench-{os.getpid()}"
    names = [f"{start}/app-{number}" for number in range(count)]
    patched = f"{start}/run"
    try:
        with tempfile.TemporaryDirectory() as folder:
            for number, name in enumerate(names):
                content = os.urandom(size * 1_000_000) if number == 0 else name.encode()
                _make(
                    store, name, run, Entry("/workspace/model", content), Path(folder) / str(number)
                )
            _make(store, patched, run, Entry("/etc/patched", b"1\n"), Path(folder) / "run")
        base = [layer["digest"] for layer in Image.from_store(store, patched).manifest["layers"]]
        own = [Image.from_store(store, name).manifest["layers"][-1] for name in names]
        before = _bytes(store)
        times = []
        for name in names:
            begin = time.perf_counter()
            Rebase(name, run_image=patched, force=True, show=lambda _line: None).run(home)
            times.append(time.perf_counter() - begin)
        for name, layer in zip(names, own, strict=True):
            found = [each["digest"] for each in Image.from_store(store, name).manifest["layers"]]
            assert found == [*base, layer["digest"]], name
        return {
            "times": times,
            "grown": _bytes(store) - before,
            "size": own[0]["size"],
            "base": sum(layer["size"] for layer in run.manifest["layers"]),
        }
    finally:
        for name in {*names, patched} & {each.rpartition(":")[0] for each in store.names()}:
            store.remove(name)


def rebased(found: dict[str, Any]) -> str:
    """The table of what `measure_rebase` gives."""
    times, grown = found["times"], found["grown"]
    rows = [
        ("images rebased", str(len(times))),
        ("built", "0"),
        ("all", f"{sum(times):.1f} s"),
        ("one", seconds(times)),
        ("bytes written, all", f"{grown / 1e3:.1f} kB"),
        ("bytes written, one", f"{grown / len(times) / 1e3:.1f} kB"),
        ("size of the run image", f"{found['base'] / 1e6:.1f} MB"),
        ("size of the largest app", f"{found['size'] / 1e6:.1f} MB"),
    ]
    return markdown(("", ""), rows)


def main() -> None:
    """Measure, and print it."""
    parser = argparse.ArgumentParser(prog="bench/rebase.py", description=__doc__)
    parser.add_argument("--count", type=int, default=50, metavar="N", help="how many images")
    parser.add_argument("--size", type=int, default=100, metavar="MB", help="of the first app")
    options = parser.parse_args()
    print(rebased(measure_rebase(options.count, options.size)))


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
