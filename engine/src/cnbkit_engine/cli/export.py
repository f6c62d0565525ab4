"""The option `--output`: an image as files, besides the local store."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cnbkit_engine.oci.export_place import (
    check_archive_place,
    check_layout_place,
    is_stream,
    writes_to_stdout,
)

if TYPE_CHECKING:
    from cnbkit_engine.state.home import Home

__all__ = ["Export"]


class Export:
    """Where to, and as what.

    Args:
        kind: `oci`, `oci-archive` or `docker-archive`.
        path: a folder for `oci`, else a file or a stream.
    """

    def __init__(self, kind: str, path: Path) -> None:
        self.kind = kind
        self.path = path

    @classmethod
    def of(cls, output: str | None) -> Export | None:
        """What the option says; None if it is not given.

        Raises:
            click.BadParameter: it is not KIND:PATH.
        """
        if output is None:
            return None
        kind, colon, path = output.partition(":")
        if not colon or not path or kind not in ("oci", "oci-archive", "docker-archive"):
            raise click.BadParameter(
                "expected oci:DIR, oci-archive:FILE or docker-archive:FILE", param_hint="--output"
            )
        return cls(kind, Path(path))

    @property
    def to_stdout(self) -> bool:
        """Whether the archive is what the command prints, so that nothing else may be."""
        return writes_to_stdout(self.path)

    def check(self, home: Home) -> None:
        """Refuse a place that cannot be exported to, before anything is built.

        Raises:
            UserFault: something else is there.
        """
        if self.kind == "oci":
            check_layout_place(self.path, home.root)
        elif not is_stream(self.path):
            check_archive_place(self.path, home.root)

    def write(self, home: Home, name: str) -> None:
        """Write an image of the local store.

        Args:
            home: has the store.
            name: of the image.
        """
        from cnbkit_engine.oci.export import (
            export_docker_archive,
            export_layout,
            export_oci_archive,
        )
        from cnbkit_engine.oci.store import ImageStore

        exports = {
            "oci": export_layout,
            "oci-archive": export_oci_archive,
            "docker-archive": export_docker_archive,
        }
        exports[self.kind](ImageStore(home.images), name, self.path)
