"""What a layer depends on: a model of its author's, and what of it changed.

The key is stored in the layer's `[metadata]`, which the lifecycle restores (buildpack.md, "Layer
Metadata"); a change of one of its fields is the reason for a rebuild.
"""

from __future__ import annotations

from cnbkit.spec.model import MISSING, Field, Model

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, ClassVar, dataclass_transform
else:

    def dataclass_transform(**_):
        return lambda cls: cls


__all__ = ["LayerKey", "digest_of", "key", "migrates", "note"]

_FORMAT = "1"
_SHOWN = 20
_USUAL = ("str", "int", "bool", "list[str]", "str | None", "dict[str, str]")


def key(
    label: str, *, default: Any = MISSING, default_factory: Callable[[], Any] | None = None
) -> Any:
    """Declare a field whose change rebuilds the layer.

    Args:
        label: what the log calls it: "Python version changed from 3.11 to 3.12". Of a list
            the log shows what came and went. In an item, what follows ` #` counts but is
            not shown: `requirements.txt #<digest>` gives "requirements changed:
            requirements.txt".
        default: value when none is given.
        default_factory: makes the default, for mutable ones.
    """
    return Field(default, default_factory=default_factory, label=label, role="key")


def note(*, default: Any = MISSING, default_factory: Callable[[], Any] | None = None) -> Any:
    """Declare a field that is stored with the layer but never rebuilds it."""
    return Field(default, default_factory=default_factory, role="note")


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(key, note))
class LayerKey(Model):
    """What a layer depends on; author's models derive from it.

        class Wheels(LayerKey, version=2):
            python: str = key("Python version")
            packages: list[str] = key("packages")

    Raise `version` when the same key should give other contents (the buildpack fills the
    layer differently now), or when its fields change. Where old contents still serve, say
    with `migrates` what the old fields would be today.
    """

    __version__: ClassVar[int] = 1
    __migrations__: ClassVar[dict[int, Callable[[dict[str, Any]], dict[str, Any]]]] = {}

    def __init_subclass__(
        cls, *, version: int = 1, hyphens: bool | None = None, extra: str | None = None
    ) -> None:
        super().__init_subclass__(hyphens=hyphens, extra=extra)
        cls.__version__ = version
        found = {each.version: each.function for each in _migrations(cls)}
        wrong = [each for each in found if not 0 < each < version]
        if wrong:
            raise TypeError(
                f"{cls.__name__} has version {version}, so nothing migrates from {wrong}"
            )
        cls.__migrations__ = found
        for name, spec in cls.__fields__.items():
            if spec.role not in ("key", "note"):
                raise TypeError(f"{cls.__name__}.{name}: declare it with key(…) or note(…)")
        for name, annotation in vars(cls).get("__annotations__", {}).items():
            # Detect imports the class as well: the usual ones need no closer look.
            if name in cls.__fields__ and annotation not in _USUAL:
                from cnbkit.layer.key_types import check_annotation

                check_annotation(cls, name, annotation)

    def __init__(self, **values: Any) -> None:
        from cnbkit.layer.key_types import check_value

        super().__init__(**values)
        for name in self.__fields__:
            check_value(type(self), name, self.__dict__[name])

    def _role(self, role: str) -> dict[str, Any]:
        """The plain values of all fields declared as `key` or as `note`."""
        plain = self.to_plain()
        fields = ((name, spec) for name, spec in self.__fields__.items() if spec.role == role)
        return {name: plain[at] for name, spec in fields if (at := spec.toml or name) in plain}

    def _digest(self) -> str:
        """SHA-256 over version and key fields, in hexadecimal."""
        import hashlib

        text = repr((self.__version__, _canonical(self._role("key"))))
        return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()

    def _metadata(self) -> dict[str, Any]:
        """The layer's `[metadata]` table."""
        table: dict[str, Any] = {
            "cnbkit": _FORMAT,
            "digest": self._digest(),
            "version": self.__version__,
            "key": self._role("key"),
        }
        notes = self._role("note")
        if notes:
            table["note"] = notes
        return table

    def _changes(self, old: dict[str, Any]) -> list[str]:
        """Why a layer with that metadata does not fit, one line a field; empty if it does."""
        before, after = old.get("key"), self._role("key")
        if old.get("cnbkit") != _FORMAT or not isinstance(before, dict):
            return ["made by another tool"]
        migrated = old.get("version") != self.__version__
        if migrated:
            try:
                table = self._migrate(old.get("version"), before)
            except Exception as error:  # an author's function on a table of any shape
                return [f"what an earlier version wrote of it cannot be migrated ({error!r})"]
            if table is None:
                return [f"this buildpack makes it differently now (version {self.__version__})"]
            before = table
        lines = []
        for name, spec in self.__fields__.items():
            if spec.role == "key" and not _same(before.get(name), after.get(name)):
                lines.append(_change(spec.label or name, before.get(name), after.get(name)))
        gone = sorted(before.keys() - self.__fields__.keys())
        lines.extend(f"{name} is no longer part of its key" for name in gone)
        if not lines and not migrated and old.get("digest") != self._digest():
            return ["its key changed"]
        return lines

    def _migrate(self, version: object, table: dict[str, Any]) -> dict[str, Any] | None:
        """The key of an earlier version as it would be today; None if there is no way."""
        at = int(version) if isinstance(version, int | float) else 0
        while at != self.__version__:
            if at not in self.__migrations__:
                return None
            table = self.__migrations__[at]({**table})
            if not isinstance(table, dict):
                raise TypeError(f"the migration from {at} gave no dict")
            at += 1
        return table


