"""Packages of an Aptfile installed in the images by an extension, in real builds."""

from __future__ import annotations

import json
import re
import subprocess
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cnbkit_engine.base.images import machine_architecture
from cnbkit_engine.lifecycle.install import ensure_crane
from cnbkit_engine.state.home import Home
from cnbkit_engine.state.workspace import remove_tree

from .conftest import cnbkit

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .conftest import Project, Result

IMAGE = ("--env", "BP_APT_MODE=image")
# psql is a link to a script in Perl, sshd's user is made by a script of its package, and libpq.so
# without a number belongs to the headers, which are for building alone.
SHOWN = """\
web: sh -c 'psql "host=127.0.0.1 port=1" 2>&1; getent passwd sshd; \
grep ^Package:.openssh-server$ /var/lib/dpkg/status; \
ls /usr/lib/*/libpq.so /usr/sbin/policy-rc.d /cnbkit-apt; command -v apt-get; id -u'
"""


@pytest.fixture
def extended(project: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    build, kept = project.build, set[str]()

    def noted(*options: str, code: int = 0) -> Result:
        result = build(*options, code=code)
        kept.update(re.findall(r"The extended \w+ image is kept in (\S+)", result.output))
        return result

    monkeypatch.setattr(project, "build", noted)
    yield project
    # A root file system each. Those beside them are other tests'.
    for each in kept:
        remove_tree(Path(each))


@pytest.fixture
def registry() -> Iterator[str]:
    crane = ensure_crane(Home.default(), arch=machine_architecture())
    with subprocess.Popen(
        [crane, "registry", "serve", "--address", "127.0.0.1:0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as server:
        assert server.stdout is not None
        line = next(line for line in server.stdout if "port" in line)
        yield f"127.0.0.1:{line.split()[-1]}"
        server.terminate()


def extending(log: str) -> list[str]:
    return [line for line in log.splitlines() if line.startswith("Extending the ")]


def test_packages_are_installed_as_debian_does_and_the_image_is_not_rebased(
    extended: Project, registry: str
) -> None:
    aptfile = "postgresql-client\nopenssh-server\n:build: libpq-dev\n"
    extended.write({"Aptfile": aptfile, "Procfile": SHOWN})
    extended.write(
        {".cnbkit/pre-build": "#!/bin/sh\npg_config --version && ls /usr/lib/*/libpq.so\n"}
    )
    (extended.app / ".cnbkit/pre-build").chmod(0o755)
    asked = (*IMAGE, "--env", f"BP_APT_REFRESH={uuid.uuid4().hex}")  # nothing kept will do
    log = extended.build(*asked).output
    assert len(extending(log)) == 2
    assert "PostgreSQL " in log
    assert "libpq.so" in log
    assert "a library is needed" not in log
    lines = extended.run().splitlines()
    shown = "\n".join(lines)
    assert 'server at "127.0.0.1", port 1 failed: Connection refused' in shown
    assert "sshd:x:" in shown
    assert "Package: openssh-server" in shown  # with or without dpkg, which some packages need
    for gone in ("libpq.so", "policy-rc.d", "cnbkit-apt"):
        assert f"{gone}': No such file" in shown
    assert lines[-1] == "1000"
    assert "/apt-get" not in shown
    assert extended.image().labels["io.buildpacks.rebasable"] == "false"

    # Nothing is installed again, and what is published elsewhere is the same.
    assert extending(extended.build(*asked).output) == []
    name = f"{registry}/team/app:1"
    options = ("--publish", name, "--run-image", f"{registry}/run:1", *asked)
    published = cnbkit("build", str(extended.app), *options)
    assert published.code == 0, published.output
    assert extending(published.output) == []
    crane = str(ensure_crane(Home.default(), arch=machine_architecture()))
    manifest = json.loads(subprocess.check_output([crane, "manifest", name]))
    ours = [layer["digest"] for layer in extended.image().manifest["layers"]]
    assert [layer["digest"] for layer in manifest["layers"]][:2] == ours[:2]

    # A newer base does not go below what was installed on the old one.
    subprocess.check_output(
        [crane, "mutate", f"{registry}/run:1", "--label", "patched=1", "-t", f"{registry}/run:1"]
    )
    rebased = cnbkit("rebase", "--publish", name)
    assert rebased.code == 69, rebased.output
    assert "image extensions changed its run image" in rebased.output


def test_what_there_is_not_is_the_apps_fault(extended: Project) -> None:
    extended.write({"Aptfile": "jq\nlibgl99\nffmpeg=1\n", "Procfile": "web: true\n"})
    log = extended.build(*IMAGE, code=65).output
    assert "Aptfile:2: there is no package libgl99; Aptfile:3: ffmpeg has no version 1" in log
