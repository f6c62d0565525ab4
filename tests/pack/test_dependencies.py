"""Debian's, conda's and pip's packages in one image, built by pack with a Docker engine."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from cnbkit_engine.base.images import BaseImages
from cnbkit_engine.builder.image import BuilderImage
from cnbkit_engine.oci.remote import Remote
from cnbkit_engine.oci.store import ImageStore
from cnbkit_engine.state.home import Home
from cnbkit_engine.testing.pack import PackEngine
from cnbkit_pip.layers.partition import light_layer

from ..e2e.bases import OtherBases
from ..e2e.channel import Channel, Server, python_package
from .conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from cnbkit_engine.testing.pack_services import PackServices

APP = """
import ctypes, ctypes.util, hello, json, os, subprocess, sys, tabulate
ctypes.CDLL("libvorbis.so.0")
def said(*command):
    done = subprocess.run(command, capture_output=True, text=True)
    return done.stdout + done.stderr
magic = ctypes.CDLL(ctypes.util.find_library("magic") or 1 / 0)
magic.magic_open.restype = ctypes.c_void_p
with open("/proc/self/maps") as maps:
    mapped = {line.split()[-1] for line in maps}
libraries = {os.path.dirname(path) for path in mapped if "libogg." in path or "libvorbis." in path}
records = os.listdir(f"{os.environ['CONDA_PREFIX']}/conda-meta")
print(json.dumps({
    # A helper beside the program, data of a library that is found by name, an interpreter.
    "debian": [
        "unable to access" in said("git", "clone", "https://127.0.0.1:1/x"),
        magic.magic_load(ctypes.c_void_p(magic.magic_open(0)), None),
        "refused" in said("psql", "host=127.0.0.1 port=1"),
    ],
    "libraries": sorted(libraries),
    "conda": sorted(name.partition("-")[0] for name in records if name.endswith(".json")),
    "python": [sys.base_prefix, hello.VERSION, tabulate.__version__],
}))
"""
ENVIRONMENT = """
channels: [conda-forge]
dependencies:
- python
- hello
- pip: [tabulate==0.10.0]
"""


def test_an_app_of_apt_conda_and_pip_on_a_run_image_of_its_own(
    pack_services: PackServices, tmp_path: Path
) -> None:
    bases = OtherBases(tmp_path / "lists", "libogg0")
    base, run = (f"{pack_services.registry}/other-{kind}:1" for kind in ("build", "run"))
    for reference, name in ((base, bases.ensure_build_image()), (run, bases.ensure_run_image())):
        Remote(reference).push(bases.store.path, bases.store.resolve(name))
    names = ("apt", "conda", "pip", "start")
    builder = tmp_path / "builder.toml"
    builder.write_text(
        f'[build]\nimage = "{base}"\n[run]\n[[run.images]]\nimage = "{run}"\n'
        + "".join(f'[[buildpacks]]\nuri = "{ROOT / "buildpacks" / name}"\n' for name in names)
        + "[[order]]\n"
        + "".join(f'[[order.group]]\nid = "cnbkit/{name}"\n' for name in names)
    )
    image = f"{pack_services.registry}/other-builder:1"
    BuilderImage(builder).publish(Home.default(), image)

    channel = Channel(tmp_path / "channels" / "conda-forge")
    home = Home.default()
    python_package(channel, BaseImages(home, ImageStore(home.images)).ensure_build_root())
    channel.add_pure("hello", "1.0")
    channel.index()

    app = tmp_path / "app"
    app.mkdir()
    for name, text in (
        ("Aptfile", "libvorbis0a\ngit\nlibmagic1\npostgresql-client\n"),
        ("environment.yml", ENVIRONMENT),
        ("app.py", APP),
    ):
        (app / name).write_text(text)
    engine = PackEngine(pack_services)
    with Server(channel.folder.parent) as server:
        settings = {"BP_CONDA_MIRROR": server.url}
        first = engine.build(app, "other", image, settings)
        assert first.code == 0, first.log
        assert first.image is not None
        asked = len(server.requests)
        assert asked
        (app / "app.py").write_text(f"{APP}\n# changed\n")
        second = engine.build(app, "other", image, settings)
        assert second.code == 0, second.log
        assert second.image is not None
        assert len(server.requests) == asked
    for layer in ("apt:debs", "conda:environment", f"pip:{light_layer('tabulate')}"):
        assert second.states[f"cnbkit/{layer}"] == "reused", second.log
    before, after = (
        {layer.what: layer.diff_id for layer in each.layers} for each in (first.image, second.image)
    )
    assert {what for what in after if after[what] != before.get(what)} == {"app"}

    done = pack_services.docker.docker("run", "--rm", engine.reference("other"))
    held = json.loads(done.stdout.splitlines()[-1])  # before it docker tells of pulling
    assert held["debian"] == [True, 0, True]
    prefix = "/layers/cnbkit_conda/environment/conda"
    assert held["python"] == [prefix, "1.0", "0.10.0"]
    assert held["conda"] == ["hello", "python"]
    # One library is the run image's, where Debian puts it; the other came on top.
    own, carried = sorted(held["libraries"], key=len)
    assert carried == f"/layers/cnbkit_apt/debs{own}"

    folder = tmp_path / "bills"
    reference = engine.reference("other")
    pack_services.pack("sbom", "download", reference, "--remote", "--output-dir", str(folder))
    purls = {
        component["purl"].partition("@")[0]
        for path in (folder / "layers/sbom/launch").rglob("sbom.cdx.json")
        for component in json.loads(path.read_text())["components"]
        if not component["purl"].startswith("pkg:golang/")  # the launcher's
    }
    debian = {purl for purl in purls if purl.startswith("pkg:deb/debian/")}
    # Debian 13 calls it libmagic1t64.
    for name in ("libvorbis0a", "git", "libmagic1", "postgresql-client"):
        assert {f"pkg:deb/debian/{name}", f"pkg:deb/debian/{name}t64"} & debian, debian
    assert purls - debian == {"pkg:conda/python", "pkg:conda/hello", "pkg:pypi/tabulate"}
