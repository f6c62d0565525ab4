"""What is said of an image: its bills as one, how it was made, and by whom that is signed."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from securesystemslib.dsse import Envelope
from securesystemslib.signer import SSlibKey  # type: ignore[attr-defined]

from cnbkit.errors import UserFault
from cnbkit_engine.attest.bill import joined
from cnbkit_engine.attest.provenance import Made, statement
from cnbkit_engine.attest.sign import PASSWORD, Key
from cnbkit_engine.cli.build import command as build

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

DIGEST = f"sha256:{'a' * 64}"
MADE = Made(
    name="registry.example.com/team/app",
    digest=DIGEST,
    started="2026-01-01T00:00:00Z",
    finished="2026-01-01T00:00:09Z",
    source="https://git.example.com/app",
    revision="c" * 40,
    modified=True,
    variables=["BP_SECRET", "BP_A"],
    builder=("builder.toml", "b" * 64),
    engine="0.1.0",
    options={"hardware": "cpu", "exec-env": ""},
)
LABELS = {
    "io.buildpacks.build.metadata": json.dumps(
        {
            "buildpacks": [{"id": "cnbkit/pip", "version": "0.1.0", "homepage": "https://x"}],
            "launcher": {"version": "0.21.14"},
        }
    ),
    "io.buildpacks.lifecycle.metadata": json.dumps(
        {"runImage": {"reference": f"h/run@sha256:{'d' * 64}", "image": "h/run:1"}}
    ),
}


def bill(*components: Mapping[str, object], depends: dict[str, list[str]] | None = None) -> bytes:
    dependencies = [{"ref": ref, "dependsOn": on} for ref, on in (depends or {}).items()]
    return json.dumps(
        {
            "bomFormat": "CycloneDX",
            "specVersion": "1.5",
            "components": components,
            "dependencies": dependencies,
        }
    ).encode()


def test_bills_of_all_layers_are_one_valid_document() -> None:
    six = {"type": "library", "name": "six", "version": "1", "bom-ref": "six"}
    other = {"type": "library", "name": "six", "version": "2", "bom-ref": "six"}
    top = {"type": "library", "name": "top", "version": "1", "bom-ref": "top"}
    bills = {
        "a/sbom.cdx.json": bill(six),
        "b/sbom.cdx.json": bill(six, top, depends={"top": ["six"]}),
        "c/sbom.cdx.json": bill(other),
        "c/sbom.spdx.json": b"not read",
    }
    data = joined(bills, "registry.example.com/team/app", DIGEST)
    assert JsonStrictValidator(SchemaVersion.V1_5).validate_str(data.decode()) is None
    document = json.loads(data)
    found = sorted((each["name"], each["version"]) for each in document["components"])
    assert found == [("six", "1"), ("six", "2"), ("top", "1")]
    assert document["dependencies"] == [{"ref": "top", "dependsOn": ["six"]}]
    assert document["metadata"]["component"]["purl"].startswith("pkg:oci/app@sha256%3A")
    assert joined({"c/sbom.spdx.json": b"x"}, "app", DIGEST) == b""


def test_the_provenance_says_what_went_in_and_no_secret() -> None:
    made = statement(MADE, LABELS)
    assert made["subject"] == [{"name": MADE.name, "digest": {"sha256": "a" * 64}}]
    definition = made["predicate"]["buildDefinition"]
    parameters = definition["externalParameters"]
    assert parameters["variables"] == ["BP_A", "BP_SECRET"]
    assert (parameters["hardware"], "exec-env" in parameters) == ("cpu", False)
    assert parameters["source-modified"] is True
    told = {each["name"]: each for each in definition["resolvedDependencies"]}
    assert told["source"]["digest"] == {"gitCommit": "c" * 40}
    assert told["source"]["uri"] == "git+https://git.example.com/app"
    assert told["run image"] == {
        "name": "run image",
        "uri": "oci://h/run:1",
        "digest": {"sha256": "d" * 64},
    }
    assert told["buildpack"]["uri"] == "urn:cnb:builder:cnbkit/pip@0.1.0"


def written(path: Path, password: bytes = b"") -> Ed25519PrivateKey:
    key = Ed25519PrivateKey.generate()
    how = BestAvailableEncryption(password) if password else NoEncryption()
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, how))
    return key


@pytest.mark.parametrize("password", [b"", b"hidden"])
def test_an_envelope_is_verified_with_the_public_key_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, password: bytes
) -> None:
    path = tmp_path / "key.pem"
    key = written(path, password).public_key()
    if password:
        with pytest.raises(UserFault, match="is not a private key that can be used"):
            Key(path)
        monkeypatch.setenv(PASSWORD, password.decode())
    line = tmp_path / "key.pub"
    line.write_bytes(key.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH))
    shown = subprocess.check_output(["ssh-keygen", "-lf", line], text=True).split()[1]
    assert Key(path).id == shown
    public = SSlibKey.from_crypto(key, keyid=shown)
    data = json.loads(Key(path).envelope("application/vnd.in-toto+json", b'{"a": 1}'))
    envelope = Envelope.from_dict(data)
    assert envelope.payload == b'{"a": 1}'
    envelope.verify([public], 1)
    envelope.payload = b'{"a": 2}'
    with pytest.raises(Exception, match=r"(?i)signatures|threshold"):
        envelope.verify([public], 1)


def test_what_cannot_be_done_is_told_before_anything_is_built(tmp_path: Path) -> None:
    wrong = tmp_path / "key.pem"
    wrong.write_text("no key")
    for options, what in (
        (["--attest"], "--attest goes with --publish"),
        (["--attest-key", str(wrong), "--publish", "h.example.com/a"], "goes with --attest"),
    ):
        done = CliRunner().invoke(build, [str(tmp_path), *options])
        assert done.exit_code == 2
        assert what in done.output
    options = ["--publish", "h.example.com/a", "--attest", "--attest-key", str(wrong)]
    done = CliRunner().invoke(build, [str(tmp_path), *options])
    assert isinstance(done.exception, UserFault)
    assert done.exception.where == str(wrong)
