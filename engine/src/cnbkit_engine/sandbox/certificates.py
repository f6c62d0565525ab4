"""The host's trusted certificates, for builds behind a proxy that intercepts TLS.

The build image trusts what Debian trusts. A company's proxy signs with a root that only its own
machines know, so the engine mounts the host's bundle over `BUNDLE` in the build root.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from cnbkit.errors import PlatformFault

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["BUNDLE", "host_bundle"]

BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
"""Where Debian, and with it the build image, keeps its bundle."""

_KNOWN = (
    BUNDLE,  # Debian, Ubuntu, Arch, Alpine
    "/etc/pki/tls/certs/ca-bundle.crt",  # Fedora, RHEL and kin
    "/etc/ssl/ca-bundle.pem",  # SUSE
    "/etc/ssl/cert.pem",  # Alpine without the ca-certificates package
)


def host_bundle(environment: Mapping[str, str] = os.environ, root: Path = Path("/")) -> Path | None:
    """The file with the certificate authorities this machine trusts, or None if it has none.

    Args:
        environment: `SSL_CERT_FILE` in it wins, as in OpenSSL.
        root: where the usual places are looked up.

    Raises:
        PlatformFault: `SSL_CERT_FILE` names a file that cannot be read. Going on without it
            would fail later, with a download's obscure "certificate verify failed".
    """
    if named := environment.get("SSL_CERT_FILE"):
        if not os.access(named, os.R_OK) or Path(named).is_dir():
            raise PlatformFault(
                "SSL_CERT_FILE names a file that cannot be read",
                where=named,
                remedy="correct the variable, or unset it to use this system's own certificates",
            )
        return Path(named)
    candidates = (root / path.lstrip("/") for path in _KNOWN)
    return next((path for path in candidates if path.is_file() and os.access(path, os.R_OK)), None)
