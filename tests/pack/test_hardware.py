"""Under pack an app gets the wheels of its hardware as it does under `cnbkit build`."""

from __future__ import annotations

import subprocess
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from cnbkit_engine.testing import LifecycleBuild
from cnbkit_engine.testing.pack import PackEngine

from ..e2e.accelerators import Site
from .conftest import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cnbkit_engine.testing.pack_services import PackServices

OPTIONAL = ("cuda", "tpu", "hardware")
SAYS = """
import ctypes, torch
words = [torch.VERSION, str(torch.version.cuda)]
try:
    ctypes.CDLL("libedgetpu.so.1")
    words.append("edgetpu")
except OSError:
    words.append("-")
print(*words)
"""
# What hardware.txt says → what the app says of its image, and the image's labels.
IMAGES = {
    "": ("2.8.0 12.8 -", {}),
    "cpu": ("2.8.0+cpu None -", {"hardware": "cpu"}),
    "cuda": ("2.8.0 12.8 -", {"hardware": "cuda", "cuda": "12.8"}),
    "cuda:12.6": ("2.8.0+cu126 12.6 -", {"hardware": "cuda:12.6", "cuda": "12.6"}),
    "coral": ("2.8.0+cpu None edgetpu", {"hardware": "coral"}),
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with closing(Site(tmp_path_factory.mktemp("site") / "site")) as made:
        made.publish_torch()
        made.publish("ai-edge-litert", "2.3.0")
        yield made


@pytest.fixture(scope="module")
def hardware_builder(build_image: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    names = ("python", "pip", *OPTIONAL, "start")
    text = f'[build]\nimage = "{build_image}"\n'
    text += "".join(f'[[buildpacks]]\nuri = "{ROOT / "buildpacks" / name}"\n' for name in names)
    text += "[[order]]\n"
    for name in names:
        text += f'[[order.group]]\nid = "cnbkit/{name}"\n'
        text += "optional = true\n" if name in OPTIONAL else ""
    path = tmp_path_factory.mktemp("hardware") / "builder.toml"
    path.write_text(text)
    return path


@pytest.mark.parametrize("word", IMAGES)
def test_each_word_gets_its_wheels_and_labels(
    pack_services: PackServices, hardware_builder: Path, site: Site, tmp_path: Path, word: str
) -> None:
    library = tmp_path / "libedgetpu.so.1.0"
    empty = ["gcc", "-shared", "-x", "c", "/dev/null", "-Wl,-soname,libedgetpu.so.1", "-o"]
    subprocess.run([*empty, library], check=True)
    app: dict[str, str | bytes] = {
        "app.py": SAYS,
        "requirements.txt": "torch==2.8.0\nai-edge-litert\n",
        "edge/libedgetpu.so.1.0": library.read_bytes(),
    }
    if word:
        app["hardware.txt"] = f"{word}\n"
    env = {
        "BP_PIP_INDEX_URL": site.simple,
        "BP_PYTORCH_INDEX": site.torch,
        "BP_CORAL_RUNTIME": "edge/libedgetpu.so.1.0",
    }
    says, labels = IMAGES[word]
    engine = PackEngine(pack_services, trusted=False)
    with closing(LifecycleBuild(engine, tmp_path / "builds")) as builds:
        built = builds.build(app, builder=hardware_builder, env=env)
        # Docker hands on both streams, in an order of its own.
        assert says in built.run("web").splitlines()
        prefix = "io.cnbkit."
        found = {
            name.removeprefix(prefix): value
            for name, value in built.image.labels.items()
            if name in (f"{prefix}hardware", f"{prefix}cuda")
        }
        assert found == labels
