"""`cnbkit build --engine pack`: the same builder.toml and options, by pack and a Docker engine."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cnbkit_engine.base.suites import DEFAULT
from cnbkit_engine.testing.pack import PackEngine

from .conftest import ROOT

if TYPE_CHECKING:
    from cnbkit_engine.testing.pack_services import PackServices

CNBKIT = str(Path(sys.executable).with_name("cnbkit"))


@pytest.fixture
def toml(pack_services: PackServices, build_image: str, tmp_path: Path) -> Path:
    """A builder.toml whose run image is in the registry."""
    path = tmp_path / "builder.toml"
    names = ("python", "start")
    path.write_text(
        f'[build]\nimage = "{build_image}"\n'
        f'[run]\n[[run.images]]\nimage = "{pack_services.run_image}"\n'
        + "".join(f'[[buildpacks]]\nuri = "{ROOT / "buildpacks" / name}"\n' for name in names)
        + "[[order]]\n"
        + "".join(f'[[order.group]]\nid = "cnbkit/{name}"\n' for name in names)
    )
    return path


def _cnbkit(
    services: PackServices, *arguments: str, path: str | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [CNBKIT, "build", "--engine", "pack", "--network", "host", *arguments],
        env={
            **services.docker.environment(),
            "PATH": path or f"/usr/bin{os.pathsep}{os.environ['PATH']}",
            "PACK_VOLUME_KEY": "cnbkit",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        check=False,
    )


def test_an_app_is_built_and_rebuilt_and_faults_are_said(
    pack_services: PackServices, toml: Path, tmp_path: Path
) -> None:
    app = tmp_path / "app"
    app.mkdir()
    (app / "app.py").write_text("print('first')\n")
    engine = PackEngine(pack_services)
    reference = engine.reference("engine-pack")
    options = [str(app), "--builder", str(toml), "--publish", reference]

    first = _cnbkit(pack_services, *options, "--env", f"BP_PYTHON_VERSION={DEFAULT.python}")
    assert first.returncode == 0, first.stdout
    assert "Making the builder image" in first.stdout
    assert f"{DEFAULT.python} from BP_PYTHON_VERSION" in first.stdout
    image = engine.fetched("engine-pack")
    assert image.user == "1000:1000"
    assert [each.type for each in image.processes] == ["web"]

    (app / "app.py").write_text("print('second')\n")
    second = _cnbkit(pack_services, *options)
    assert second.returncode == 0, second.stdout
    assert "Making the builder image" not in second.stdout
    assert engine.fetched("engine-pack").digest != image.digest

    # The lifecycle's own exit status comes through, and what was published stays.
    (app / "app.py").rename(app / "main.go")
    failed = _cnbkit(pack_services, *options)
    assert failed.returncode == 20, failed.stdout
    assert "no buildpack recognises this app" in failed.stdout
    (app / "main.go").rename(app / "app.py")

    # Without a registry the engine has the image, and takes it from the lifecycle.
    kept = _cnbkit(pack_services, str(app), "--builder", str(toml), "--tag", "engine-pack")
    assert kept.returncode == 0, kept.stdout
    ran = pack_services.docker.docker("run", "--rm", "--network", "host", "engine-pack")
    assert ran.stdout == "second\n"

    gone = _cnbkit(pack_services, *options, path=str(tmp_path))
    assert gone.returncode == 69
    assert "there is no docker" in gone.stdout


def test_a_builder_whose_run_image_is_in_no_registry_cannot_publish(
    pack_services: PackServices, toml: Path, tmp_path: Path
) -> None:
    text = toml.read_text()
    toml.write_text(text[: text.index("[run]")] + text[text.index("[[buildpacks]]") :])
    done = _cnbkit(pack_services, str(tmp_path), "--builder", str(toml), "--publish", "r.test/a")
    assert done.returncode == 65, done.stdout
    assert "the builder names no run image" in done.stdout


def test_without_a_run_image_the_engine_gets_cnbkits_own(
    pack_services: PackServices, toml: Path, tmp_path: Path
) -> None:
    text = toml.read_text()
    toml.write_text(text[: text.index("[run]")] + text[text.index("[[buildpacks]]") :])
    app = tmp_path / "app"
    app.mkdir()
    (app / "app.py").write_text("print('on our own')\n")
    options = [str(app), "--builder", str(toml), "--tag", "engine-pack-own"]
    first = _cnbkit(pack_services, *options)
    assert first.returncode == 0, first.stdout
    docker = pack_services.docker
    ran = docker.docker("run", "--rm", "--network", "host", "engine-pack-own")
    assert ran.stdout == "on our own\n"
    # It is there now, and neither it nor the builder is put in again.
    again = _cnbkit(pack_services, *options)
    assert again.returncode == 0, again.stdout
    assert "Making the builder image" not in again.stdout

    # For NVIDIA's GPUs there is another run image, of the same layers.
    with toml.open("a") as file:
        file.write('[[order.group]]\nid = "cnbkit/cuda"\noptional = true\n')
        file.write(f'[[buildpacks]]\nuri = "{ROOT / "buildpacks" / "cuda"}"\n')
    inspect = ("image", "inspect", "--format", "{{range .Config.Env}}{{println .}}{{end}}")
    for word, asked in (("cpu", False), ("cuda", True)):
        done = _cnbkit(pack_services, *options, "--env", f"BP_HARDWARE={word}")
        assert done.returncode == 0, done.stdout
        env = docker.docker(*inspect, "engine-pack-own").stdout.splitlines()
        assert ("NVIDIA_VISIBLE_DEVICES=all" in env) == asked
        assert ("NVIDIA_DRIVER_CAPABILITIES=compute,utility" in env) == asked


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--engine", "pack", "--output", "oci:x"], "--output takes images of the embedded engine"),
        (
            ["--engine", "pack", "--platform", "linux/arm64"],
            "--platform is for the embedded engine",
        ),
        (["--network", "bridge"], "'bridge' is not one of"),
    ],
)
def test_options_of_the_other_engine_are_wrong_usage(
    options: list[str], said: str, tmp_path: Path
) -> None:
    done = subprocess.run(
        [CNBKIT, "build", str(tmp_path), *options], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2, done.stderr
    assert said in done.stderr
