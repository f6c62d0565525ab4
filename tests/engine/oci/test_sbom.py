"""Bills of materials of a stranger's image are read or refused, and never fill the memory."""

from __future__ import annotations

import io
import json
import tarfile
from typing import TYPE_CHECKING, Any

import pytest

from cnbkit.errors import UserFault
from cnbkit_engine.oci import sbom
from cnbkit_engine.oci.image import Image
from cnbkit_engine.oci.sbom import components, documents
from cnbkit_engine.oci.store import ImageStore

if TYPE_CHECKING:
    from pathlib import Path

PLACE = "layers/sbom/launch/a_one/site/sbom.cdx.json"


def image_with(store: ImageStore, layer: bytes) -> Image:
    """An image whose layer says that it is the one with the bills of materials."""
    digest = store.put_blob(layer)
    metadata = json.dumps({"sbom": {"sha": digest}})
    config = store.put_blob(
        json.dumps(
            {
                "os": "linux",
                "architecture": "amd64",
                "config": {"Labels": {"io.buildpacks.lifecycle.metadata": metadata}},
                "rootfs": {"type": "layers", "diff_ids": [digest]},
            }
        ).encode()
    )
    kind = "application/vnd.oci.image.manifest.v1+json"
    described = {"mediaType": "application/x", "digest": digest, "size": len(layer)}
    size = store.blob_path(config).stat().st_size
    manifest = {
        "schemaVersion": 2,
        "mediaType": kind,
        "config": {"mediaType": "application/x", "digest": config, "size": size},
        "layers": [described],
    }
    store.put_manifest("demo", kind, json.dumps(manifest).encode())
    return Image.from_store(store, "demo")


def packed(*members: tuple[str, bytes], gzip: bool = False) -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:gz" if gzip else "w") as archive:
        for name, content in members:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return data.getvalue()


def test_names_that_lead_out_are_left_out(tmp_path: Path) -> None:
    store = ImageStore(tmp_path)
    layer = packed((PLACE, b"{}"), (f"/../../etc/{PLACE}", b"{}"), (f"/{PLACE}", b'{"x": 1}'))
    assert documents(store, image_with(store, layer)) == {PLACE: b'{"x": 1}'}


def test_documents_larger_than_any_are_refused_unread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = ImageStore(tmp_path)
    # Packed, a few hundred bytes.
    image = image_with(store, packed((PLACE, b" " * 100_000), gzip=True))
    assert len(documents(store, image)[PLACE]) == 100_000
    monkeypatch.setattr(sbom, "_LARGEST", 99_999)
    with pytest.raises(UserFault, match="cannot be read"):
        documents(store, image)


@pytest.mark.parametrize("share", [0.1, 0.5])
def test_a_layer_that_is_torn_is_a_fault(tmp_path: Path, share: float) -> None:
    store = ImageStore(tmp_path)
    whole = packed((PLACE, bytes(range(256)) * 40), gzip=True)
    layer = whole[: int(len(whole) * share)]
    with pytest.raises(UserFault, match="cannot be read"):
        documents(store, image_with(store, layer))


@pytest.mark.parametrize(
    "document",
    [b"", b"[]", b"[" * 100_000, b"\xff", {"components": 3}, {"components": [3]},
     {"components": [{"licenses": 3}]}, {"components": [{"licenses": [3]}]},
     {"components": [{"licenses": [{"license": 3}]}]}],
    ids=range(9),
)  # fmt: skip
def test_a_document_that_is_none_is_a_fault(document: Any) -> None:
    data = document if isinstance(document, bytes) else json.dumps(document).encode()
    with pytest.raises(UserFault, match="cannot be read") as caught:
        components({PLACE: data})
    assert PLACE in str(caught.value)


def test_values_of_any_kind_are_text() -> None:
    odd = [None, 3, [1], {"a": 1}, "six"]
    rows = components(
        {
            PLACE: json.dumps(
                {
                    "components": [
                        {"name": each, "version": each, "licenses": [{"license": {"name": each}}]}
                        for each in odd
                    ]
                }
            ).encode()
        }
    )
    assert len(rows) == len(odd)
    assert all(isinstance(cell, str) for row in rows for cell in row)
