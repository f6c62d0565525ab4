"""Statements signed with a key of one's own (DSSE), by securesystemslib.

What is signed with cosign instead needs nothing of this: see docs/howto/attest.md.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
from typing import TYPE_CHECKING, Any

from cnbkit.errors import UserFault

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["DSSE", "PASSWORD", "Key"]

DSSE = "application/vnd.dsse.envelope.v1+json"
PASSWORD = "CNBKIT_ATTEST_PASSWORD"  # noqa: S105 - the variable's name


class Key:
    """A private key.

    Args:
        path: a PEM file: ECDSA, Ed25519 or RSA.

    Raises:
        UserFault: it is none, its password is wrong, or securesystemslib is not installed.
    """

    def __init__(self, path: Path) -> None:
        try:
            from cryptography.hazmat.primitives.serialization import load_pem_private_key
            from securesystemslib.signer import (  # type: ignore[attr-defined]
                CryptoSigner,
                SSlibKey,
            )
        except ImportError:
            raise UserFault(
                "signing needs securesystemslib, which is not installed",
                where="--attest-key",
                remedy="pip install 'cnbkit-engine[sign]'",
            ) from None
        password = os.environ.get(PASSWORD, "").encode() or None
        try:
            key: Any = load_pem_private_key(path.read_bytes(), password)
            public = SSlibKey.from_crypto(key.public_key(), keyid=_fingerprint(key.public_key()))
            self._signer = CryptoSigner(key, public)
        except (OSError, TypeError, ValueError) as error:
            raise UserFault(
                f"this is not a private key that can be used: {error}",
                where=str(path),
                remedy=f"name a PEM file with an ECDSA, Ed25519 or RSA key; {PASSWORD} is its "
                "password, if it has one",
            ) from None

    @property
    def id(self) -> str:
        """By which a verifier tells keys apart: what `ssh-keygen -lf` shows of the public key."""
        return str(self._signer.public_key.keyid)

    def envelope(self, media_type: str, payload: bytes) -> bytes:
        """The payload, signed."""
        from securesystemslib.dsse import Envelope

        envelope = Envelope(payload, media_type, {})
        envelope.sign(self._signer)
        return json.dumps(envelope.to_dict()).encode()


def _fingerprint(public: Any) -> str:
    """As in-toto's and sigstore's verifiers compute it of a key; others take any."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    line = public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
    digest = hashlib.sha256(base64.b64decode(line.split()[1])).digest()
    return f"SHA256:{base64.b64encode(digest).decode().rstrip('=')}"
