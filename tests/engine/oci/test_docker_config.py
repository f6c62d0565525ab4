"""Logins are found as Docker and podman keep them, or what is wrong with them is named."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import TYPE_CHECKING

import pytest

from cnbkit.errors import PlatformFault
from cnbkit_engine.oci.docker_config import Login, find_login

if TYPE_CHECKING:
    from pathlib import Path

HUB = "https://index.docker.io/v1/"
VARIABLES = ("DOCKER_AUTH_CONFIG", "REGISTRY_AUTH_FILE", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME")


def pair(text: str) -> str:
    return b64encode(text.encode()).decode()


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty Docker configuration, and a folder first on PATH for helpers."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "nobody"))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return tmp_path


def configure(docker: Path, content: object) -> None:
    (docker / "config.json").write_text(json.dumps(content))


def helper(docker: Path, name: str, script: str) -> None:
    path = docker / f"docker-credential-{name}"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_without_a_configuration_there_is_no_login(docker: Path) -> None:
    assert not (docker / "config.json").exists()
    assert find_login("ghcr.io") is None


@pytest.mark.parametrize("text", ["", "\n", "{}", '{"auths": null, "credHelpers": null}'])
def test_an_empty_configuration_holds_no_login(docker: Path, text: str) -> None:
    (docker / "config.json").write_text(text)
    assert find_login("ghcr.io") is None


def test_entries_are_taken_for_their_registry_only(docker: Path) -> None:
    entries = {"ghcr.io": {"auth": pair("jane:pw")}, HUB: {"auth": pair("hub:pw")}, "x.io": {}}
    configure(docker, {"auths": entries})
    assert find_login("ghcr.io") == Login("jane", "pw")
    assert find_login("docker.io") == Login("hub", "pw")
    for other in ("x.io", "quay.io", "ghcr.io.evil.example", "evil.example/ghcr.io"):
        assert find_login(other) is None


@pytest.mark.parametrize(
    "key",
    ["r.example:5000", "https://r.example:5000", "http://r.example:5000/", "https://r.example:5000/v1/",
     "https://r.example:5000/v2/", "r.example:5000/v1/"],
)  # fmt: skip
def test_all_spellings_of_a_registry_are_known(docker: Path, key: str) -> None:
    configure(docker, {"auths": {key: {"auth": pair("jane:pw")}}})
    assert find_login("r.example:5000") == Login("jane", "pw")
    assert find_login("r.example") is None


@pytest.mark.parametrize("key", [HUB, "docker.io", "index.docker.io", "registry-1.docker.io"])
def test_all_spellings_of_docker_hub_are_known(docker: Path, key: str) -> None:
    configure(docker, {"auths": {key: {"auth": pair("jane:pw")}}})
    assert find_login("docker.io") == Login("jane", "pw")


@pytest.mark.parametrize(
    ("entry", "login", "header"),
    [
        ({"auth": pair("jane:p:w")}, Login("jane", "p:w"), f"Basic {pair('jane:p:w')}"),
        ({"auth": pair("jane:pw").rstrip("=")}, Login("jane", "pw"), f"Basic {pair('jane:pw')}"),
        ({"username": "jane", "password": "pw"}, Login("jane", "pw"), f"Basic {pair('jane:pw')}"),
        ({"identitytoken": "refresh"}, Login(identity_token="refresh"), "X-Identity refresh"),
        (
            {"auth": pair("0000:"), "identitytoken": "refresh"},
            Login("0000", "", identity_token="refresh"),
            "X-Identity refresh",
        ),
        ({"registrytoken": "bearer"}, Login(registry_token="bearer"), "Bearer bearer"),
    ],
)
def test_every_kind_of_entry_is_used(
    docker: Path, entry: object, login: Login, header: str
) -> None:
    configure(docker, {"auths": {"r.example": entry}})
    found = find_login("r.example")
    assert found == login
    assert found is not None
    assert found.for_lifecycle == header


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ([], "the file is a list"),
        ({"auths": []}, "auths is a list"),
        ({"auths": {"r.example": ["x"]}}, "'r.example' is a list"),
        ({"auths": {"r.example": "x"}}, "'r.example' is a str"),
        ({"auths": {"r.example": {"auth": "%%%"}}}, "'r.example'.auth"),
        ({"auths": {"r.example": {"auth": pair("nocolon")}}}, "'r.example'.auth"),
        ({"auths": {"r.example": {"auth": 7}}}, "'r.example'.auth is not a text"),
        ({"auths": {"r.example": {"token": "x"}}}, "only token"),
        ({"auths": {"r.example": {"username": "jane"}}}, "only username"),
        ({"credHelpers": "osx"}, "credHelpers is a str"),
        ({"credsStore": ["osx"]}, "credsStore is not a text"),
        ({"credHelpers": {"r.example": "../evil"}}, "'../evil'"),
    ],
)
def test_what_cannot_be_used_is_named_and_nobody_goes_on_without(
    docker: Path, content: object, named: str
) -> None:
    configure(docker, content)
    with pytest.raises(PlatformFault) as caught:
        find_login("r.example")
    assert caught.value.where == str(docker / "config.json")
    assert named in str(caught.value.detail)
    assert caught.value.remedy


@pytest.mark.parametrize("text", ["{", "[" * 100_000, "\xff"])
def test_a_broken_configuration_is_named(docker: Path, text: str) -> None:
    (docker / "config.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(PlatformFault) as caught:
        find_login("ghcr.io")
    assert caught.value.where == str(docker / "config.json")


def test_a_configuration_that_is_a_folder_is_named(docker: Path) -> None:
    (docker / "config.json").mkdir()
    with pytest.raises(PlatformFault, match="registry logins"):
        find_login("ghcr.io")


def test_a_helper_is_asked_by_its_protocol(docker: Path) -> None:
    helper(docker, "one", 'read host; echo "{\\"Username\\":\\"$1\\",\\"Secret\\":\\"$host\\"}"')
    helper(docker, "two", "echo 'credentials not found in native keychain'; exit 1")
    configure(docker, {"credsStore": "two", "credHelpers": {"ghcr.io": "one"}})
    assert find_login("ghcr.io") == Login("get", "ghcr.io")
    assert find_login("quay.io") is None


def test_a_helper_is_asked_for_docker_hub_by_its_old_name(docker: Path) -> None:
    helper(docker, "one", 'read host; echo "{\\"Username\\":\\"x\\",\\"Secret\\":\\"$host\\"}"')
    configure(docker, {"credsStore": "one"})
    assert find_login("docker.io") == Login("x", HUB)


def test_a_helpers_identity_token_is_one(docker: Path) -> None:
    helper(docker, "one", 'echo "{\\"Username\\":\\"<token>\\",\\"Secret\\":\\"refresh\\"}"')
    configure(docker, {"credsStore": "one"})
    assert find_login("ghcr.io") == Login(identity_token="refresh")


@pytest.mark.parametrize(
    ("script", "named"),
    [
        ("echo 'the keyring is locked' >&2; exit 1", "the keyring is locked"),
        ("echo 'not json'", "no Username and Secret"),
        ("echo '[]'", "no Username and Secret"),
        ('echo \'{"Username": 1, "Secret": "s"}\'', "not a text"),
    ],
)
def test_a_helper_that_fails_is_named(docker: Path, script: str, named: str) -> None:
    helper(docker, "one", script)
    configure(docker, {"credsStore": "one", "auths": {"ghcr.io": {}}})
    with pytest.raises(PlatformFault, match="docker-credential-one") as caught:
        find_login("ghcr.io")
    assert named in str(caught.value.detail)


def test_a_failing_helpers_secret_is_not_shown(docker: Path) -> None:
    helper(docker, "one", "echo s3cret; echo broken >&2; exit 1")
    configure(docker, {"credsStore": "one"})
    with pytest.raises(PlatformFault) as caught:
        find_login("ghcr.io")
    assert "s3cret" not in str(caught.value)


def test_a_helper_that_is_not_installed_is_named(docker: Path) -> None:
    configure(docker, {"credsStore": "gone"})
    with pytest.raises(PlatformFault, match="docker-credential-gone") as caught:
        find_login("ghcr.io")
    assert caught.value.remedy


def test_podmans_files_are_read_where_podman_writes_them(
    docker: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable, user in (("XDG_CONFIG_HOME", "config"), ("XDG_RUNTIME_DIR", "runtime")):
        folder = docker / user / "containers"
        folder.mkdir(parents=True)
        content = {"auths": {"r.example": {"auth": pair(f"{user}:pw")}}}
        (folder / "auth.json").write_text(json.dumps(content))
        monkeypatch.setenv(variable, str(docker / user))
        assert find_login("r.example") == Login(user, "pw")
    configure(docker, {"auths": {"r.example": {"auth": pair("docker:pw")}}})
    assert find_login("r.example") == Login("docker", "pw")
    (docker / "named.json").write_text(
        json.dumps({"auths": {"r.example": {"auth": pair("named:pw")}}})
    )
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(docker / "named.json"))
    assert find_login("r.example") == Login("named", "pw")
    monkeypatch.setenv(
        "DOCKER_AUTH_CONFIG", json.dumps({"auths": {"r.example": {"auth": pair("text:pw")}}})
    )
    assert find_login("r.example") == Login("text", "pw")


def test_a_named_file_that_is_missing_is_an_error(
    docker: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(docker / "gone.json"))
    with pytest.raises(PlatformFault) as caught:
        find_login("r.example")
    assert caught.value.where == str(docker / "gone.json")
    assert "REGISTRY_AUTH_FILE" in str(caught.value.detail)


def test_a_login_for_part_of_a_registry_is_for_that_part(docker: Path) -> None:
    entries = {
        "r.example/team/app": {"auth": pair("app:pw")},
        "r.example/team": {"auth": pair("team:pw")},
        "r.example": {"auth": pair("all:pw")},
    }
    configure(docker, {"auths": entries})
    for path, user in (
        ("team/app", "app"),
        ("team/app/sub", "app"),
        ("team/apple", "team"),
        ("other", "all"),
        ("", "all"),
    ):
        assert find_login("r.example", path) == Login(user, "pw")


def test_a_login_shows_no_secret() -> None:
    assert "pw" not in repr(Login("jane", "pw"))
