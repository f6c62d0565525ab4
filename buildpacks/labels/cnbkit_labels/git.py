"""What `.git` says of the app, without running git: reading two small files is all it takes."""

from __future__ import annotations

from cnbkit import BuildContext

__all__ = ["origin", "revision", "without_login"]

_HEX = frozenset("0123456789abcdef")


def revision(ctx: BuildContext) -> str:
    """The commit that is checked out; empty if it cannot be told."""
    head = _text(ctx, ".git/HEAD").strip()
    ref = head.removeprefix("ref:").strip()
    if ref == head:
        return _commit(head)
    if not ref.startswith("refs/") or ".." in ref.split("/"):
        return ""
    loose = _commit(_text(ctx, f".git/{ref}").strip())
    if loose:
        return loose
    for line in _text(ctx, ".git/packed-refs").splitlines():
        commit, _, name = line.partition(" ")
        if name.strip() == ref:
            return _commit(commit)
    return ""


def origin(ctx: BuildContext) -> str:
    """The address of the remote `origin`, without a login; empty if there is none."""
    inside = False
    for raw in _text(ctx, ".git/config").splitlines():
        line = raw.strip()
        if line.startswith("["):
            inside = line.replace(" ", "") == '[remote"origin"]'
            continue
        name, sign, value = line.partition("=")
        if inside and sign and name.strip() == "url":
            return without_login(value.strip())
    return ""


def without_login(address: str) -> str:
    """An address of a repository without who reads it; empty for a path of one machine."""
    scheme, sign, rest = address.partition("://")
    if sign:
        host, slash, path = rest.partition("/")
        # A query may hold a token as well.
        path = path.partition("?")[0].partition("#")[0]
        known = scheme in ("https", "http", "ssh", "git")
        return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}" if known else ""
    host, colon, path = address.partition(":")
    # git@host:path is ssh; /path and ../path are of one machine.
    if colon and "/" not in host and path[:1] not in ("", ":", "\\"):
        return f"ssh://{host.rpartition('@')[2]}/{path.lstrip('/')}"
    return ""


def _commit(text: str) -> str:
    return text if len(text) in (40, 64) and _HEX.issuperset(text) else ""


def _text(ctx: BuildContext, name: str) -> str:
    # What cannot be read is not a fault of the app: many builds have no history at all.
    try:
        with open(f"{ctx.app.root}/{name}", encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""
