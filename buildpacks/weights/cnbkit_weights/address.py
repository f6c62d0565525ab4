"""What an address in weights.toml is as a plain one: services have HTTPS behind their schemes."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit

__all__ = ["HUB", "SCHEMES", "Address", "Endpoints", "locate"]

SCHEMES = ("https", "http", "hf", "s3", "gs", "file")
HUB = "https://huggingface.co"
_GS = "https://storage.googleapis.com"
_REGION = "us-east-1"
_KINDS = ("datasets/", "spaces/")


@dataclass(frozen=True)
class Endpoints:
    """Where services are.

    Attributes:
        hub: the Hugging Face hub or a mirror.
        s3: an S3 service; AWS's own if empty.
        gs: Google Cloud Storage; its own if empty.
        region: of S3 buckets; AWS's first if empty.
    """

    hub: str = ""
    s3: str = ""
    gs: str = ""
    region: str = ""


@dataclass(frozen=True)
class Address:
    """A file's address.

    Attributes:
        scheme: one of `SCHEMES`.
        url: a plain address: https, http or file.
        place: bucket or repository; empty for plain addresses.
        revision: of a repository.
    """

    scheme: str
    url: str
    place: str = ""
    revision: str = ""


def locate(uri: str, endpoints: Endpoints) -> Address:
    """The plain address.

    Raises:
        ValueError: it is not an address, or one with a login.
    """
    scheme, sign, rest = uri.partition("://")
    if not sign or scheme not in SCHEMES:
        raise ValueError(f"the uri begins with none of {', '.join(f'{e}://' for e in SCHEMES)}")
    if not uri.isprintable():
        raise ValueError("the uri has characters that cannot be printed")
    if scheme in ("https", "http"):
        return Address(scheme, _plain(uri))
    if scheme == "file":
        path = unquote(rest)
        if not path.startswith("/") or "\0" in path:
            raise ValueError("a file:// uri needs a whole path: file:///folder/name")
        return Address(scheme, f"file://{path}")
    if scheme == "hf":
        return _hub(rest, endpoints.hub or HUB)
    bucket, _, key = rest.partition("/")
    if not bucket or not key or not bucket.replace("-", "").replace(".", "").replace(
        "_", ""
    ).isalnum() or not bucket.isascii():  # fmt: skip
        raise ValueError(f"write it as {scheme}://bucket/path")
    if scheme == "gs":
        return Address(scheme, f"{_root(endpoints.gs or _GS)}/{bucket}/{_path(key)}", bucket)
    return Address(scheme, _s3(bucket, key, endpoints), bucket)


def _plain(uri: str) -> str:
    parts = urlsplit(uri)  # raises ValueError itself
    if not parts.hostname or (parts.port is not None and parts.port == 0):
        raise ValueError("the uri names no host")
    if "@" in parts.netloc:
        raise ValueError("the uri holds a login: give it in a binding of type weights instead")
    if any(char.isspace() for char in uri):
        raise ValueError("the uri has spaces: write %20")
    if not parts.path.strip("/"):
        raise ValueError("the uri names no file")
    return uri.partition("#")[0]


def _root(endpoint: str) -> str:
    scheme, sign, rest = endpoint.partition("://")
    if not sign or scheme not in ("https", "http") or not rest.strip("/"):
        raise ValueError(f"the service's address {endpoint!r} does not begin with https://")
    if "@" in urlsplit(endpoint).netloc:
        raise ValueError("the service's address holds a login: give it in a binding instead")
    return endpoint.rstrip("/")


def _path(text: str) -> str:
    if {".", ".."} & {*text.split("/")}:
        raise ValueError("the uri has `.` or `..` as a part of its path")
    return quote(text, safe="/~")


def _hub(rest: str, hub: str) -> Address:
    kind = next((each for each in _KINDS if rest.startswith(each)), "")
    repository, sign, behind = rest.removeprefix(kind).partition("@")
    revision, _, path = behind.partition("/")
    if not sign or not revision:
        raise ValueError("name the revision: hf://org/name@<commit>/path")
    steps = repository.split("/")
    if not path or len(steps) > 2 or not all(steps):
        raise ValueError("write it as hf://org/name@<commit>/path")
    at = quote(unquote(revision), safe="")
    url = f"{_root(hub)}/{kind}{_path(repository)}/resolve/{at}/{_path(path)}"
    return Address("hf", url, repository, unquote(revision))


def _s3(bucket: str, key: str, endpoints: Endpoints) -> str:
    key, sign, version = key.partition("?versionId=")
    query = f"?versionId={quote(version, safe='')}" if sign else ""
    if endpoints.s3:
        return f"{_root(endpoints.s3)}/{bucket}/{_path(key)}{query}"
    host = f"s3.{endpoints.region or _REGION}.amazonaws.com"
    if "." in bucket:  # a certificate for *.s3.… holds for one step only
        return f"https://{host}/{bucket}/{_path(key)}{query}"
    return f"https://{bucket}.{host}/{_path(key)}{query}"
