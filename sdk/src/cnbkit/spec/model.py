"""Typed documents that only pay for pydantic when something has to be validated.

Importing pydantic costs more than a whole `bin/detect` may take. So a `Model` records its
annotations when the class is made and builds the pydantic model at the first `parse`.
Building an instance in code checks names and the cheap per-field rules only; static typing
does the rest.
"""

from __future__ import annotations

from cnbkit.errors import Fault, InvalidDocument

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any, ClassVar, Self, dataclass_transform

    from pydantic import BaseModel
    from pydantic_core import CoreSchema
else:  # `typing` alone would double the start-up time of a detect

    def dataclass_transform(**_):
        return lambda cls: cls


__all__ = ["Field", "Model", "field"]


class _Missing:
    """Stands for "no default", which None cannot."""

    def __repr__(self) -> str:
        return "<no default>"


MISSING = _Missing()


class Field:
    """What is known about one field of a `Model` besides its annotation."""

    __slots__ = ("check", "default", "default_factory", "label", "read", "role", "toml")

    def __init__(
        self,
        default: Any = MISSING,
        *,
        default_factory: Callable[[], Any] | None = None,
        toml: str | None = None,
        check: Callable[[Any], Any] | None = None,
        read: Callable[[Any], Any] | None = None,
        label: str = "",
        role: str = "field",
    ) -> None:
        self.default = default
        self.default_factory = default_factory
        self.toml = toml
        self.check = check
        self.read = read
        self.label = label
        self.role = role

    @property
    def required(self) -> bool:
        """Whether a value must be given."""
        return self.default is MISSING and self.default_factory is None

    def make_default(self) -> Any:
        """The default's value, fresh for each instance."""
        return _own(self.default) if self.default_factory is None else self.default_factory()


