"""The lifecycle is given the logins of its images, and no others."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import TYPE_CHECKING

from cnbkit_engine.oci.keychain import for_lifecycle

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_the_lifecycle_is_told_of_the_hosts_of_its_images_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    pair = b64encode(b"jane:pw").decode()
    entries = {
        "https://index.docker.io/v1/": {"auth": pair},
        "r.example": {"identitytoken": "refresh"},
        "s.example": {"registrytoken": "bearer"},
        "other.example": {"auth": pair},
    }
    (tmp_path / "config.json").write_text(json.dumps({"auths": entries}))
    images = ["team/app:1", "r.example/a@sha256:" + "0" * 64, "s.example/c", "none.example/b"]
    assert for_lifecycle(images) == {
        # Docker Hub by the name go-containerregistry has for it.
        "index.docker.io": f"Basic {pair}",
        "r.example": "X-Identity refresh",
        "s.example": "Bearer bearer",
    }
