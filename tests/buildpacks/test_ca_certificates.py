"""Certificates of bindings: what is trusted, while building and at launch, and what is refused."""

from __future__ import annotations

import os
import ssl
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest

from cnbkit_ca_certificates import VARIABLES, CaCertificates

from ..authority import Authority

if TYPE_CHECKING:
    from cnbkit.testing import BuildpackRun

BUILDPACK = Path(__file__).parents[2] / "buildpacks" / "ca-certificates"
TYPE = {"type": "CA-Certificates"}
SYSTEM = Path("/etc/ssl/certs/ca-certificates.crt")


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority("Corporate Root")


def subjects(bundle: str) -> list[str]:
    """Names of the authorities in a bundle, as OpenSSL reads it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=bundle)
    found = context.get_ca_certs()
    return [dict(cast("Any", each["subject"][-1])).get("commonName", "") for each in found]


def test_nothing_is_done_without_a_binding(buildpack_run: BuildpackRun) -> None:
    result = buildpack_run(CaCertificates, bindings={"x": {"type": "pypi"}})
    assert not result.detected
    unwanted = buildpack_run(CaCertificates, env={"BP_ENABLE_RUNTIME_CERT_BINDING": "false"})
    assert unwanted.detected
    assert unwanted.layers == []


def test_later_buildpacks_trust_the_system_and_the_binding(
    buildpack_run: BuildpackRun, authority: Authority
) -> None:
    # Two entries, one of them twice the same, without a line break at its end.
    twice = {"a.pem": authority.certificate * 2, "b.pem": authority.certificate.rstrip()}
    result = buildpack_run(BUILDPACK, bindings={"corp": {**TYPE, **twice}})
    assert result.code == 0
    assert result.log.count("Trusting Corporate Root (binding corp: a.pem)") == 1
    bundle = result.layer("bundle")
    assert bundle.types == {"build", "cache"}
    env = result.build_env({"CURL_CA_BUNDLE": "/mine.pem"})
    path = f"{result.layers_dir}/bundle/ca-certificates.pem"
    wanted = dict.fromkeys(VARIABLES, path) | {"CURL_CA_BUNDLE": "/mine.pem"}
    assert {name: env[name] for name in VARIABLES} == wanted
    trusted = subjects(bundle.text("ca-certificates.pem"))
    assert sorted(trusted) == sorted([*subjects(SYSTEM.read_text()), "Corporate Root"])
    # The image carries no copy of this machine's own trust.
    assert subjects(result.layer("trust").text("certificates.pem")) == ["Corporate Root"]
    assert result.in_image() == ["trust"]


def test_an_unchanged_binding_changes_nothing_and_a_changed_one_says_so(
    buildpack_run: BuildpackRun, authority: Authority
) -> None:
    bindings = {"corp": {**TYPE, "a.pem": authority.certificate}}
    first = buildpack_run(BUILDPACK, bindings=bindings)
    again = first.rebuild()
    assert [again.layer(name).state for name in ("bundle", "trust")] == ["keep", "reuse"]
    other = Authority("Other Root").certificate
    changed = first.rebuild(bindings={"corp": {**TYPE, "a.pem": other}})
    assert "Trusting Other Root" in changed.log
    assert subjects(changed.layer("trust").text("certificates.pem")) == ["Other Root"]


def test_certificates_that_may_not_help_are_warned_of(
    buildpack_run: BuildpackRun, authority: Authority
) -> None:
    leaf, _key = authority.issue()
    entries = {"leaf.pem": leaf, "old.pem": Authority("Old Root", days=-5).certificate}
    result = buildpack_run(BUILDPACK, bindings={"corp": {**TYPE, **entries}})
    assert result.code == 0
    assert "Warning: binding corp: old.pem: Old Root expired 5 days ago" in result.log
    assert "Warning: binding corp: leaf.pem: certificate #" in result.log
    assert "is not a certificate authority's" in result.log


def test_whatever_is_no_certificate_is_refused_all_at_once(
    tmp_path: Path, buildpack_run: BuildpackRun, authority: Authority
) -> None:
    text = authority.certificate
    entries = {
        "empty.pem": " \n",
        "key.pem": text + authority.key,
        "cut.pem": text[:200],
        "damaged.pem": text.replace(text.splitlines()[2], "A" * 64),
        "word.pem": "certificate, please",
        "letters.pem": "-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n",
    }
    result = buildpack_run(BUILDPACK, bindings={"corp": {**TYPE, **entries}, "none": TYPE})
    assert result.code == 65
    assert result.fault is not None
    for entry in entries:
        assert f"binding corp: {entry}: " in str(result.fault.detail)
    assert "binding none: it has no certificate" in str(result.fault.detail)
    assert "private key, which must not come near an image" in str(result.fault.detail)
    assert authority.key.splitlines()[1] not in result.log
    assert result.in_image() == []

    binding = tmp_path / "platform" / "corp"
    binding.mkdir(parents=True)
    (binding / "type").write_text("ca-certificates")
    (binding / "root.crt").write_bytes(authority.der)
    env = {"SERVICE_BINDING_ROOT": str(binding.parent)}
    binary = buildpack_run(BUILDPACK, env=env)
    assert binary.fault is not None
    assert "binding corp: root.crt: it is binary" in binary.fault.what
    assert "openssl x509 -inform der -in root.crt" in str(binary.fault.remedy)


class Launch:
    """The launch program in a layer of its own, run as the launcher does: variables to fd 3."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.layer = root / "layer"
        self.program = self.layer / "exec.d" / "trust"
        self.program.parent.mkdir(parents=True)
        self.program.write_bytes((BUILDPACK / "launch" / "trust").read_bytes())
        self.program.chmod(0o755)
        self.tmp = root / "tmp"
        self.tmp.mkdir()

    def bind(self, name: str, **entries: str) -> None:
        folder = self.root / "bindings" / name
        folder.mkdir(parents=True)
        for entry, text in entries.items():
            (folder / entry).write_text(text)

    def run(self, **env: str) -> tuple[dict[str, str], str]:
        """Variables it sets, and what it says."""
        out = self.root / "variables"
        done = subprocess.run(
            ["/bin/sh", "-c", 'exec "$0" 3>"$1"', str(self.program), str(out)],
            env={
                "PATH": "/usr/bin:/bin",
                "TMPDIR": str(self.tmp),
                "SERVICE_BINDING_ROOT": str(self.root / "bindings"),
                **env,
            },
            capture_output=True,
            text=True,
            check=True,
        )
        lines = [line.partition(" = ") for line in out.read_text().splitlines()]
        return {name: value.strip('"') for name, _, value in lines}, done.stderr


