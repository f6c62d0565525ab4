"""A page about an image: what it says is what the image has."""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from cnbkit_engine.build.image_page import image_page
from cnbkit_engine.lifecycle.timeline import Mark
from cnbkit_engine.oci.contents import contents
from cnbkit_engine.oci.image import Image
from cnbkit_engine.oci.store import ImageStore

if TYPE_CHECKING:
    from collections.abc import Callable

    from cnbkit_engine.state.home import Home

    MakeTar = Callable[..., bytes]
    MakeImage = Callable[..., Any]

SITE = "layers/acme_pip/site/lib/python3.11/site-packages"
RECORD = "numpy/__init__.py,,\nnumpy/core.so,sha256=x,1\n../../../bin/f2py,,\n"
FILES = {
    f"{SITE}/numpy/__init__.py": b"x" * 10,
    f"{SITE}/numpy/core.so": b"x" * 5000,
    f"{SITE}/numpy/__pycache__/__init__.cpython-311.pyc": b"x" * 90,
    f"{SITE}/numpy-2.0.dist-info/RECORD": RECORD.encode(),
    "layers/acme_pip/site/bin/f2py": b"x" * 100,
    f"{SITE}/alone.py": b"x" * 700,
}
BILL = {
    "components": [
        {"name": "numpy", "version": "2.0", "licenses": [{"license": {"id": "BSD-3-Clause"}}]}
    ]
}


def sha(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


@pytest.fixture
def image(make_image: MakeImage, make_tar: MakeTar, home: Home) -> Image:
    base = make_tar({"etc/os-release": b"x" * 2000})
    site = make_tar(FILES)
    bills = make_tar({"layers/sbom/launch/acme_pip/site/sbom.cdx.json": json.dumps(BILL).encode()})
    lifecycle = {
        "buildpacks": [{"key": "acme/pip", "version": "1", "layers": {"site": {"sha": sha(site)}}}],
        "sbom": {"sha": sha(bills)},
        "runImage": {"topLayer": sha(base), "image": "acme/run"},
    }
    build = {"processes": [{"type": "web", "command": ["python3"], "args": ["<app>.py"]}]}
    config = {
        "Entrypoint": ["/cnb/process/web"],
        "Labels": {
            "io.buildpacks.lifecycle.metadata": json.dumps(lifecycle),
            "io.buildpacks.build.metadata": json.dumps(build),
            "team": "<img src=x>",
        },
    }
    make_image("demo", [base, site, bills], config)
    return Image.from_store(ImageStore(home.images), "demo")


@pytest.fixture
def store(home: Home) -> ImageStore:
    return ImageStore(home.images)


def test_files_are_their_packages(image: Image, store: ImageStore) -> None:
    (layer,) = [layer for layer in image.layers if layer.what == "acme/pip:site"]
    assert contents(store, layer) == {
        "numpy": 10 + 5000 + 90 + 100 + len(RECORD),
        "lib/python3.11/site-packages": 700,
    }


def test_all_that_inspect_shows_is_there(image: Image, store: ImageStore) -> None:
    page = image_page(store, image)
    for shown in (
        "acme/pip:site",
        "web (default)",
        "python3 &lt;app&gt;.py",
        "BSD-3-Clause",
        "team",
    ):
        assert shown in page
    assert "&lt;img src=x&gt;" in page
    assert "<img" not in page
    assert "Where the time went" not in page
    assert "in this build" not in page


def test_of_a_build_what_is_new_and_what_took_how_long(image: Image, store: ImageStore) -> None:
    page = image_page(
        store,
        image,
        states={"acme/pip:site": "built"},
        why={"acme_pip:site": "requirements changed"},
        marks=[Mark("building", True, 1.0), Mark("pip", False, 2.0), Mark("exporting", True, 8.0)],
        seconds=10.0,
    )
    assert "requirements changed" in page
    assert page.count('class="layer new"') == 1
    assert re.findall(r'left:([\d.]+)%;width:([\d.]+)%"></i>', page) == [
        ("10.00", "70.00"),
        ("20.00", "60.00"),
        ("80.00", "20.00"),
    ]
    assert "10.0 s" in page
    packages = page.partition("<h2>Packages</h2>")[2]
    assert ">acme/pip:site</td>" in packages


def test_a_layer_that_was_not_there_before_needs_no_reason(image: Image, store: ImageStore) -> None:
    what = "acme/pip:site"
    page = image_page(store, image, states={what: "built"}, why={"acme_pip:site": "new"})
    assert page.count(">new</td>") == 1


def test_variants_are_side_by_side(image: Image, store: ImageStore) -> None:
    rows = [("image", "total", "shared", "alone"), ("app:cpu", "3 MB", "2 MB", "1 MB")]
    assert "<td>app:cpu</td>" in image_page(store, image, variants=rows)


def test_each_layer_has_its_share_of_the_map(image: Image, store: ImageStore) -> None:
    page = image_page(store, image)
    boxes = re.findall(r'class="layer" style="([^"]+)" title="([^:"]+)', page)
    areas = {}
    for style, what in boxes:
        sizes = dict(re.findall(r"(width|height):([\d.]+)%", style))
        areas[what] = float(sizes["width"]) * float(sizes["height"]) / 100
    total = sum(layer.size for layer in image.layers)
    assert areas.keys() == {"base", "acme/pip", "sbom"}
    for layer in image.layers:
        share = 100 * layer.size / total
        assert areas[layer.what.partition(":")[0]] == pytest.approx(share, abs=0.2)
