"""Credentials: which binding is for an address, and what requests get of it."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from urllib.parse import urlsplit

from cnbkit import Binding, BuildContext, UserFault
from cnbkit_weights.address import Address
from cnbkit_weights.signature import signed_headers

__all__ = ["TYPES", "Headers", "binding_for", "headers_for"]

Headers = Callable[[], Mapping[str, str]]

# Scheme → type of its bindings.
TYPES = {
    "hf": "huggingface",
    "s3": "s3",
    "gs": "gcs",
    "https": "weights",
    "http": "weights",
}
_HERE = ("127.0.0.1", "localhost", "::1")


def binding_for(ctx: BuildContext, scheme: str, place: str) -> Binding | None:
    """The binding for an address.

    Args:
        ctx: the build.
        scheme: of the address.
        place: the bucket; the whole address for plain ones.
    """
    for binding in ctx.bindings.all(TYPES[scheme]) if scheme in TYPES else []:
        if scheme == "hf":
            return binding
        if scheme in ("s3", "gs"):
            if binding.text("bucket", place).strip() == place:
                return binding
        elif _below(place, binding.text("url").strip()):
            return binding
    return None


def _below(url: str, start: str) -> bool:
    """Whether an address lies at or below another one: same scheme, host and port."""
    try:
        one, other = urlsplit(url), urlsplit(start)
        same = (one.scheme, one.hostname, one.port) == (other.scheme, other.hostname, other.port)
    except ValueError:
        return False
    folder = other.path.rstrip("/")
    return same and bool(other.hostname) and f"{one.path}/".startswith(f"{folder}/")


def headers_for(binding: Binding, address: Address, region: str) -> Headers:
    """What makes the headers of requests.

    Raises:
        UserFault: the binding lacks something.
        ValueError: the address is one that others could read along.
    """
    parts = urlsplit(address.url)
    if parts.scheme != "https" and parts.hostname not in _HERE:
        raise ValueError("credentials are sent over https:// only")
    if address.scheme == "s3":
        key_id = binding.text("access-key-id").strip()
        secret = binding.text("secret-access-key").strip()
        token = binding.text("session-token", "").strip()
        return lambda: signed_headers(
            address.url,
            key_id=key_id,
            secret=secret,
            region=region or "us-east-1",
            now=datetime.now(UTC),
            token=token,
        )
    if address.scheme in ("http", "https") and binding.has("username"):
        login = f"{binding.text('username').strip()}:{binding.text('password').strip()}"
        value = f"Basic {base64.b64encode(login.encode()).decode()}"
    else:
        value = f"Bearer {binding.text('token').strip()}"
    if not value.isascii() or not value.isprintable():
        raise UserFault(
            f"what the binding {binding.name} holds cannot stand in a header",
            where=f"binding {binding.name} ({binding.type})",
            remedy="store the token as one line of ASCII text",
        )
    return lambda: {"Authorization": value}
