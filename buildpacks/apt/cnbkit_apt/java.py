"""Java's own form of a list of certificates (JKS), which every version of it reads."""

from __future__ import annotations

import base64
import hashlib
import re
import struct

__all__ = ["key_store"]

_PEM = re.compile(r"-----BEGIN CERTIFICATE-----(.*?)-----END CERTIFICATE-----", re.DOTALL)
_MAGIC = 0xFEEDFEED
_VERSION = 2
_TRUSTED = 2
# Guards against accidents only; this one is known to everybody and expected by Java.
_PASSWORD = "changeit"  # noqa: S105
_SALT = b"Mighty Aphrodite"


def key_store(pem: str) -> bytes:
    """Certificates as a key store; the same for the same certificates.

    Args:
        pem: any number of certificates, with text between them.
    """
    found = [base64.b64decode("".join(each.split())) for each in _PEM.findall(pem)]
    data = struct.pack(">III", _MAGIC, _VERSION, len(found))
    for der in found:
        # The time of creation is left at the beginning of time.
        data += struct.pack(">I", _TRUSTED) + _text(hashlib.sha256(der).hexdigest()[:32])
        data += struct.pack(">Q", 0) + _text("X.509") + struct.pack(">I", len(der)) + der
    digest = hashlib.sha1(_PASSWORD.encode("utf-16-be") + _SALT + data)  # noqa: S324
    return data + digest.digest()


def _text(value: str) -> bytes:
    return struct.pack(">H", len(value)) + value.encode()
