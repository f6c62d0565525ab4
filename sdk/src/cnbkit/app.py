"""The app's directory, as detect and build look at it."""

from __future__ import annotations

import os

from cnbkit.errors import InvalidDocument, UserFault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any, TypeVar

    from cnbkit.spec.model import Model

    M = TypeVar("M", bound=Model)

__all__ = ["App"]

# Marks of UTF-16, in both orders.
_WIDE = (b"\xff\xfe", b"\xfe\xff")
_ALWAYS_UTF_8 = (".toml", ".lock", ".json", ".yml", ".yaml")


class App:
    """Files of the app by name relative to its root.

    Args:
        root: absolute path of the app directory, or of the folder in it that is looked at.
        top: the app directory where `root` is a folder in it.
    """

    def __init__(self, root: str, top: str = "") -> None:
        self.root = root
        self.top = top or root
        self._parsed: dict[str, tuple[str, dict[str, Any]]] = {}

    @property
    def path(self) -> Path:
        """The root as a `Path`."""
        from pathlib import Path

        return Path(self.root)

    def has(self, name: str) -> bool:
        """Whether a regular file (or a link to one) of that name is there."""
        return os.path.isfile(f"{self.root}/{name}")

    def has_dir(self, name: str) -> bool:
        """Whether a folder (or a link to one) of that name is there."""
        return os.path.isdir(f"{self.root}/{name}")

    def glob(self, pattern: str) -> list[str]:
        """Names of the files a pattern stands for, in order.

        Args:
            pattern: `*` and `?` stand for anything but a slash, and not for a leading dot.
        """
        from cnbkit.pattern import named

        return [name for name in named(self.root, pattern) if self.has(name)]

    def read(self, name: str, kind: type[M]) -> M:
        """A TOML, YAML, JSON or INI file, by the name's suffix, as a model of yours.

        YAML is read safely, with the package pyyaml, which goes into the buildpack's lock. Values
        of INI are texts.

            class Service(Model):
                port: int = 8080

            service = ctx.app.read("service.toml", Service)

        Args:
            name: ends in `.toml`, `.yaml`, `.yml`, `.json`, `.ini` or `.cfg`.
            kind: a `Model` of yours.

        Raises:
            UserFault: as `text`, and for everything in it that does not fit, with its line.
            BuildpackFault: the name has another suffix.
        """
        from cnbkit.app_document import read_document

        return read_document(self.text(name), name, kind)

    def bytes(self, name: str) -> bytes:
        """A file's contents.

        Raises:
            UserFault: missing, unreadable or not a file.
        """
        try:
            with open(f"{self.root}/{name}", "rb") as file:
                return file.read()
        except OSError as error:
            raise UserFault(
                f"cannot read {name}: {error.strerror}",
                where=name,
                remedy="add the file, or correct the name where it is mentioned",
            ) from None

    def text(self, name: str) -> str:
        """A file's contents as UTF-8; a byte order mark is dropped.

        One in UTF-16 with its mark, as PowerShell's `>` writes it, is read as well, unless its
        format is always UTF-8 (TOML, JSON; YAML to those who read it).

        Raises:
            UserFault: as `bytes`, and for other encodings, naming the line.
        """
        data = self.bytes(name)
        try:
            if data[:2] in _WIDE and not name.endswith(_ALWAYS_UTF_8):
                return data.decode("utf-16")
            return data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            data = error.object
            line = data.count(b"\n", 0, error.start) + 1
            raise UserFault(
                f"{name} is not UTF-8 (byte 0x{data[error.start]:02x})",
                where=f"{name}:{line}",
                remedy=f"save {name} as UTF-8",
            ) from None

    def toml(self, name: str) -> dict[str, Any]:
        """A TOML file's contents; parsed again only if they have changed.

        Raises:
            UserFault: as `bytes`, and when it is not TOML.
        """
        text = self.text(name)
        before, document = self._parsed.get(name, ("", {}))
        if text != before:
            from cnbkit.spec.toml import decode

            try:
                document = decode(text, name=name, where=name)
            except InvalidDocument as invalid:
                where = invalid.where or name
                raise UserFault(invalid.what, where=where, remedy="correct the file") from None
            self._parsed[name] = text, document
        return {key: _copied(value) for key, value in document.items()}


def _copied(value: Any) -> Any:
    """A value of TOML that its owner may change."""
    if isinstance(value, dict):
        return {key: _copied(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_copied(each) for each in value]
    return value
