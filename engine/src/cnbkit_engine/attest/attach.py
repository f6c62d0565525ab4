"""Attaches to a published image what is known of it."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

from cnbkit.log import Log
from cnbkit_engine.attest.bill import CYCLONEDX, SPDX, joined
from cnbkit_engine.attest.provenance import IN_TOTO, PREDICATE, statement
from cnbkit_engine.attest.sign import DSSE
from cnbkit_engine.oci.referrers import Document, Referrers
from cnbkit_engine.oci.remote import Remote
from cnbkit_engine.oci.sbom import SBOM_LABEL, read_documents
from cnbkit_engine.oci.types import Descriptor, references

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cnbkit_engine.attest.provenance import Made
    from cnbkit_engine.attest.sign import Key

__all__ = ["PREDICATE_ANNOTATION", "attach"]

PREDICATE_ANNOTATION = "in-toto.io/predicate-type"
"""What in-toto calls it in registries; BuildKit and others look at it."""
_TITLE = "org.opencontainers.image.title"


def attach(made: Made, arch: str, key: Key | None, *, insecure: Sequence[str]) -> list[str]:
    """Attach bills of materials and the provenance; returns a line for each.

    Args:
        made: the build and its image.
        arch: of the image.
        key: signs the provenance; None leaves it unsigned.
        insecure: registries to speak plain HTTP to.

    Raises:
        PlatformFault: the registry cannot be reached, or refuses.
    """
    remote = Remote(f"{made.name}@{made.digest}", insecure=insecure)
    kind, manifest = remote.manifest(arch)
    subject = Descriptor(kind, made.digest, len(manifest))
    labels = _labels(remote.config(arch))
    referrers = Referrers(made.name, insecure=insecure)
    done = []
    bills = _bills(remote, kind, manifest, remote.config(arch), labels)
    if data := joined(bills, made.name, made.digest):
        document = Document(CYCLONEDX, data, {_TITLE: "sbom.cdx.json"})
        digest = referrers.attach(subject, CYCLONEDX, [document], {})
        done.append(f"attached {digest}  bill of materials, CycloneDX")
    others = [
        Document(SPDX, data, {_TITLE: path.removeprefix("layers/sbom/")})
        for path, data in sorted(bills.items())
        if path.endswith(".spdx.json")
    ]
    if others:
        digest = referrers.attach(subject, SPDX, others, {})
        done.append(
            f"attached {digest}  bills of materials, SPDX, {Log.counted(len(others), 'document')}"
        )
    said = json.dumps(statement(made, labels)).encode()
    form, data = (DSSE, key.envelope(IN_TOTO, said)) if key else (IN_TOTO, said)
    about = {PREDICATE_ANNOTATION: PREDICATE}
    document = Document(form, data, {**about, _TITLE: "provenance.json"})
    digest = referrers.attach(subject, form, [document], about)
    signed = f", signed with the key {key.id}" if key else ""
    done.append(f"attached {digest}  provenance{signed}")
    return done


def _labels(config: Mapping[str, object]) -> dict[str, str]:
    inner = config.get("config")
    found = inner.get("Labels") if isinstance(inner, dict) else None
    return dict(found or {})


def _bills(
    remote: Remote,
    kind: str,
    manifest: bytes,
    config: Mapping[str, object],
    labels: Mapping[str, str],
) -> dict[str, bytes]:
    """Documents of the image's layer of them, the only layer that is fetched."""
    told = json.loads(labels.get(SBOM_LABEL, "{}")).get("sbom") or {}
    rootfs = config.get("rootfs")
    diff_ids = list(rootfs.get("diff_ids") or ()) if isinstance(rootfs, dict) else []
    if told.get("sha") not in diff_ids:
        return {}
    layers = references(kind, json.loads(manifest))[1:]
    data = remote.blob(layers[diff_ids.index(told["sha"])])
    return read_documents(io.BytesIO(data))
