"""Entries of a lock, from what pip-tools has written, and as lines that pip installs."""

from __future__ import annotations

import hashlib
import os
from typing import Any
from urllib.parse import quote

from cnbkit_python_inputs.requirements import Line

__all__ = ["entry_of", "requirement_of", "with_wheel"]


def entry_of(line: Line) -> dict[str, Any]:
    """A line pip-compile has written, as an entry of a lock; empty for an option."""
    editable = line.text.startswith("-e ")
    if line.text.startswith("-") and not editable:
        return {}
    text = line.text.removeprefix("-e ").partition(" --hash")[0].partition(" ;")[0].strip()
    name, direct, url = text.partition(" @ ")
    fragment = dict(part.partition("=")[::2] for part in url.partition("#")[2].split("&"))
    if editable:
        url, name = text, os.path.basename(text.partition("#")[0].rstrip("/"))
    name = name.partition("[")[0]
    folder = fragment.get("subdirectory", "")
    below = {"subdirectory": folder} if folder else {}
    if url.startswith("git+"):
        address, commit = _address_and_commit(url.removeprefix("git+").partition("#")[0])
        vcs = {"type": "git", "url": address, "commit-id": commit, **below}
        return {"name": name, "vcs": vcs}
    if direct or editable:
        return {"name": name, **_direct(url, line.hashes, editable)}
    name, _, version = text.partition("==")
    split = [each.split(":", 1) for each in line.hashes]
    hashes = [{"name": digest, "hashes": {kind: digest}} for kind, digest in split]
    return {"name": name.partition("[")[0], "version": version, "wheels": hashes}


def _address_and_commit(url: str) -> tuple[str, str]:
    """An `@` of the path parts the commit from the address; one before a host is a login's."""
    start = url.find("/", url.find("://") + 3) + 1
    path, _, commit = url[start:].partition("@")
    return url[:start] + path, commit or "HEAD"


def _direct(url: str, hashes: list[str], editable: bool) -> dict[str, Any]:
    plain = url.partition("#")[0]
    path = plain.removeprefix("file://")
    if os.path.isdir(path):
        return {"directory": {"path": path, "editable": editable}}
    sums = dict(each.split(":", 1) for each in hashes[:1]) if hashes else _sum_of(path)
    place = {"path": path} if os.path.exists(path) else {"url": plain}
    return {"archive": {**place, "hashes": sums}}


def _sum_of(path: str) -> dict[str, str]:
    if not os.path.exists(path):
        return {}
    with open(path, "rb") as file:
        return {"sha256": hashlib.sha256(file.read()).hexdigest()}


def with_wheel(entry: dict[str, Any], path: str) -> dict[str, Any]:
    """The entry with the wheel pip fetched or built."""
    with open(path, "rb") as file:
        own = hashlib.sha256(file.read()).hexdigest()
    allowed = sorted(
        digest for each in entry.get("wheels", []) for digest in each["hashes"].values()
    )
    # A wheel built here is never the same twice: what it was built from is its identity.
    digest = own if own in allowed else hashlib.sha256(" ".join(allowed).encode()).hexdigest()
    wheel = {"name": os.path.basename(path), "path": path, "hashes": {"sha256": digest}}
    kept = ("name", "version", "marker", "index")
    result: dict[str, Any] = {name: entry[name] for name in kept if name in entry}
    return {**result, "wheels": [{**wheel, "size": os.path.getsize(path)}]}


def requirement_of(entry: dict[str, Any]) -> str:
    """A line of a requirements file that installs exactly this."""
    if "vcs" in entry:
        vcs = entry["vcs"]
        where = vcs.get("url") or f"file://{vcs['path']}"
        folder = f"#subdirectory={vcs['subdirectory']}" if "subdirectory" in vcs else ""
        return f"{entry['name']} @ {vcs['type']}+{where}@{vcs['commit-id']}{folder}"
    source = (entry.get("wheels") or [entry.get("sdist") or entry.get("archive")])[0]
    folder = f"#subdirectory={source['subdirectory']}" if "subdirectory" in source else ""
    if "archive" not in entry and "path" in source:  # built here: what it came from was checked
        return f"{entry['name']} @ file://{quote(source['path'])}"
    address = f"file://{quote(source['path'])}" if "path" in source else source["url"]
    sums = [f" --hash={kind}:{digest}" for kind, digest in sorted(source["hashes"].items())]
    return f"{entry['name']} @ {address}{folder}{sums[-1] if sums else ''}"
