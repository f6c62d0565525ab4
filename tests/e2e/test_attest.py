"""What a build attaches to its image, read by others: go-containerregistry, in-toto, sigstore."""

from __future__ import annotations

import json
import subprocess
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from tests.go_programs import go_programs

from cnbkit_engine.state.home import Home
from cnbkit_engine.state.workspace import Workspace

from ..plain_registry import PlainRegistry
from .conftest import cnbkit

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .conftest import Project


@pytest.fixture(scope="module")
def others() -> Iterator[Path]:
    """Others' code as a program; tools/referrers/main.go says what it does."""
    with Workspace(Home.default().tools, background=True) as space:
        yield go_programs("referrers", ("cnbkit/tools/referrers",), {}, space) / "referrers"


@pytest.fixture(params=["lists", "does not list"])
def registry(others: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """One that knows of subjects, and one that does not."""
    if request.param == "does not list":
        with closing(PlainRegistry()) as made:
            yield made.host
        return
    with subprocess.Popen([others, "serve"], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        yield server.stdout.readline().strip()
        server.terminate()


def test_bills_and_provenance_are_found_and_verified_by_others(
    project: Project, registry: str, others: Path, tmp_path: Path
) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    private, public = tmp_path / "key.pem", tmp_path / "key.pub"
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public.write_bytes(
        key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    project.write({"requirements.txt": "six==1.17.0\n", "app.py": "import six\n"})
    for command in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "x"]):
        author = ["-c", "user.name=T", "-c", "user.email=t@example.com"]
        subprocess.run(["git", *author, *command], cwd=project.app, check=True)
    head = subprocess.check_output(["git", "rev-parse", "HEAD"], cwd=project.app, text=True)
    name = f"{registry}/team/app:1"
    options = ["--publish", name, "--run-image", f"{registry}/team/run:1", "--attest"]
    options += ["--attest-key", str(private), "--env", "BP_SECRET=hush-hush"]
    built = cnbkit("build", str(project.app), *options)
    assert built.code == 0, built.output

    read = subprocess.run([others, "read", name, public], capture_output=True, check=False)
    assert read.returncode == 0, read.stderr
    found: list[dict[str, Any]] = json.loads(read.stdout)
    kinds = [each["artifactType"] for each in found]
    assert {*kinds} == {
        "application/vnd.cyclonedx+json",
        "application/spdx+json",
        "application/vnd.dsse.envelope.v1+json",
    }
    bill = found[kinds.index("application/vnd.cyclonedx+json")]["content"]
    assert ("six", "1.17.0") in [(each["name"], each["version"]) for each in bill["components"]]
    signed = found[kinds.index("application/vnd.dsse.envelope.v1+json")]
    assert signed["verified"]
    assert signed["judged"]
    digest = next(line.split()[1] for line in built.output.splitlines() if line.startswith(name))
    assert signed["content"]["subject"][0]["digest"]["sha256"] == digest.removeprefix("sha256:")
    definition = signed["content"]["predicate"]["buildDefinition"]
    inputs = {each["name"]: each for each in definition["resolvedDependencies"]}
    assert inputs["source"]["digest"]["gitCommit"] == head.strip()
    assert len(inputs["run image"]["digest"]["sha256"]) == 64
    assert b"hush-hush" not in read.stdout

    # Another's key does not verify it.
    stranger = ec.generate_private_key(ec.SECP256R1()).public_key()
    public.write_bytes(stranger.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    wrong = subprocess.run([others, "read", name, public], capture_output=True, check=False)
    assert wrong.returncode == 1

    shown = cnbkit("inspect", name, "--attestations")
    assert shown.code == 0, shown.output
    assert "https://slsa.dev/provenance/v1" in shown.output
    assert f"gitCommit:{head.strip()}" in shown.output
    assert "(not verified)" in shown.output
    as_json = json.loads(cnbkit("inspect", name, "--attestations", "--json").output)
    assert len(as_json) == 3
