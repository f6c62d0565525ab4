"""From a `Model` to pydantic, and from its errors to our words.

Imported at the first validation; `model` imports it, so it knows a `Model` as any class.
"""

from __future__ import annotations

import difflib
import typing
from collections import abc
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import AfterValidator, BeforeValidator, ConfigDict, create_model
from pydantic import Field as PydanticField

from cnbkit.spec.cross_field import model_in

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic import BaseModel

    T = TypeVar("T")

__all__ = ["fault_of", "hints", "pydantic_model"]


def hints(cls: type[Any]) -> dict[str, Any]:
    """The annotations of a `Model`'s fields, as types."""
    # Authors import names for annotations under TYPE_CHECKING; the usual ones resolve anyway.
    fallback = {"Path": Path, **vars(abc), **vars(typing)}
    return typing.get_type_hints(cls, localns=fallback, include_extras=True)


def pydantic_model(cls: type[Any]) -> type[BaseModel]:
    """The pydantic model with the fields and rules of a `Model`."""
    types = hints(cls)
    definitions: dict[str, Any] = {}
    for name, spec in cls.__fields__.items():
        annotation = types[name]
        if spec.check is not None:
            annotation = typing.Annotated[annotation, AfterValidator(_unless_none(spec.check))]
        if spec.read is not None:
            annotation = typing.Annotated[annotation, BeforeValidator(spec.read)]
        options: dict[str, Any] = {"alias": spec.toml} if spec.toml else {}
        if spec.default_factory is not None:
            options["default_factory"] = spec.default_factory
        elif not spec.required:
            options["default"] = spec.default
        definitions[name] = (annotation, PydanticField(**options))
    config = ConfigDict(
        extra="forbid" if cls.__extra__ == "forbid" else "ignore",
        strict=True,
        arbitrary_types_allowed=False,
        protected_namespaces=(),
    )
    return create_model(cls.__name__, __config__=config, **definitions)


def _unless_none(check: Callable[[T], T]) -> Callable[[T | None], T | None]:
    return lambda value: None if value is None else check(value)


def _location(loc: tuple[str | int, ...]) -> tuple[str | int, ...]:
    """Pydantic's location without the steps it adds for its own schema functions."""
    return tuple(step for step in loc if isinstance(step, int) or not step.startswith("function-"))


def fault_of(cls: type[Any], error: Any) -> tuple[tuple[str | int, ...], str, bool]:
    """One of pydantic's errors in our words.

    Args:
        cls: the `Model` that was read.
        error: of `ValidationError.errors()`.

    Returns:
        Where, what, and whether it is no more than a key nobody knows.
    """
    kind, message = str(error["type"]), str(error["msg"])
    path = _location(error["loc"])
    if kind == "extra_forbidden":
        return path, f"unknown key{_nearest(cls, path)}", True
    if kind == "missing":
        return path, "is required", False
    if kind.endswith(("_type", "_parsing")):
        message = f"{message}; found {_brief(error['input'])}"
    return path, message.removeprefix("Value error, "), False


def _brief(value: Any) -> str:
    if isinstance(value, dict):
        return "a table"
    try:
        text = repr(value)
    except ValueError:  # of more digits than Python writes
        return "a number without end"
    return text if len(text) <= 60 else f"{text[:57]}..."


def _nearest(cls: type[Any], path: tuple[str | int, ...]) -> str:
    """The key that was likely meant, as the end of a message."""
    *steps, key = path
    around: type[Any] | None = cls
    for step in steps:
        if around is not None and isinstance(step, str):
            around = next(
                (
                    model_in(hints(around)[name])
                    for name, spec in around.__fields__.items()
                    if (spec.toml or name) == step
                ),
                None,
            )
    if around is None:
        return ""
    known = [spec.toml or name for name, spec in around.__fields__.items()]
    near = difflib.get_close_matches(str(key), known, 1)
    return f"; did you mean {near[0]}?" if near else f"; known are {', '.join(sorted(known))}"
