"""Fetch several files at once, and say of all that failed what to do about each."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cnbkit import BuildContext, Dependency, DownloadFailed, PlatformFault, UserFault
from cnbkit_weights.login import TYPES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cnbkit_weights.address import Address
    from cnbkit_weights.entries import Entry
    from cnbkit_weights.login import Headers

__all__ = ["Wanted", "fetch"]

_AT_ONCE = 4
_OTHER = 200
_REFUSED = (400, 401, 403)
_ENTRIES = {
    "huggingface": "token",
    "s3": "access-key-id, secret-access-key and perhaps region, endpoint, bucket, session-token",
    "gcs": "token (gcloud auth print-access-token)",
    "weights": "url, and token or username and password",
}


@dataclass(frozen=True)
class Wanted:
    """A file to fetch.

    Attributes:
        entry: what weights.toml says of it.
        address: where it is.
        headers: credentials; None for none.
        binding: the name of the binding they are from; empty for none.
    """

    entry: Entry
    address: Address
    headers: Headers | None
    binding: str


def fetch(ctx: BuildContext, file: str, wanted: list[Wanted]) -> dict[str, str]:
    """Checksum → path of each.

    Raises:
        UserFault: `file` is wrong about one, or a credential is missing; every one is told.
        PlatformFault: network or disk.
    """
    known = sum(each.entry.size or 0 for each in wanted)
    size = f", {known / 1e6:.0f} MB" if known else ""
    names = ", ".join(each.entry.name for each in wanted[:5])
    more = f" and {len(wanted) - 5} more" if len(wanted) > 5 else ""
    _ = ctx.bindings  # known before there are threads
    with (
        ctx.log.timed(f"Fetching {names}{more}{size}"),
        ThreadPoolExecutor(_AT_ONCE) as pool,
    ):
        results = list(pool.map(lambda each: _one(ctx, each), wanted))
    faults = [
        (each, result)
        for each, result in zip(wanted, results, strict=True)
        if isinstance(result, DownloadFailed)
    ]
    if faults:
        raise _fault(file, faults)
    return {
        each.entry.sha256: result
        for each, result in zip(wanted, results, strict=True)
        if isinstance(result, str)
    }


def _one(ctx: BuildContext, wanted: Wanted) -> str | DownloadFailed:
    dependency = Dependency(
        wanted.address.url, wanted.entry.sha256, name=wanted.entry.name, headers=wanted.headers
    )
    try:
        return str(ctx.download(dependency))
    except DownloadFailed as failed:
        return failed


def _fault(file: str, failed: list[tuple[Wanted, DownloadFailed]]) -> UserFault | PlatformFault:
    lines = []
    remedies: dict[str, None] = {}
    users = False
    for wanted, fault in failed:
        status = fault.statuses[-1] if fault.statuses else 0
        last = (fault.detail or "").splitlines()[-1:] or [fault.what]
        lines.append((wanted.entry.line, f"{_without_query(wanted.entry.uri)}: {_what(last[0])}"))
        users = users or status in (*_REFUSED, _OTHER, 404, 410)
        remedies.update(dict.fromkeys(_remedies(wanted, status)))
    kind = UserFault if users else PlatformFault
    return kind.of(file, lines, remedy="\n".join(remedies))


def _without_query(uri: str) -> str:
    return uri.partition("?")[0]


def _what(line: str) -> str:
    # "<address>: <what>"; addresses have no space.
    return line.partition(" ")[2] or line


def _remedies(wanted: Wanted, status: int) -> Iterator[str]:
    type = TYPES.get(wanted.address.scheme, "")
    if status in _REFUSED or (status == 404 and type and not wanted.binding):
        if wanted.binding:
            yield f"let what the binding {wanted.binding} holds read {wanted.entry.name}"
            if type == "huggingface":
                yield "accept the model's conditions on its page of the hub, if it has some"
        elif type:
            needs = f"a binding of type {type} with {_ENTRIES[type]}"
            yield f"if it is not public, give the build {needs}"
    if status in (404, 410):
        yield "correct the uri"
    elif status == _OTHER:
        yield "correct sha256 if that is the file you want; at a pinned revision it stays the same"
    elif wanted.address.scheme == "file":
        yield "give the file to the build: --volume FOLDER:/target"
    elif status not in _REFUSED:
        yield "check network and proxy, or set BP_DEPENDENCY_MIRROR to a mirror that has it"
