"""Reading and writing documents as TOML text."""

from __future__ import annotations

from cnbkit.contract.model import Fault, InvalidDocument, Model

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Self

__all__ = ["Document", "decode", "encode"]


def decode(text: str | bytes, *, name: str, where: str | None = None) -> dict[str, Any]:
    """Parse TOML.

    Raises:
        InvalidDocument: not UTF-8, or not TOML; names the line and column.
    """
    import tomllib

    if isinstance(text, bytes):
        try:
            text = text.decode()
        except UnicodeDecodeError as error:
            line = error.object.count(b"\n", 0, error.start) + 1
            byte = error.object[error.start]
            fault = Fault((), f"byte 0x{byte:02x} is not UTF-8", line)
            raise InvalidDocument(name, [fault], where=where) from None
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # int() refuses more than 4300 digits
        raise InvalidDocument(name, [Fault((), f"not TOML: {error}")], where=where) from None


def encode(data: Mapping[str, Any]) -> str:
    """Plain data as TOML text."""
    import tomli_w

    return tomli_w.dumps(data)


class Document(Model, hyphens=True):
    """A `Model` that is a TOML file of its own."""

    @classmethod
    def loads(cls, text: str | bytes, *, name: str | None = None, where: str | None = None) -> Self:
        """Decode and validate.

        Raises:
            InvalidDocument: with every fault found.
        """
        name = name or cls.__name__
        return cls.parse(decode(text, name=name, where=where), name=name, where=where)

    def dumps(self) -> str:
        """The document as TOML text."""
        return encode(self.to_plain())
