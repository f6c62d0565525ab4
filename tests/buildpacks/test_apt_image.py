"""Packages of an Aptfile in the images themselves: what the extension asks for, and who checks."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cnbkit_apt import Apt
from cnbkit_apt_image import AptImage
from cnbkit_aptfile import INSTALLED

if TYPE_CHECKING:
    from cnbkit.testing import BuildpackRun, Result

ENV = {"BP_APT_MODE": "image"}
KEY = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n"
SCRIPT = Path(__file__).parents[2] / "buildpacks/apt-image/cnbkit_apt_image/install.sh"


def given(result: Result, path: str) -> str:
    """A file that the Dockerfiles can copy."""
    return (result.layers_dir / "context" / path).read_text()


@pytest.mark.parametrize(
    ("app", "env", "why"),
    [
        ({"Aptfile": "jq\n"}, {}, "BP_APT_MODE is layer"),
        ({"Aptfile": "jq\n"}, {"BP_APT_MODE": "layer"}, "BP_APT_MODE is layer"),
        ({"pyproject.toml": "[project]\n"}, ENV, "no Aptfile, and no [tool.cnbkit.apt]"),
    ],
)
def test_it_takes_part_where_it_is_asked_to(
    buildpack_run: BuildpackRun, app: dict[str, str], env: dict[str, str], why: str
) -> None:
    result = buildpack_run(AptImage, app=app, env=env)
    assert (result.detected, result.reason) == (False, why)


def test_both_images_get_what_is_for_them(buildpack_run: BuildpackRun) -> None:
    app = {"Aptfile": "# ours\njq ffmpeg=7:5\n:build: libpq-dev\n"}
    result = buildpack_run(AptImage, app=app, env=ENV)
    assert result.reason == "found Aptfile"
    assert given(result, "apt/run.txt") == "Aptfile:2 jq\nAptfile:2 ffmpeg=7:5\n"
    assert given(result, "apt/build.txt").endswith("ffmpeg=7:5\nAptfile:3 libpq-dev\n")
    assert given(result, "apt/install.sh") == SCRIPT.read_text()
    for kind in ("build", "run"):
        assert f"install.sh {kind}\n" in result.dockerfiles[kind]
        assert result.dockerfiles[kind].endswith("USER ${user_id}:${group_id}\n")
    assert result.dockerfile_args["run"] == {"mirror": "", "recommends": "False"}


def test_tables_files_keys_and_settings_reach_the_script(buildpack_run: BuildpackRun) -> None:
    app: dict[str, str | bytes] = {
        "pyproject.toml": (
            '[tool.cnbkit.apt]\ninstall = ["own/a.deb#sha256=00"]\n'
            '[[tool.cnbkit.apt.repositories]]\nuri = "https://apt.example.com"\nsuite = "x"\n'
            'components = ["main"]\nsigned-by = "k.gpg"\n'
        ),
        "own/a.deb": b"\x00deb",
        "k.gpg": b"\x99key",
    }
    env = {**ENV, "BP_APT_MIRROR": "http://m.example.com/", "BP_APT_RECOMMENDS": "true"}
    result = buildpack_run(AptImage, app=app, env={**env, "BP_APT_REFRESH": "today"})
    assert given(result, "apt/run.txt") == "pyproject.toml:2 own/a.deb#sha256=00 debs/0.deb\n"
    assert (result.layers_dir / "context/apt/debs/0.deb").read_bytes() == b"\x00deb"
    assert (result.layers_dir / "context/apt/keys/0.gpg").read_bytes() == b"\x99key"
    assert given(result, "apt/app.list") == (
        "deb [signed-by=/cnbkit-apt/keys/0.gpg] https://apt.example.com x main\n"
    )
    assert given(result, "apt/refresh") == "today"
    wanted = {"mirror": "http://m.example.com", "recommends": "True"}
    assert result.dockerfile_args == {"build": wanted, "run": wanted}


def test_what_is_wrong_is_told_with_its_lines(buildpack_run: BuildpackRun) -> None:
    result = buildpack_run(AptImage, app={"Aptfile": "jq\nnumpy==1\n; rm -rf /\n"}, env=ENV)
    assert result.code == 65
    assert "Aptfile:2" in str(result.fault)
    assert "Aptfile:3" in str(result.fault)
    text = ":repo:deb [signed-by=none.asc] https://apt.example.com x main\n"
    result = buildpack_run(AptImage, app={"Aptfile": text}, env=ENV)
    assert "there is no file none.asc" in str(result.fault)


@pytest.mark.parametrize("mirror", ["", "https://me:secret@m.example.com"])
def test_logins_are_refused(buildpack_run: BuildpackRun, mirror: str) -> None:
    bindings = {} if mirror else {"debs": {"type": "apt", "auth.conf": "machine x login y\n"}}
    env = {**ENV, "BP_APT_MIRROR": mirror} if mirror else ENV
    result = buildpack_run(AptImage, app={"Aptfile": "jq\n"}, env=env, bindings=bindings)
    assert result.code == 65
    assert result.fault
    assert result.fault.remedy == "set BP_APT_MODE=layer"
    assert "secret" not in result.log


def test_the_buildpack_makes_sure_that_it_was_there(
    buildpack_run: BuildpackRun, tmp_path: Path
) -> None:
    app = {"Aptfile": "jq\n"}
    identity = given(buildpack_run(AptImage, app=app, env=ENV), "apt/identity")

    class Local(Apt):
        system = str(tmp_path)

    missing = buildpack_run(Local, app=app, env=ENV)
    assert missing.code == 65
    assert "has no cnbkit/apt-image" in str(missing.fault)
    told = tmp_path / INSTALLED.lstrip("/")
    told.parent.mkdir(parents=True)
    told.write_text(identity)
    result = buildpack_run(Local, app=app, env=ENV)
    assert result.code == 0, result.log
    assert "installed in run and build image" in result.log
    assert not result.layers
    other = buildpack_run(Local, app={"Aptfile": "jq\nffmpeg\n"}, env=ENV)
    assert other.code == 65


def test_an_image_without_apt_is_told(tmp_path: Path) -> None:
    done = subprocess.run(
        ["/bin/sh", SCRIPT, "run"],
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 69
    assert done.stdout.startswith("Error: the run image has no apt; ")
