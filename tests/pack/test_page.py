"""The commands of the page about pack, run as they stand there but for the registry's name."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from cnbkit_engine.base.suites import DEFAULT
from cnbkit_engine.testing.pack import PackEngine
from cnbkit_engine.tools.pack import ensure_pack

from .conftest import ROOT

if TYPE_CHECKING:
    from cnbkit_engine.testing.pack_services import PackServices

PAGE = ROOT / "docs" / "howto" / "pack.md"
BUILDER = (
    "".join(f'[[buildpacks]]\nuri = "{ROOT}/buildpacks/{name}"\n' for name in ("python", "start"))
    + '[[order]]\n[[order.group]]\nid = "cnbkit/python"\n[[order.group]]\nid = "cnbkit/start"\n'
)


def test_its_commands_make_a_builder_and_images_that_use_each_others_layers(
    pack_services: PackServices, tmp_path: Path
) -> None:
    once, each_build, afterwards = re.findall(r"```sh\n(.*?)```", PAGE.read_text(), re.DOTALL)
    app = tmp_path / "app"
    app.mkdir()
    (app / "builder.toml").write_text(BUILDER)
    (app / "app.py").write_text("print('one')\n")
    pack = ensure_pack(pack_services.home, arch=pack_services.arch)

    def run(commands: str, commit: str = "") -> str:
        script = commands.replace("registry.example.com", pack_services.registry)
        # As the page says for a registry on this machine.
        script = script.replace("--trust-builder", "--trust-builder --network host")
        done = subprocess.run(
            ["sh", "-e", "-c", script],
            cwd=app,
            env={
                **pack_services.docker.environment(),
                "PATH": f"{Path(sys.executable).parent}:{pack.parent}:{os.environ['PATH']}",
                "PACK_HOME": str(tmp_path / "pack"),
                "COMMIT": commit,
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    run(once)
    assert "Reusing layer" not in run(each_build, "c1")
    (app / "app.py").write_text("print('two')\n")
    assert "Reusing layer 'cnbkit/start:limits'" in run(each_build, "c2")
    packs = PackEngine(pack_services)
    images = {tag: packs.fetched(f"ml/churn:{tag}") for tag in ("c1", "c2", "main")}
    assert images["main"].digest == images["c2"].digest != images["c1"].digest
    metadata = json.loads(images["main"].labels["io.buildpacks.lifecycle.metadata"])
    assert metadata["runImage"]["image"] == f"{pack_services.registry}/ml/run:{DEFAULT.name}"

    shown = run(afterwards)
    assert "cnbkit/start" in shown
    bills = [path.name for path in (app / "sbom").rglob("*.json")]
    assert {"sbom.cdx.json", "sbom.spdx.json", "sbom.syft.json"} <= set(bills)
    ran = pack_services.docker.docker(
        "run", "--rm", "--network", "host", f"{pack_services.registry}/ml/churn:main"
    )
    assert ran.stdout.endswith("two\n")
