"""Settings that the image shows, under pack: variables, time, modes, and packages of an Aptfile."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cnbkit_engine.base.suites import DEFAULT
from cnbkit_engine.oci.layer import Entry
from cnbkit_engine.state.home import Home
from cnbkit_engine.state.locks import made_once
from cnbkit_engine.testing import LifecycleBuild
from cnbkit_engine.testing.pack import PackEngine

from .conftest import OWNER, ROOT

if TYPE_CHECKING:
    from cnbkit_engine.testing.pack_services import PackServices

    from .conftest import Derive

CNBKIT = str(Path(sys.executable).with_name("cnbkit"))
SAYS = """\
import json, os
print(json.dumps({
    "env": {name: os.environ.get(name) for name in ("GREETING", "LEVEL", "PATH", "LISTED")},
    "modes": {path: oct(os.stat(path).st_mode & 0o7777) for path in
              ("/workspace", "/workspace/app.py", "/workspace/data", "/workspace/data/a.csv")},
    "read": open("/workspace/data/a.csv").read(),
    "uid": os.getuid(),
}))
"""
APP = {"app.py": SAYS, "data/a.csv": "1,2\n"}


@pytest.fixture
def builder(build_image: str, pack_services: PackServices, tmp_path: Path) -> Path:
    """A builder.toml whose run image is in the registry, with `environment`."""
    names = ("python", "start", "environment")
    text = (
        f'[build]\nimage = "{build_image}"\n'
        f'[run]\n[[run.images]]\nimage = "{pack_services.run_image}"\n'
    )
    text += "".join(f'[[buildpacks]]\nuri = "{ROOT / "buildpacks" / name}"\n' for name in names)
    text += "[[order]]\n" + "".join(
        f'[[order.group]]\nid = "cnbkit/{name}"\noptional = {str(name == "environment").lower()}\n'
        for name in names
    )
    path = tmp_path / "builder.toml"
    path.write_text(text)
    return path


def _close(app: Path) -> None:
    """As a umask of 0077 leaves an app."""
    for path in (app, *app.rglob("*")):
        path.chmod(0o700 if path.is_dir() else 0o600)


def test_variables_of_the_build_are_the_images_which_says_when_it_was_made(
    pack_services: PackServices, builder: Path, tmp_path: Path
) -> None:
    engine = PackEngine(pack_services, ["--creation-time", "1700000000"])
    with closing(LifecycleBuild(engine, tmp_path / "builds")) as builds:
        built = builds.build(
            APP,
            builder=builder,
            prepare=_close,
            env={
                "BPE_GREETING": "good day",
                "BPE_DEFAULT_LEVEL": "info",
                "BPE_PREPEND_PATH": "/first",
                "BPE_DELIM_PATH": ":",
                "BPE_APPEND_LISTED": "b",
                "BPE_DELIM_LISTED": ",",
            },
        )
        assert built.image.config["created"] == "2023-11-14T22:13:20Z"
        shown = json.loads(built.run("web", env={"LISTED": "a", "GREETING": "none"}))
        # pack by itself takes files as they are on the machine; its own mode of the folder is 0777.
        assert (shown["modes"]["/workspace"], shown["modes"]["/workspace/app.py"]) == (
            "0o755",
            "0o600",
        )
        said = shown["env"]
        assert said.pop("PATH").startswith("/first:")
        assert said == {"GREETING": "good day", "LEVEL": "info", "LISTED": "a,b"}
        assert json.loads(built.run("web", env={"LEVEL": "debug"}))["env"]["LEVEL"] == "debug"


def _built(
    services: PackServices, engine: str, app: Path, builder: Path, reference: str, umask: int
) -> None:
    command = [CNBKIT, "build", "--engine", engine, "--network", "host", str(app)]
    done = subprocess.run(
        [*command, "--builder", str(builder), "--publish", reference],
        env={
            **services.docker.environment(),
            "PATH": f"/usr/bin{os.pathsep}{os.environ['PATH']}",
            "PACK_VOLUME_KEY": "cnbkit",
            "SOURCE_DATE_EPOCH": "1700000000",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        umask=umask,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_modes_of_the_host_change_nothing_of_the_image_and_any_user_reads_the_app(
    pack_services: PackServices, builder: Path, tmp_path: Path
) -> None:
    packs = PackEngine(pack_services)
    images = {}
    for name, engine, umask in (
        ("usual", "pack", 0o022),
        ("closed", "pack", 0o077),
        ("embedded", "embedded", 0o077),
    ):
        app = tmp_path / name
        (app / "data").mkdir(parents=True)
        for file, text in APP.items():
            (app / file).write_text(text)
        if umask != 0o022:
            _close(app)
        reference = packs.reference(f"modes-{name}")
        _built(pack_services, engine, app, builder, reference, umask)
        images[name] = packs.fetched(f"modes-{name}")
    closed = images["closed"]
    assert images["usual"].digest == closed.digest
    ours = images["embedded"]
    assert [each.diff_id for each in closed.layers] == [each.diff_id for each in ours.layers]
    assert {each.config["created"] for each in images.values()} == {"2023-11-14T22:13:20Z"}
    docker = pack_services.docker
    image = f"{packs.reference('modes-closed')}@{closed.digest}"
    options = ("--user", "4321:0", "--read-only", "--network", "host")
    said = json.loads(docker.docker("run", "--rm", *options, image).stdout.splitlines()[-1])
    assert said["uid"] == 4321
    assert said["read"] == "1,2\n"
    assert said["modes"] == {
        "/workspace": "0o755",
        "/workspace/app.py": "0o644",
        "/workspace/data": "0o755",
        "/workspace/data/a.csv": "0o644",
    }


@pytest.fixture(scope="module")
def debian_with_apt(pack_services: PackServices, derive: Derive) -> tuple[str, str]:
    """A run image that has apt, as cnbkit's own has not, and a build image of it."""

    def make(folder: Path) -> None:
        folder.mkdir()
        command = ["mmdebstrap", "--quiet", "--variant=apt", "--include=python3"]
        command += [f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in ("doc", "man")]
        user = 'echo cnb:x:1000:1000::/home/cnb:/bin/sh >>"$1/etc/passwd"; '
        user += 'echo cnb:x:1000: >>"$1/etc/group"; install -d -o 1000 -g 1000 "$1/home/cnb"'
        command += [f"--customize-hook={user}", DEFAULT.name, str(folder / "files.tar")]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL)

    files = made_once(Home.default().base / f"test-apt-{DEFAULT.name}", make) / "files.tar"
    run = f"{pack_services.registry}/apt-run:1"
    docker = pack_services.docker
    said = f'"{DEFAULT.version}"'
    labels = f'io.buildpacks.base.distro.name="debian" io.buildpacks.base.distro.version={said}'
    path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    changes = ("USER 1000:1000", *(f"ENV {each}" for each in (*OWNER, path)), f"LABEL {labels}")
    docker.docker("import", *(f"--change={each}" for each in changes), str(files), run)
    docker.docker("push", "--quiet", run)
    return run, derive(run, "apt-build:1", [Entry("/cnbkit-build")], env=OWNER)


