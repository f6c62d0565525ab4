"""What an image starts: found, declared, in the container's limits, ended by SIGTERM."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

from cnbkit_engine.state.home import Home
from cnbkit_engine.testing import Container, free_port
from cnbkit_pip.layers.partition import LIGHT

from .conftest import ROOT, Project

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Project]:
    """A copy of examples/train-serve."""
    made = Project(tmp_path / "shop", Home.default())
    shutil.copytree(ROOT / "examples" / "train-serve", made.app)
    yield made
    made.remove()


def test_one_source_trains_and_serves_and_the_images_share_their_layers(
    shop: Project, tmp_path: Path
) -> None:
    built = shop.build()
    assert "train: left out, because this image has no packages of train" in built.output
    assert "web: gunicorn --bind 0.0.0.0:${PORT:-8080} app:app, from app.py:9" in built.output
    serve = shop.layers()
    processes = {each.type: each for each in shop.image().processes}
    assert processes.keys() == {"web"}
    assert processes["web"].default

    trainer = Project(shop.app, shop.home)
    try:
        built = trainer.build("--env", "BP_DEFAULT_PROCESS=train")
        assert "Dependency groups for train: train" in built.output
        assert "train: python train.py, from pyproject.toml:11" in built.output
        assert {each.type for each in trainer.image().processes} == {"web", "train"}
        train = trainer.layers()
        shared = {what for what, digest in train.items() if serve.get(what) == digest}
        # All that serves is in both; numpy, which weighs more than the rest, only where it is used.
        light = {what for what in serve if what.startswith(f"cnbkit/pip:{LIGHT}")}
        assert light
        assert {*light, "cnbkit/start:limits", "app"} <= shared
        assert train.keys() - serve.keys() == {"cnbkit/pip:wheels-numpy"}
        # All else but a few files: what ties the packages together, what starts, what is in it.
        different = {"cnbkit/pip:wheels-numpy", "cnbkit/pip:site"}
        different |= {"config", "process-types", "sbom"}
        assert train.keys() - shared == different

        model = tmp_path / "model"
        model.mkdir()
        model.chmod(0o777)
        volume = ("--volume", f"{model}:/model:rw", "--env", "MODEL=/model/model.json")
        # The first start of a large image says before that it is unpacked.
        assert trainer.run(*volume).splitlines()[-1] == "model written to /model/model.json"
    finally:
        trainer.remove()
    # What was learned is what is served; and the serving image cannot train.
    learned = json.loads((model / "model.json").read_text())
    assert learned == {"slope": 3.0, "intercept": 0.2}
    (model / "model.json").write_text('{"slope": 2.0, "intercept": 1.0}')
    assert "has no process 'train'" in shop.run("--process", "train", code=65)

    # 2.5 CPUs and a gigabyte: two workers of 512 MiB, and a thread for each.
    limits = {"cgroup.controllers": "", "cpu.max": "250000 100000", "memory.max": str(2**30)}
    cgroup = tmp_path / "cgroup"
    cgroup.mkdir()
    for name, text in limits.items():
        (cgroup / name).write_text(f"{text}\n")
    port = free_port()
    binds = {model: "/model", cgroup: "/sys/fs/cgroup"}
    env = {"PORT": str(port), "MODEL": "/model/model.json"}
    image = shop.image()
    with Container(
        lambda output: shop.engine.start(image, None, (), (), env, binds, output), tmp_path
    ) as web:
        assert json.loads(web.http_get(port, "/?temperature=4")) == {
            "temperature": 4.0,
            "sales": 9.0,
        }
        assert web.http_get(port, "/health") == "ok, 2 worker(s)"
        # The server itself gets the signal, not a shell before it: it ends its workers in order.
        web.stop()
        assert "Handling signal: term" in web.logs()
        assert "Shutting down: Master" in web.logs()


API = "from fastapi import FastAPI\napp = FastAPI()\n@app.get('/')\ndef root():\n    return 1\n"


def test_an_api_answers_on_its_port_and_ends_in_order(project: Project) -> None:
    project.write({"app.py": API, "requirements.txt": "fastapi\nuvicorn\n"})
    built = project.build()
    assert "web: uvicorn --host 0.0.0.0 --port ${PORT:-8080} app:app, from app.py:2" in built.output
    port = free_port()
    with project.start("web", env={"PORT": str(port)}) as web:
        assert web.http_get(port) == "1"
        assert "Finished server process" in web.stop()
