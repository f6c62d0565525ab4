"""What `cnbkit build --attest` attaches, and how `cnbkit inspect --attestations` shows it."""

from __future__ import annotations

import base64
import hashlib
import json
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import click

from cnbkit.log import Log
from cnbkit_engine.attest.attach import PREDICATE_ANNOTATION, attach
from cnbkit_engine.attest.provenance import Made
from cnbkit_engine.attest.sign import DSSE, Key
from cnbkit_engine.base.images import machine_architecture
from cnbkit_engine.build.git import MODIFIED, REVISION, SOURCE
from cnbkit_engine.oci.reference import Reference
from cnbkit_engine.oci.referrers import Referrers
from cnbkit_engine.oci.remote import Remote

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from cnbkit_engine.build.build import Build, Outcome

__all__ = ["Attestation", "attestation_of", "attestations", "lines"]


class Attestation:
    """For the images of one command.

    Args:
        key: file of the private key that signs; None signs nothing.

    Raises:
        UserFault: it is not a key.
    """

    def __init__(self, key: Path | None) -> None:
        self._key = Key(key) if key else None

    def attached(self, build: Build, outcome: Outcome, arch: str) -> list[str]:
        """Attach to the image of one build; returns a line for each thing.

        Raises:
            PlatformFault: the registry cannot be reached, or refuses.
        """
        finished = datetime.now(UTC)
        text = build.builder.read_bytes()
        made = Made(
            name=Reference.parse(build.name).repository,
            digest=outcome.digest,
            started=_time(finished - timedelta(seconds=outcome.seconds)),
            finished=_time(finished),
            source=build.env.get(SOURCE, ""),
            revision=build.env.get(REVISION, ""),
            modified=build.env.get(MODIFIED, "") == "true",
            variables=sorted(build.env),
            builder=(build.builder.name, hashlib.sha256(text).hexdigest()),
            engine=version("cnbkit-engine"),
            options={
                "hardware": build.env.get("BP_HARDWARE", ""),
                "exec-env": build.exec_env,
                "default-process": build.default_process,
                "platform": f"linux/{arch or machine_architecture()}",
                "run-image": build.run_image,
            },
        )
        own = arch or machine_architecture()
        return attach(made, own, self._key, insecure=build.insecure_registries)


def attestation_of(asked: bool, key: Path | None, published: str) -> Attestation:
    """What the options say; a wrong key ends the command before anything is built.

    Args:
        asked: `--attest`.
        key: `--attest-key`.
        published: `--publish`; may be empty.

    Raises:
        click.UsageError: they do not go together.
        UserFault: the key is none.
    """
    if not asked:
        raise click.UsageError("--attest-key goes with --attest")
    if not published:
        raise click.UsageError("--attest goes with --publish")
    return Attestation(key)


def attestations(name: str, arch: str, insecure: Sequence[str]) -> list[dict[str, Any]]:
    """What is attached to an image in a registry, each with its statement if it has one.

    Raises:
        UserFault: there is no such image.
        PlatformFault: the registry cannot be reached, refuses, or answers nonsense.
    """
    digest = Remote(name, insecure=insecure).manifest_digest(arch)
    referrers = Referrers(name, insecure=insecure)
    found = []
    for listed in referrers.of(digest):
        each, documents = referrers.opened(listed)
        entry: dict[str, Any] = {
            "digest": each.digest,
            "type": each.artifact_type,
            "predicate-type": each.annotations.get(PREDICATE_ANNOTATION, ""),
            "documents": [],
        }
        for document in documents:
            title = document.annotations.get("org.opencontainers.image.title", "")
            told = _read(document.data)
            keys = []
            if document.media_type == DSSE:
                keys = [str(one.get("keyid")) for one in told.get("signatures") or ()]
                told = _read(base64.b64decode(str(told.get("payload", ""))))
            entry["documents"].append({"name": title, "signed-by": keys, "content": told})
        found.append(entry)
    return found


def lines(found: Sequence[dict[str, Any]]) -> Iterator[str]:
    """The same as text."""
    for entry in found:
        about = entry["predicate-type"] or entry["type"]
        yield f"{entry['digest']}  {about}"
        for document in entry["documents"]:
            yield from _described(document)


def _described(document: dict[str, Any]) -> Iterator[str]:
    content = document["content"]
    components = content.get("components")
    packages = content.get("packages")
    inside = components if isinstance(components, list) else packages
    count = f", {Log.counted(len(inside), 'package')}" if isinstance(inside, list) else ""
    signed = document["signed-by"]
    by = f", signed by {', '.join(signed)} (not verified)" if signed else ""
    yield f"  {document['name']}{count}{by}"
    predicate = content.get("predicate")
    if not isinstance(predicate, dict):
        return
    definition = predicate.get("buildDefinition") or {}
    details = predicate.get("runDetails") or {}
    yield f"  built {(details.get('metadata') or {}).get('finishedOn', 'at an unknown time')}"
    for each in definition.get("resolvedDependencies") or ():
        digest = ", ".join(f"{key}:{value}" for key, value in (each.get("digest") or {}).items())
        yield f"  {each.get('name', '')}: {each.get('uri', '')} {digest}".rstrip()


def _read(data: bytes) -> dict[str, Any]:
    try:
        found = json.loads(data)
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {}


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
