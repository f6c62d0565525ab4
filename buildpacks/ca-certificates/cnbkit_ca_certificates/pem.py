"""Certificates of bindings, read by OpenSSL through Python's own `ssl`."""

from __future__ import annotations

import base64
import binascii
import hashlib
import ssl
import textwrap
import time

from cnbkit import Binding, UserFault

__all__ = ["Certificate", "read_certificates"]

_BEGIN, _END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
_DAY = 86400


class Certificate:
    """One certificate.

    Attributes:
        der: as it is signed.
        where: binding and entry it stands in.
        subject: whom it names.
        not_before: from when it is valid, seconds since 1970; None if unknown.
        not_after: until when.
        is_authority: whether it may sign others.
    """

    def __init__(self, der: bytes, where: str) -> None:
        """Read it.

        Raises:
            ValueError: it is damaged.
        """
        self.der = der
        self.where = where
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        try:
            context.load_verify_locations(cadata=der)
        except ssl.SSLError:
            raise ValueError("the certificate is damaged") from None
        # OpenSSL tells details of authorities only.
        details = context.get_ca_certs()
        self.is_authority = bool(details)
        self.subject = f"certificate #{hashlib.sha256(der).hexdigest()[:12]}"
        self.not_before = self.not_after = None
        if details:
            found = details[0]
            self.subject = _name(found["subject"]) or self.subject
            self.not_before = ssl.cert_time_to_seconds(str(found["notBefore"]))
            self.not_after = ssl.cert_time_to_seconds(str(found["notAfter"]))

    @property
    def pem(self) -> bytes:
        """As text, in one form whatever form it came in."""
        lines = textwrap.wrap(base64.b64encode(self.der).decode(), 64)
        return "\n".join([_BEGIN, *lines, _END, ""]).encode()

    def warnings(self) -> list[str]:
        """Why it may not do what is hoped for."""
        now = time.time()
        if not self.is_authority:
            what = "is not a certificate authority's; many programs trust no server by its own"
            return [f"{self.where}: {self.subject} {what}"]
        if self.not_after is not None and self.not_after < now:
            days = int((now - self.not_after) / _DAY)
            return [f"{self.where}: {self.subject} expired {days} days ago: nothing trusts it"]
        if self.not_before is not None and self.not_before > now:
            return [f"{self.where}: {self.subject} is not valid yet: nothing trusts it until then"]
        return []


def read_certificates(bindings: list[Binding]) -> list[Certificate]:
    """Those of all entries of all bindings, each once.

    Raises:
        UserFault: naming every entry that is not right.
    """
    found: dict[bytes, Certificate] = {}
    faults: list[tuple[str, str, str]] = []
    for binding in bindings:
        entries = binding.keys()
        if not entries:
            remedy = "add an entry with PEM text, say ca.pem"
            faults.append((f"binding {binding.name}", "it has no certificate", remedy))
        for entry in entries:
            where = f"binding {binding.name}: {entry}"
            data = binding.bytes(entry)
            if wrong := _not_pem(data, entry):
                faults.append((where, *wrong))
                continue
            for number, block in enumerate(_blocks(data.decode(errors="replace")), 1):
                try:
                    certificate = Certificate(_decoded(block), where)
                except ValueError as error:
                    remedy = "take it anew from whoever issued it"
                    faults.append((where, f"certificate {number}: {error}", remedy))
                    continue
                found.setdefault(certificate.der, certificate)
    if len(faults) == 1:
        [(where, what, remedy)] = faults
        raise UserFault(f"{where}: {what}", where=where, remedy=remedy)
    if faults:
        raise UserFault(
            f"{len(faults)} entries of ca-certificates bindings cannot be used",
            where=", ".join(dict.fromkeys(where for where, _, _ in faults)),
            remedy="\n".join(dict.fromkeys(remedy for _, _, remedy in faults)),
            detail="\n".join(f"{where}: {what}" for where, what, _ in faults),
        )
    return list(found.values())


def _not_pem(data: bytes, entry: str) -> tuple[str, str] | None:
    """What is wrong with an entry as a whole, and what to do about it."""
    if not data.strip():
        return "it is empty", "put a certificate into it, as PEM text"
    if b"PRIVATE KEY-----" in data:
        return (
            "it holds a private key, which must not come near an image",
            "leave only certificates in it, and consider the key known to others",
        )
    if data[:1] == b"\x30":
        return (
            "it is binary (DER or PKCS #12), not PEM text",
            f"convert it: openssl x509 -inform der -in {entry} -out {entry}.pem",
        )
    text = data.decode(errors="replace")
    if text.count(_BEGIN) != text.count(_END):
        return "it ends in the middle of a certificate", "store the whole file"
    if _BEGIN not in text:
        return (
            "there is no certificate in it",
            f"put PEM text into it, which begins with {_BEGIN}",
        )
    return None


def _name(subject: object) -> str:
    """The most telling part of what `ssl` gives as a subject: `(((key, value),), …)`."""
    parts = [pair for part in subject for pair in part] if isinstance(subject, tuple) else []
    names = {str(key): str(value) for key, value in parts}
    fields = ("commonName", "organizationalUnitName", "organizationName")
    return next((names[field] for field in fields if names.get(field)), "")


def _blocks(text: str) -> list[str]:
    return [part.partition(_END)[0] for part in text.split(_BEGIN)[1:]]


def _decoded(block: str) -> bytes:
    try:
        return base64.b64decode("".join(block.split()), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("what stands between its lines is not base64") from None
