from __future__ import annotations

import json
from base64 import b64encode
from typing import TYPE_CHECKING

import pytest

from cnbkit.errors import PlatformFault
from cnbkit.platform.credentials import authorization, for_lifecycle

if TYPE_CHECKING:
    from pathlib import Path

PAIR = b64encode(b"jane:s3cret").decode()


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty Docker configuration, and a folder first on PATH for helpers."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return tmp_path


def configure(docker: Path, content: object) -> None:
    (docker / "config.json").write_text(json.dumps(content))


def helper(docker: Path, name: str, script: str) -> None:
    path = docker / f"docker-credential-{name}"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_without_a_configuration_there_are_no_credentials(docker: Path) -> None:
    assert not (docker / "config.json").exists()
    assert authorization("ghcr.io") is None


def test_plain_entries_are_taken_for_their_registry_only(docker: Path) -> None:
    hub = "https://index.docker.io/v1/"
    configure(docker, {"auths": {"ghcr.io": {"auth": PAIR}, hub: {"auth": "aHVi"}, "x.io": {}}})
    assert authorization("ghcr.io") == f"Basic {PAIR}"
    assert authorization("docker.io") == "Basic aHVi"
    assert authorization("x.io") is None
    assert authorization("quay.io") is None


def test_a_helper_is_asked_by_its_protocol(docker: Path) -> None:
    helper(docker, "one", 'read host; echo "{\\"Username\\":\\"$1\\",\\"Secret\\":\\"$host\\"}"')
    helper(docker, "two", "exit 1")
    configure(docker, {"credsStore": "two", "credHelpers": {"ghcr.io": "one"}})
    assert authorization("ghcr.io") == "Basic " + b64encode(b"get:ghcr.io").decode()
    assert authorization("quay.io") is None


def test_a_helper_that_is_not_installed_is_named(docker: Path) -> None:
    configure(docker, {"credsStore": "gone"})
    with pytest.raises(PlatformFault, match="docker-credential-gone") as caught:
        authorization("ghcr.io")
    assert caught.value.remedy


def test_a_broken_configuration_is_named(docker: Path) -> None:
    (docker / "config.json").write_text("{")
    with pytest.raises(PlatformFault) as caught:
        authorization("ghcr.io")
    assert caught.value.where == str(docker / "config.json")


def test_the_lifecycle_is_told_of_the_hosts_of_its_images_alone(docker: Path) -> None:
    entries = {
        "https://index.docker.io/v1/": {"auth": "aHVi"},
        "r.example": {"auth": "cg=="},
        "other.example": {"auth": "bw=="},
    }
    configure(docker, {"auths": entries})
    images = ["team/app:1", "r.example/a@sha256:" + "0" * 64, "none.example/b"]
    # Docker Hub by the name go-containerregistry has for it.
    assert for_lifecycle(images) == {"index.docker.io": "Basic aHVi", "r.example": "Basic cg=="}
