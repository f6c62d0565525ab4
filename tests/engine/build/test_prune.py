from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from cnbkit_engine.build.prune import prune
from cnbkit_engine.oci.image import Image
from cnbkit_engine.oci.store import ImageStore
from cnbkit_engine.oci.unpacked import ensure_layer

if TYPE_CHECKING:
    from pathlib import Path

    from tests.engine.conftest import MakeImage, MakeTar

    from cnbkit_engine.state.home import Home

LONG_AGO = 1_000_000_000


def fill(folder: Path, *, used: int | None = None) -> Path:
    folder.mkdir(parents=True)
    (folder / "file").write_bytes(b"x" * 1000)
    if used:
        os.utime(folder, (used, used))
    return folder


def test_only_what_nothing_needs_goes(home: Home, make_image: MakeImage, make_tar: MakeTar) -> None:
    name = "demo"
    make_image(name, [make_tar({"etc/hello": b"hello"})])
    store = ImageStore(home.images)
    image = Image.from_store(store, name)
    kept = ensure_layer(home, store, image.layers[0])
    orphan = fill(home.layers / ("0" * 64))
    old = fill(home.buildpacks / "old", used=LONG_AGO)
    recent = fill(home.buildpacks / "recent")
    at_work = fill(home.base / ".ws-1", used=LONG_AGO)
    blob = store.blob_path(store.put_blob(b"nobody's"))
    os.utime(blob, (LONG_AGO, LONG_AGO))

    freed = prune(home, store)

    assert freed == 2 * 1000 + len(b"nobody's")
    assert not orphan.exists()
    assert not old.exists()
    assert not blob.exists()
    assert kept.is_dir()
    assert recent.is_dir()
    assert at_work.is_dir()
    assert Image.from_store(store, name).digest == image.digest
    assert prune(home, store) == 0


def test_a_cache_goes_a_week_after_its_apps_last_build(home: Home) -> None:
    left, built = (
        fill(home.cache / "left", used=LONG_AGO),
        fill(home.cache / "built", used=LONG_AGO),
    )
    (built / "last.log").write_text("built today")
    assert prune(home, ImageStore(home.images)) == 1000
    assert not left.exists()
    assert built.is_dir()


def test_an_empty_home_has_nothing_to_give(home: Home) -> None:
    assert prune(home, ImageStore(home.images)) == 0


def test_of_buildpacks_assembled_again_and_again_the_newest_stay(home: Home) -> None:
    now = time.time()

    def made(name: str, order: str, hours: float, shared: Path | None = None) -> Path:
        folder = fill(home.buildpacks / name)
        (folder / "order.toml").write_text(order)
        if shared:
            (folder / "shared").hardlink_to(shared / "file")
        os.utime(folder, (now, now - hours * 3600))
        return folder

    newest, used_today = made("a1", "one", 30), made("b1", "two", 1)
    made("a2", "one", 31, newest)  # what another set has too is not given back
    running = made("b2", "two", 2)
    assert prune(home, ImageStore(home.images)) == 1000 + len("one")
    assert [each.name for each in sorted(home.buildpacks.glob("[ab]*"))] == ["a1", "b1", "b2"]
    assert newest.is_dir()
    assert used_today.is_dir()
    assert running.is_dir()
