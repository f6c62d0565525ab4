"""Rules over several fields of a document that has other faults as well.

Pydantic does not come to them then, and a person would learn of one fault after the other.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

    Path = tuple[str | int, ...]

__all__ = ["model_in", "rules_broken"]


def rules_broken(
    cls: type[Any], data: Mapping[str, Any], wrong: Sequence[Path]
) -> list[tuple[Path, str]]:
    """What the rules say of the document and the tables in it that are not valid as they are.

    A rule that reads something wrong says nothing: it could only be mistaken.

    Args:
        cls: the document's `Model`, which imports this.
        data: its plain data.
        wrong: where something is wrong.

    Returns:
        Where a rule is broken, and its message.
    """
    return list(_walk(cls, data, (), wrong))


def _walk(
    cls: type[Any], data: Any, path: Path, wrong: Sequence[Path]
) -> Iterator[tuple[Path, str]]:
    # Where nothing is wrong below, the rule has been asked; where it is the table, it said so.
    if not isinstance(data, dict) or path in wrong or not _below(path, wrong):
        return
    fields = cls._pydantic().model_fields
    values = {}
    for name, spec in cls.__fields__.items():
        key = spec.toml or name
        at = (*path, key)
        if _below(at, wrong):
            inner = model_in(fields[name].annotation)
            for more, value in _tables(data.get(key)) if inner else ():
                yield from _walk(inner, value, (*at, *more), wrong)
        elif key in data:
            values[name] = _valid(fields[name], data[key])
        else:
            values[name] = spec.make_default()
    try:
        cls.validate_whole(_Known(cls, values))
    except _Unknown:
        return
    except ValueError as error:
        yield path, str(error)


class _Unknown(Exception):
    """A rule asks for what is wrong."""


class _Known:
    """A document of which some fields are not known."""

    def __init__(self, cls: type[Any], values: Mapping[str, Any]) -> None:
        self._cls = cls
        self._values = values

    def __getattr__(self, name: str) -> Any:
        if name in self._values:
            return self._values[name]
        if name in self._cls.__fields__:
            raise _Unknown
        found = getattr(self._cls, name)
        return found.__get__(self) if hasattr(found, "__get__") else found


def _below(path: Path, wrong: Sequence[Path]) -> bool:
    return any(each[: len(path)] == path for each in wrong)


def _tables(value: Any) -> Iterator[tuple[Path, Any]]:
    """A table itself, or those in a list, with the way to them."""
    if isinstance(value, list):
        for number, each in enumerate(value):
            yield (number,), each
    else:
        yield (), value


def model_in(annotation: Any) -> Any:
    """The model a field is, or is a list of."""
    from typing import get_args

    if isinstance(annotation, type) and hasattr(annotation, "validate_whole"):
        return annotation
    return next((found for each in get_args(annotation) if (found := model_in(each))), None)


def _valid(field: Any, value: Any) -> Any:
    from typing import Annotated

    from pydantic import TypeAdapter

    kind = field.annotation
    for each in field.metadata:
        kind = Annotated[kind, each]
    return TypeAdapter(kind).validate_python(value)
