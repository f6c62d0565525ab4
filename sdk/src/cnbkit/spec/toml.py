"""Reading and writing documents as TOML text."""

from __future__ import annotations

from cnbkit.errors import BuildpackFault, Fault, InvalidDocument
from cnbkit.spec.model import Model

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
        message, found, place = str(error).partition(" (at line ")
        number, _, column = place.rstrip(")").partition(", ")
        if found and number.isdigit():
            fault = Fault((), f"not TOML: {message} ({column})", int(number))
        else:
            fault = Fault((), f"not TOML: {error}")
        raise InvalidDocument(name, [fault], where=where) from None


def encode(data: Mapping[str, Any]) -> str:
    """Plain data as TOML text.

    Text, whole numbers, truth values, lists and tables are written right here, because
    importing a library for them takes longer than a whole detect; the rest by tomli_w.

    Raises:
        BuildpackFault: a text in it holds bytes that are not UTF-8 (surrogates, as `os.environ`
            has them).
    """
    lines: list[str] = []
    try:
        _write_table(lines, "", data)
    except _Unusual:
        import tomli_w

        return _utf8(tomli_w.dumps(data))
    return _utf8("\n".join([*lines, ""])) if lines else ""


def _utf8(text: str) -> str:
    # What came from a variable or a file name may hold bytes that are not text.
    try:
        text.encode()
    except UnicodeEncodeError as error:
        line = text[: error.start].rpartition("\n")[2] + text[error.start :].partition("\n")[0]
        raise BuildpackFault(
            f"a value to write is not UTF-8: {line!a}",
            remedy="decode it, or leave it out of layers, labels and plans",
        ) from None
    return text


class _Unusual(Exception):
    """A value only the library writes."""


def _write_table(lines: list[str], path: str, table: Mapping[str, Any]) -> None:
    below: list[tuple[str, Any]] = []
    for key, value in table.items():
        name = _key(key)
        if isinstance(value, dict) or _is_tables(value):
            below.append((f"{path}.{name}" if path else name, value))
        else:
            lines.append(f"{name} = {_inline(value)}")
    for name, value in below:
        many = not isinstance(value, dict)
        for each in value if many else [value]:
            lines += [""] if lines else []
            lines.append(f"[[{name}]]" if many else f"[{name}]")
            _write_table(lines, name, each)


def _is_tables(value: Any) -> bool:
    return isinstance(value, list | tuple) and bool(value) and all(type(e) is dict for e in value)


def _inline(value: Any) -> str:
    kind = type(value)
    if kind is str:
        return _quoted(value)
    if kind is bool:
        return "true" if value else "false"
    if kind is int:
        return str(value)
    if kind is list or kind is tuple:
        return f"[{', '.join([_inline(each) for each in value])}]"
    if kind is dict:
        inner = ", ".join([f"{_key(name)} = {_inline(each)}" for name, each in value.items()])
        return f"{{{inner}}}"
    raise _Unusual


def _key(key: Any) -> str:
    if type(key) is not str:
        raise _Unusual
    bare = key.isascii() and key.replace("-", "").replace("_", "").isalnum()
    return key if bare or (key and not key.strip("-_")) else _quoted(key)


def _quoted(text: str) -> str:
    if text.isprintable() and '"' not in text and "\\" not in text:
        return f'"{text}"'
    return f'"{"".join([_escaped(char) for char in text])}"'


def _escaped(char: str) -> str:
    if char in '"\\':
        return f"\\{char}"
    # Line separators and the like too: a reader by lines would trip over them. Halves of
    # surrogate pairs have no escape; writing the text refuses them.
    if char.isprintable() or "\ud800" <= char <= "\udfff":
        return char
    return f"\\u{ord(char):04x}" if char <= "\uffff" else f"\\U{ord(char):08x}"


class Document(Model, hyphens=True):
    """A `Model` that is a TOML file of its own."""

    @classmethod
    def loads(cls, text: str | bytes, *, name: str | None = None, where: str | None = None) -> Self:
        """Decode and validate.

        Raises:
            InvalidDocument: with every fault found.
        """
        name = name or cls.__name__
        data = decode(text, name=name, where=where)
        try:
            return cls.parse(data, name=name, where=where)
        except InvalidDocument as invalid:
            from cnbkit.spec.positions import line_of, lines

            known = lines(text.decode() if isinstance(text, bytes) else text)
            for fault in invalid.faults:
                fault.line = line_of(fault.path, known)
            raise InvalidDocument(name, invalid.faults, where=where) from None

    def dumps(self) -> str:
        """The document as TOML text."""
        return encode(self.to_plain())
