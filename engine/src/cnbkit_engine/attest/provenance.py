"""How an image was made: an in-toto statement with a SLSA provenance (slsa.dev/spec/v1.0)."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["BUILD_TYPE", "IN_TOTO", "PREDICATE", "Made", "statement"]

IN_TOTO = "application/vnd.in-toto+json"
PREDICATE = "https://slsa.dev/provenance/v1"
_STATEMENT = "https://in-toto.io/Statement/v1"
_PAGE = "https://github.com/cnbkit/cnbkit/blob/main/docs/howto/attest.md"
BUILD_TYPE = f"{_PAGE}#build-type-1"
_BUILDER = f"{_PAGE}#builder"


@dataclass(frozen=True)
class Made:
    """What is known of a build besides the image.

    Args:
        name: the image's name, without tag.
        digest: of its manifest.
        started: when the build began, as RFC 3339 has it.
        finished: when it ended.
        source: where the app's code comes from; empty if that is not known.
        revision: its commit; empty likewise.
        modified: whether files differed from that commit.
        variables: names of the build-time variables; what they held may be secret.
        builder: what the builder.toml is called, with the digest of its text.
        engine: the version of cnbkit.
        options: what else changes the image: `hardware`, `exec-env`, …; empty ones are left out.
    """

    name: str
    digest: str
    started: str
    finished: str
    source: str
    revision: str
    modified: bool
    variables: Sequence[str]
    builder: tuple[str, str]
    engine: str
    options: Mapping[str, str] = field(default_factory=dict)


def statement(made: Made, labels: Mapping[str, str]) -> dict[str, Any]:
    """The statement.

    Args:
        made: the build.
        labels: the image's, in which the lifecycle says which buildpacks and which run image.
    """
    build = _label(labels, "io.buildpacks.build.metadata")
    lifecycle = _label(labels, "io.buildpacks.lifecycle.metadata")
    run_image = lifecycle.get("runImage") or {}
    uri, sha256 = made.builder
    parameters: dict[str, Any] = {
        **{key: value for key, value in made.options.items() if value},
        "builder": {"uri": uri, "digest": {"sha256": sha256}},
        "variables": sorted(made.variables),
    }
    if made.source or made.revision:
        parameters["source"] = made.source or "unknown"
        parameters["source-modified"] = made.modified
    return {
        "_type": _STATEMENT,
        "subject": [{"name": made.name, "digest": _digest(made.digest)}],
        "predicateType": PREDICATE,
        "predicate": {
            "buildDefinition": {
                "buildType": BUILD_TYPE,
                "externalParameters": parameters,
                "internalParameters": {"launcher": (build.get("launcher") or {}).get("version")},
                "resolvedDependencies": [
                    *_source(made),
                    *_run_image(run_image),
                    *_buildpacks(build.get("buildpacks") or ()),
                ],
            },
            "runDetails": {
                "builder": {"id": _BUILDER, "version": {"cnbkit": made.engine}},
                "metadata": {"startedOn": made.started, "finishedOn": made.finished},
            },
        },
    }


def _source(made: Made) -> list[dict[str, Any]]:
    if not made.revision:
        return []
    found: dict[str, Any] = {"name": "source", "digest": {"gitCommit": made.revision}}
    if made.source:
        found["uri"] = f"git+{made.source}"
    return [found]


def _run_image(told: Mapping[str, Any]) -> list[dict[str, Any]]:
    reference = str(told.get("reference") or "")
    name, _, digest = reference.partition("@")
    if not digest:
        return []
    said = str(told.get("image") or name)
    return [{"name": "run image", "uri": f"oci://{said}", "digest": _digest(digest)}]


def _buildpacks(used: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [
        {
            "name": "buildpack",
            "uri": f"urn:cnb:builder:{each.get('id')}@{each.get('version')}",
            "annotations": {"homepage": each["homepage"]} if each.get("homepage") else {},
        }
        for each in used
    ]


def _digest(text: str) -> dict[str, str]:
    kind, _, value = text.partition(":")
    return {kind: value}


def _label(labels: Mapping[str, str], name: str) -> dict[str, Any]:
    try:
        found = json.loads(labels.get(name, "{}"))
    except ValueError:
        found = {}
    return found if isinstance(found, dict) else {}
