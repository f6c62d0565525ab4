"""The two small files of an OCI image layout (image-spec, "Image Layout")."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from cnbkit_engine.oci import types
from cnbkit_engine.state.disk import replace_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from cnbkit_engine.oci.types import Descriptor

__all__ = ["LAYOUT", "index_document", "write_index", "write_layout_file"]


LAYOUT = b'{"imageLayoutVersion":"1.0.0"}'
"""Content of the file that marks a folder as an OCI layout."""


def index_document(
    entries: Iterable[tuple[Descriptor, dict[str, str]]],
    annotations: Mapping[str, str] | None = None,
) -> bytes:
    """Content of a layout's index.json: manifests with their annotations, and its own."""
    manifests: list[dict[str, Any]] = [
        {
            "mediaType": entry.media_type,
            "digest": entry.digest,
            "size": entry.size,
            "annotations": own,
        }
        for entry, own in entries
    ]
    index: dict[str, Any] = {
        "schemaVersion": 2,
        "mediaType": types.OCI_INDEX,
        "manifests": manifests,
    }
    if annotations:
        index["annotations"] = dict(annotations)
    return json.dumps(index, indent=1).encode()


def write_index(
    directory: Path,
    entries: Iterable[tuple[Descriptor, dict[str, str]]],
    annotations: Mapping[str, str] | None = None,
) -> None:
    """Write a layout's index.json.

    Raises:
        OSError: the disk refuses; the index is as before.
    """
    replace_file(directory / "index.json", index_document(entries, annotations))


def write_layout_file(directory: Path) -> None:
    """Write the file that marks a folder as an OCI layout.

    Raises:
        OSError: the disk refuses.
    """
    replace_file(directory / "oci-layout", LAYOUT)
