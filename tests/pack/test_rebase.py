"""What `cnbkit build --publish` made is rebased by cnbkit and by pack, on a patched base."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cnbkit_engine.oci.layer import Entry
from cnbkit_engine.oci.remote import Remote
from cnbkit_engine.testing.pack import PackEngine

if TYPE_CHECKING:
    from collections.abc import Callable

    from cnbkit_engine.oci.image import Image
    from cnbkit_engine.testing.pack_services import PackServices

CNBKIT = str(Path(sys.executable).with_name("cnbkit"))


def _cnbkit(*arguments: str) -> str:
    done = subprocess.run([CNBKIT, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _recorded(image: Image) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(image.labels["io.buildpacks.lifecycle.metadata"])["runImage"]
    return found


def test_a_published_image_is_rebased_by_name_alone(
    pack_services: PackServices, builder: Path, derive: Callable[..., str], tmp_path: Path
) -> None:
    app = tmp_path / "app"
    app.mkdir()
    (app / "app.py").write_text("print('rebased')\n")
    (app / "requirements.txt").write_text("six==1.17.0\n")
    packs = PackEngine(pack_services)
    run = packs.reference("published-run:1")
    mirror = packs.reference("mirrored/run:1")
    toml = tmp_path / "builder.toml"
    text = f'[run]\n[[run.images]]\nimage = "r.example/run:1"\nmirrors = ["{run}", "{mirror}"]\n'
    toml.write_text(text + builder.read_text().partition("\n")[2].partition("\n")[2])
    names = [packs.reference(f"published-{who}") for who in ("cnbkit", "pack")]
    told = [_cnbkit("build", str(app), "--builder", str(toml), "--publish", name) for name in names]
    # Of the names the builder gives it is the one in the app's registry, and it is there now.
    assert f"Pushing the run image to {run}, where none is yet" in told[0]
    assert "Pushing the run image" not in told[1]
    before = packs.fetched("published-cnbkit")
    found = _recorded(before)
    assert (found["image"], found["mirrors"]) == ("r.example/run:1", [run, mirror])
    assert found["reference"] == f"{run.rpartition(':')[0]}@{Remote(run).digest()}"

    patched = derive(run, "published-run:1", [Entry("/etc/patched", b"CVE-1\n", mode=0o644)])
    assert patched == run
    assert f"{names[0]}  to rebase  on {run}" in _cnbkit(
        "rebase", "--publish", "--dry-run", names[0]
    )
    assert packs.fetched("published-cnbkit").digest == before.digest
    listed = tmp_path / "images.txt"
    listed.write_text(f"# production\n{names[0]}\n")
    assert names[0] in _cnbkit("rebase", "--publish", "--file", str(listed))
    pack_services.pack("rebase", names[1], "--publish")

    by_cnbkit, by_pack = (packs.fetched(f"published-{who}") for who in ("cnbkit", "pack"))
    assert [each.digest for each in by_cnbkit.layers] == [each.digest for each in by_pack.layers]
    own = [each.digest for each in before.layers if each.kind != "base"]
    assert [each.digest for each in by_cnbkit.layers if each.kind != "base"] == own
    assert len(by_cnbkit.layers) == len(before.layers) + 1
    for image in (by_cnbkit, by_pack):
        assert _recorded(image)["reference"].endswith(Remote(run).digest())
    again = _cnbkit("rebase", "--publish", *names)
    assert again.splitlines()[-1] == "2 images: 2 current"

    docker = pack_services.docker
    ran = docker.docker("run", "--rm", "--network", "host", f"{names[0]}@{by_cnbkit.digest}")
    assert ran.stdout.endswith("rebased\n")