def field(
    *,
    default: Any = MISSING,
    default_factory: Callable[[], Any] | None = None,
    toml: str | None = None,
    check: Callable[[Any], Any] | None = None,
    read: Callable[[Any], Any] | None = None,
) -> Any:
    """Declare a field with more than a default.

    Args:
        default: value when none is given.
        default_factory: makes the default, for mutable ones.
        toml: the key in the file; the name with hyphens for underscores if not given
            (in models declared with `hyphens=True`).
        check: returns the value or raises ValueError; runs on instances made in code too,
            so it has to be cheap.
        read: turns other ways to write the value into the one that is declared; runs on
            what is read only.
    """
    return Field(default, default_factory=default_factory, toml=toml, check=check, read=read)


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(field, Field))
class Model:
    """Base of every document and of what authors declare.

    Subclass it with annotated fields, as one would a pydantic model. Keyword arguments of
    the class statement, both inherited:

    - `hyphens`: TOML keys have hyphens where field names have underscores.
    - `extra`: "forbid" (the default) or "ignore" keys no field is declared for.
    """

    __fields__: ClassVar[dict[str, Field]] = {}
    __hyphens__: ClassVar[bool] = False
    __extra__: ClassVar[str] = "forbid"

    def __init_subclass__(cls, *, hyphens: bool | None = None, extra: str | None = None) -> None:
        super().__init_subclass__()
        if hyphens is not None:
            cls.__hyphens__ = hyphens
        if extra is not None:
            cls.__extra__ = extra
        fields = dict(cls.__fields__)
        for name, annotation in cls.__annotations__.items():
            if name.startswith("_") or "ClassVar[" in str(annotation):
                continue
            if name not in fields and any(name in vars(base) for base in cls.__mro__[1:]):
                raise TypeError(f"{cls.__name__}.{name} would hide a method; rename it")
            default = cls.__dict__.get(name, MISSING)
            spec = default if isinstance(default, Field) else Field(default)
            if cls.__hyphens__ and spec.toml is None:
                spec.toml = name.replace("_", "-")
            fields[name] = spec
        cls.__fields__ = fields

    def __init__(self, **values: Any) -> None:
        state = self.__dict__
        for name, spec in self.__fields__.items():
            if name in values:
                value = values.pop(name)
                if spec.check is not None and value is not None:
                    value = spec.check(value)
                state[name] = _own(value)
            elif spec.required:
                raise TypeError(f"{type(self).__name__} needs {name}=")
            else:
                state[name] = spec.make_default()
        if values:
            raise TypeError(f"{type(self).__name__} has no field {', '.join(sorted(values))}")

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen; make a new one to change {name}")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen; make a new one to change {name}")

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.__dict__ == other.__dict__

    def __hash__(self) -> int:
        return hash((type(self), _hashable(self.__dict__)))

    def __repr__(self) -> str:
        inner = ", ".join(f"{name}={self.__dict__[name]!r}" for name in self.__fields__)
        return f"{type(self).__name__}({inner})"

    def replace(self, **changes: Any) -> Self:
        """A copy with some fields changed."""
        return type(self)(**{**{name: self.__dict__[name] for name in self.__fields__}, **changes})

    def to_plain(self) -> dict[str, Any]:
        """The document as TOML-able data: keys as written, None and unset containers left out."""
        return dict(self._plain_items())

    def _plain_items(self) -> Iterator[tuple[str, Any]]:
        for name, spec in self.__fields__.items():
            value = self.__dict__[name]
            if value is None or (spec.default_factory is not None and not value):
                continue
            yield spec.toml or name, _plain(value)

    def given(self) -> dict[str, Any]:
        """The fields as they were given, by their TOML keys; a None that means nothing left out."""
        values = ((spec, name, self.__dict__[name]) for name, spec in self.__fields__.items())
        return {
            spec.toml or name: value
            for spec, name, value in values
            if value is not None or spec.required
        }

    @classmethod
    def parse(
        cls, data: Mapping[str, Any], *, name: str | None = None, where: str | None = None
    ) -> Self:
        """Validate plain data.

        Args:
            data: decoded TOML.
            name: the document's name in messages; the class's if not given.
            where: the file, for messages.

        Raises:
            InvalidDocument: with every fault found.
        """
        from pydantic import TypeAdapter, ValidationError

        try:
            result: Self = TypeAdapter(cls).validate_python(data)
        except ValidationError as error:
            from cnbkit.spec.cross_field import rules_broken
            from cnbkit.spec.validation import fault_of

            told = (fault_of(cls, each) for each in error.errors())
            faults = [Fault(path, message, unknown=unknown) for path, message, unknown in told]
            broken = rules_broken(cls, data, [fault.path for fault in faults])
            faults += [Fault(path, message) for path, message in broken]
            raise InvalidDocument(name or cls.__name__, faults, where=where) from None
        return result

    def validate_whole(self) -> None:
        """Rules over several fields; override and raise ValueError.

        Runs in `parse`; also where other fields are wrong than those it reads.
        """

    @classmethod
    def _pydantic(cls) -> type[BaseModel]:
        """The pydantic model behind this class, built on first use."""
        built: type[BaseModel] | None = cls.__dict__.get("__built__")
        if built is None:
            from cnbkit.spec.validation import pydantic_model

            built = pydantic_model(cls)
            # Each Model class keeps its own, so that garbage collection takes both together.
            cls.__built__ = built  # type: ignore[attr-defined]
        return built

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> CoreSchema:
        """Let a Model stand in any annotation that pydantic reads."""
        from pydantic_core import core_schema

        def construct(valid: Any) -> Any:
            instance = cls.__new__(cls)
            instance.__dict__.update({name: getattr(valid, name) for name in cls.__fields__})
            instance.validate_whole()
            return instance

        def as_data(value: Any) -> Any:
            return value.given() if isinstance(value, cls) else value

        inner = handler.generate_schema(cls._pydantic())
        return core_schema.no_info_before_validator_function(
            as_data, core_schema.no_info_after_validator_function(construct, inner)
        )


def _own(value: Any) -> Any:
    """The value, where it is a list or table as a copy that nobody else can change."""
    kind = type(value)
    if kind is list:
        return [_own(each) for each in value]
    if kind is dict:
        return {key: _own(each) for key, each in value.items()}
    return value.copy() if kind is set else value


def _hashable(value: Any) -> Any:
    if isinstance(value, dict):
        return frozenset((key, _hashable(each)) for key, each in value.items())
    if isinstance(value, list | tuple):
        return tuple(_hashable(each) for each in value)
    if isinstance(value, set):
        return frozenset(value)
    return value


def _plain(value: Any) -> Any:
    if isinstance(value, Model):
        return value.to_plain()
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items() if each is not None}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, set | frozenset):
        return sorted((_plain(each) for each in value), key=repr)
    if hasattr(type(value), "__members__"):
        return _plain(value.value)
    if hasattr(value, "__fspath__"):
        return value.__fspath__()
    return value
