"""Software bills of materials: formats and the names of their files.

buildpack.md, "Bill-of-Materials", and the lifecycle's buildpack/bomfile.go.
"""

from __future__ import annotations

__all__ = ["FORMATS", "file_name", "media_type"]

FORMATS = {
    "cdx": "application/vnd.cyclonedx+json",
    "spdx": "application/spdx+json",
    "syft": "application/vnd.syft+json",
}
"""What a format is called in file names → its media type."""


def media_type(value: str) -> str:
    """An entry of `sbom-formats`; parameters (`;version=1.5`) are allowed.

    Raises:
        ValueError: the lifecycle knows no such format.
    """
    if value.partition(";")[0].strip() not in FORMATS.values():
        raise ValueError(
            f"{value!r} is not an SBOM format; there are {', '.join(FORMATS.values())}"
        )
    return value


def file_name(of: str, kind: str) -> str:
    """The file for `of`: a layer's name, `launch` or `build`.

    Raises:
        ValueError: no such format.
    """
    if kind not in FORMATS:
        raise ValueError(f"{kind!r} is not an SBOM format; there are {', '.join(FORMATS)}")
    return f"{of}.sbom.{kind}.json"