@pytest.fixture
def launch(tmp_path: Path) -> Launch:
    return Launch(tmp_path)


def test_at_launch_the_image_the_build_and_bindings_are_trusted(
    launch: Launch, authority: Authority
) -> None:
    (launch.layer / "certificates.pem").write_text(authority.certificate)
    launch.bind("late", type="ca-certificates\n", ca=Authority("Late Root").certificate.rstrip())
    launch.bind("other", type="pypi", ca=Authority("Not Asked").certificate)
    ours = ["Corporate Root", "Late Root"]
    variables, said = launch.run(CURL_CA_BUNDLE="/mine.pem")
    assert said == ""
    assert "CURL_CA_BUNDLE" not in variables
    [bundle] = {*variables.values()}
    assert bundle.startswith(str(launch.tmp))
    trusted = subjects(Path(bundle).read_text())
    assert sorted(trusted) == sorted([*subjects(SYSTEM.read_text()), *ours])
    # Started again, it is the same file: nothing piles up.
    assert launch.run()[0]["SSL_CERT_FILE"] == bundle
    assert [path.name for path in Path(bundle).parent.iterdir()] == ["bundle.pem"]


def test_at_launch_what_is_no_certificate_is_left_out_and_the_app_starts(
    launch: Launch, authority: Authority
) -> None:
    launch.bind("b", type="ca-certificates", key=authority.key, text="none")
    variables, said = launch.run()
    assert variables == {}
    assert "key of the binding b holds a private key: left out" in said
    assert "text of the binding b holds no certificate: left out" in said


def test_at_launch_another_users_folder_is_not_used(launch: Launch, authority: Authority) -> None:
    (launch.layer / "certificates.pem").write_text(authority.certificate)
    elsewhere = launch.root / "elsewhere"
    elsewhere.mkdir()
    (launch.tmp / f"ca-certificates-{os.getuid()}").symlink_to(elsewhere)
    variables, _ = launch.run()
    assert list(elsewhere.iterdir()) == []
    assert not variables["SSL_CERT_FILE"].startswith(str(launch.tmp))


def test_nothing_to_trust_sets_nothing(launch: Launch) -> None:
    assert launch.run() == ({}, "")
