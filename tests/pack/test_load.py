"""`cnbkit build --load`: the image is Docker's, and starts there."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

from cnbkit_engine.oci.store import ImageStore
from cnbkit_engine.state.home import Home

if TYPE_CHECKING:
    from cnbkit_engine.testing.pack_services import PackServices

CNBKIT = str(Path(sys.executable).with_name("cnbkit"))


def test_docker_has_the_image_and_starts_it(pack_services: PackServices, tmp_path: Path) -> None:
    app = tmp_path / "app"
    app.mkdir()
    (app / "requirements.txt").write_text("six==1.17.0\n")
    (app / "app.py").write_text("import six\nprint('loaded', six.__version__)\n")
    name = f"test-{uuid.uuid4().hex[:12]}"
    docker = pack_services.docker
    try:
        done = subprocess.run(
            [CNBKIT, "build", str(app), "--tag", name, "--network", "host", "--load"],
            env={**docker.environment(), "PATH": f"/usr/bin{os.pathsep}{os.environ['PATH']}"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        assert "Loaded into docker" in done.stdout
        ran = docker.docker("run", "--rm", "--network", "host", name)
        assert ran.stdout == "loaded 1.17.0\n"
    finally:
        ImageStore(Home.default().images).remove(name)
        docker.docker("rmi", "--force", name, check=False)