class _Migration:
    def __init__(self, version: int, function: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
        self.version = version
        self.function = function

    def __call__(self, table: dict[str, Any]) -> dict[str, Any]:
        return self.function(table)


def _migrations(cls: type) -> list[_Migration]:
    inherited = (vars(base).values() for base in reversed(cls.__mro__))
    return [each for values in inherited for each in values if isinstance(each, _Migration)]


def migrates(
    version: int,
) -> Callable[[Callable[[dict[str, Any]], dict[str, Any]]], _Migration]:
    """Declare how the key's table of a version becomes that of the next one.

        class Wheels(LayerKey, version=2):
            python: str = key("Python version")

            @migrates(1)
            @staticmethod
            def _from_1(old: dict[str, Any]) -> dict[str, Any]:
                return {"python": old["interpreter"]}

    Whatever it raises only means that the layer is rebuilt, with that as the reason.

    Args:
        version: the one it migrates from.
    """

    def decorate(function: Callable[[dict[str, Any]], dict[str, Any]]) -> _Migration:
        return _Migration(version, getattr(function, "__func__", function))

    return decorate


def digest_of(value: Any) -> str:
    """SHA-256 over plain data, whatever the order of its tables."""
    import hashlib

    return hashlib.sha256(repr(_canonical(value)).encode(errors="surrogateescape")).hexdigest()


def _canonical(value: Any) -> Any:
    if isinstance(value, dict):
        return sorted((name, _canonical(each)) for name, each in value.items())
    if isinstance(value, list):
        return [_canonical(each) for each in value]
    return value


def _same(before: Any, after: Any) -> bool:
    # The lifecycle keeps metadata as JSON, where a whole number is a float and loses digits.
    if isinstance(before, float) and isinstance(after, int):
        return before == float(after)
    return bool(before == after)


def _change(label: str, before: Any, after: Any) -> str:
    # An empty list is left out of the table.
    before = [] if before is None and isinstance(after, list) else before
    after = [] if after is None and isinstance(before, list) else after
    if isinstance(before, dict) and isinstance(after, dict):
        names = (name for name in {**before, **after} if before.get(name) != after.get(name))
        return f"{label} changed: {' '.join(sorted(names))}"
    before = int(before) if isinstance(before, float) and before.is_integer() else before
    if isinstance(before, list) and isinstance(after, list):
        gone = [_shown(each) for each in before if each not in after]
        new = [_shown(each) for each in after if each not in before]
        parts = [each for each in new if each in gone]
        parts += [f"-{each}" for each in gone if each not in new]
        parts += [f"+{each}" for each in new if each not in gone]
        if len(parts) > _SHOWN:
            parts[_SHOWN:] = [f"and {len(parts) - _SHOWN} more"]
        return f"{label} changed: {' '.join(parts) or 'other order'}"
    old, new_text = _shown(before), _shown(after)
    if len(old) + len(new_text) > 80 or before is None or after is None or old == new_text:
        return f"{label} changed"
    return f"{label} changed from {old} to {new_text}"


def _shown(item: Any) -> str:
    """An item without what follows ` #`."""
    return str(item).partition(" #")[0]
