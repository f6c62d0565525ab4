"""Newer versions for what a descriptor lists, out of a feed.

A feed is a JSON list whose entries have the keys of `[[metadata.dependencies]]`. What is wanted of
it the descriptor says:

    [[metadata.dependency-constraints]]
    id = "node"
    constraint = "20.*"
    patches = 2          # how many versions to keep; 1 if left out
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cnbkit.dependencies import Listed, dependencies_in
from cnbkit.errors import BuildpackFault, InvalidDocument, UserFault
from cnbkit.spec.model import Model
from cnbkit.spec.model import field as model_field
from cnbkit.spec.positions import lines
from cnbkit.spec.toml import decode, encode
from cnbkit.version_range import VersionRange, version_key

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

__all__ = ["Update", "read_feed", "updated"]

_LISTED = ("metadata", "dependencies")


class _Constraint(Model, extra="ignore"):
    id: str
    constraint: str
    patches: int = model_field(default=1)


class _Metadata(Model, hyphens=True, extra="ignore"):
    dependency_constraints: list[_Constraint] = model_field(default_factory=list)


@dataclass(frozen=True)
class Update:
    """What a descriptor becomes.

    Args:
        text: all of it.
        added: `id version` of what came.
        removed: of what went.
    """

    text: str
    added: Sequence[str] = field(default_factory=list)
    removed: Sequence[str] = field(default_factory=list)


def read_feed(text: str | bytes, where: str) -> list[dict[str, Any]]:
    """The entries of a feed.

    Raises:
        UserFault: it is not a list of dependencies; every fault at once.
    """
    try:
        entries = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UserFault(
            f"the feed is not JSON: {error}", where=where, remedy="name a feed"
        ) from None
    if not isinstance(entries, list) or any(not isinstance(each, dict) for each in entries):
        raise UserFault(
            "the feed is not a list of tables",
            where=where,
            remedy='write: [{"id": "node", "version": "20.11.1", "uri": "…", "checksum": "…"}]',
        )
    try:
        dependencies_in({"dependencies": entries}, where)
    except BuildpackFault as fault:
        raise UserFault(
            "the feed has entries that are not dependencies",
            where=where,
            remedy="correct these",
            detail=fault.detail,
        ) from None
    return entries


def updated(descriptor: Path, feed: Sequence[Mapping[str, Any]]) -> Update:
    """The descriptor with the newest versions that its constraints allow.

    Raises:
        BuildpackFault: it has no constraints, or they or its list are not as they should be.
        UserFault: the feed has nothing for one of them.
    """
    text = descriptor.read_text(encoding="utf-8")
    metadata = decode(text, name=descriptor.name, where=str(descriptor)).get("metadata", {})
    listed = dependencies_in(metadata, str(descriptor))
    wanted = [_completed(entry, metadata) for entry in _wanted(metadata, feed, str(descriptor))]
    ids = {str(entry["id"]) for entry in wanted}
    old = {(each.id, each.version) for each in listed if each.id in ids}
    new = {(str(entry["id"]), str(entry["version"])) for entry in wanted}
    changed = _rewritten(text, listed, wanted, ids, str(descriptor))
    # What is written has to be read again as what was meant.
    again = dependencies_in(decode(changed, name=descriptor.name)["metadata"], str(descriptor))
    assert {(each.id, each.version) for each in again if each.id in ids} == new
    return Update(changed, _said(new - old), _said(old - new))


def _said(versions: set[tuple[str, str]]) -> list[str]:
    return [" ".join(each) for each in sorted(versions)]


def _completed(entry: dict[str, Any], metadata: Mapping[str, Any]) -> dict[str, Any]:
    """With what is known of earlier versions of the same major one, where a feed does not say."""
    major = str(entry["version"]).partition(".")[0]
    before = [
        each
        for each in metadata.get("dependencies", [])
        if each.get("id") == entry["id"] and str(each.get("version")).partition(".")[0] == major
    ]
    for name in ("licenses", "end-of-life", "deprecation_date"):
        values = [each[name] for each in before if name in each]
        if values and name not in entry:
            entry[name] = values[-1]
    return entry


def _wanted(
    metadata: Mapping[str, Any], feed: Sequence[Mapping[str, Any]], where: str
) -> list[dict[str, Any]]:
    """The entries of the feed that the constraints ask for, the oldest first."""
    try:
        constraints = _Metadata.parse(metadata, name="[metadata]", where=where)
        ranges = [
            (each, VersionRange(each.constraint)) for each in constraints.dependency_constraints
        ]
    except (InvalidDocument, ValueError) as error:
        raise BuildpackFault(
            "[[metadata.dependency-constraints]] is not as it should be",
            where=where,
            remedy="give each an id and a constraint like 20.*",
            detail=str(error),
        ) from None
    if not ranges:
        raise BuildpackFault(
            "no constraint says which versions are wanted",
            where=where,
            remedy='add: [[metadata.dependency-constraints]] id = "node" constraint = "20.*"',
        )
    found: dict[tuple[str, str, str, str], dict[str, Any]] = {}
    for each, fitting in ranges:
        entries = [dict(entry) for entry in feed if entry.get("id") == each.id]
        versions = {str(entry["version"]) for entry in entries}
        newest = sorted((v for v in versions if v in fitting), key=version_key)
        kept = newest[-each.patches :]
        if not kept:
            raise UserFault(
                f"the feed has no {each.id} {each.constraint}",
                where=where,
                remedy="correct the constraint, or name another feed",
            )
        for entry in entries:
            if str(entry["version"]) in kept:
                order = json.dumps(entry, sort_keys=True)
                found[(each.id, str(entry["version"]), str(entry["uri"]), order)] = entry
    return [
        found[name]
        for name in sorted(found, key=lambda name: (name[0], version_key(name[1]), name[2]))
    ]


def _rewritten(
    text: str,
    listed: Sequence[Listed],
    wanted: Sequence[Mapping[str, Any]],
    ids: set[str],
    where: str,
) -> str:
    """The text with other entries in place of those with some ids; all else stays as it is."""
    places = lines(text)
    physical = text.splitlines(keepends=True)
    gone: set[int] = set()
    at = len(physical)
    for number, entry in reversed([*enumerate(listed)]):
        begin = places[(*_LISTED, number)] - 1
        if not physical[begin].lstrip().startswith("[["):
            raise BuildpackFault(
                "the dependencies are a list in brackets, which is not edited",
                where=f"{where}:{begin + 1}",
                remedy="write each as a table: [[metadata.dependencies]]",
            )
        if entry.id not in ids:
            continue
        at = begin
        own = (*_LISTED, number)
        after = [line - 1 for path, line in places.items() if path[:3] != own and line - 1 > begin]
        end = min(after, default=len(physical))
        # Comments and blank lines before the next table are that one's.
        while end > begin + 1 and physical[end - 1].lstrip().startswith(("#", "\n", "\r\n")):
            end -= 1
        gone |= {*range(begin, end)}
    before = [line for number, line in enumerate(physical[:at]) if number not in gone]
    behind = [line for number, line in enumerate(physical) if number >= at and number not in gone]
    if before and not before[-1].endswith("\n"):
        before.append("\n")
    if at == len(physical):
        before.append("\n")
    made = "\n".join(f"[[metadata.dependencies]]\n{encode(dict(entry))}" for entry in wanted)
    return "".join([*before, made, *_apart(behind)])


def _apart(behind: list[str]) -> list[str]:
    while behind and not behind[0].strip():
        behind = behind[1:]
    return ["\n", *behind] if behind else []
