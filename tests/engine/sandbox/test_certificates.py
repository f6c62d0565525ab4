"""The host's bundle of certificates is found where each distribution keeps it."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import pytest

from cnbkit.errors import PlatformFault
from cnbkit_engine.sandbox.certificates import host_bundle

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    "place",
    [
        "etc/ssl/certs/ca-certificates.crt",
        "etc/pki/tls/certs/ca-bundle.crt",
        "etc/ssl/ca-bundle.pem",
        "etc/ssl/cert.pem",
    ],
)
def test_each_distributions_place_is_known(tmp_path: Path, place: str) -> None:
    bundle = tmp_path / place
    bundle.parent.mkdir(parents=True)
    bundle.write_text("certificates")

    assert host_bundle({}, tmp_path) == bundle


def test_ssl_cert_file_wins(tmp_path: Path) -> None:
    own = tmp_path / "company.pem"
    own.write_text("certificates")

    assert host_bundle({"SSL_CERT_FILE": str(own)}) == own


def test_a_wrong_ssl_cert_file_is_named_instead_of_passed_over(tmp_path: Path) -> None:
    with pytest.raises(PlatformFault) as caught:
        host_bundle({"SSL_CERT_FILE": str(tmp_path / "gone.pem")})

    assert caught.value.where == str(tmp_path / "gone.pem")
    assert "unset" in str(caught.value)


def test_a_machine_without_certificates_has_none(tmp_path: Path) -> None:
    assert host_bundle({}, tmp_path) is None


def test_this_machines_bundle_loads() -> None:
    bundle = host_bundle()

    assert bundle is not None
    context = ssl.create_default_context(cafile=str(bundle))
    assert context.cert_store_stats()["x509_ca"] > 50