def test_packages_are_in_the_image_itself_by_the_lifecycles_own_extender(
    pack_services: PackServices, debian_with_apt: tuple[str, str], tmp_path: Path
) -> None:
    run, build = debian_with_apt
    toml = tmp_path / "builder.toml"
    toml.write_text(
        f'[build]\nimage = "{build}"\n'
        f'[[extensions]]\nuri = "{ROOT / "buildpacks/apt-image"}"\n'
        "[[order-extensions]]\n[[order-extensions.group]]\n"
        'id = "cnbkit/apt-image"\nversion = "0.1.0"\n'
        + "".join(
            f'[[buildpacks]]\nuri = "{ROOT / "buildpacks" / name}"\n' for name in ("apt", "start")
        )
        + '[[order]]\n[[order.group]]\nid = "cnbkit/apt"\n[[order.group]]\nid = "cnbkit/start"\n'
    )
    shown = "command -v hello; hello; dpkg-query -W -f '${Status}\\n' hello; id -u\n"
    app = {"Aptfile": "hello\n", "Procfile": "web: sh ./show\n", "show": shown}
    options = ["--pull-policy", "always", "--run-image", run]
    engine = PackEngine(pack_services, options, trusted=False)
    with closing(LifecycleBuild(engine, tmp_path / "builds")) as builds:
        built = builds.build(app, builder=toml, env={"BP_APT_MODE": "image"})
        assert built.run("web") == "/usr/bin/hello\nHello, world!\ninstall ok installed\n1000\n"
        assert not [name for name in built.layers if name.startswith("cnbkit/apt:")]
        # Without the setting the same builder puts it into a layer.
        layered = builds.build(app, builder=toml)
        assert "cnbkit/apt:debs" in layered.layers
        program, said, *_ = layered.run("web").splitlines()
        assert (program, said) == ("/layers/cnbkit_apt/debs/usr/bin/hello", "Hello, world!")
