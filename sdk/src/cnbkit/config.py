"""Options of a buildpack, declared once: read, checked, logged and documented from one place.

class PipConfig(Config):
    engine = Option.choice("BP_PIP_ENGINE", "uv", "pip", help="What installs")
    index = Option.text("BP_PIP_INDEX_URL", help="Package index", secret=True)
    refresh = Option.flag("BP_PIP_REFRESH", help="Resolve again")

class Pip(Buildpack):
    config = PipConfig

    def build(self, ctx):
        config = self.config.read(ctx.settings)
        config.engine  # "uv" or "pip", to mypy as well a str
"""

from __future__ import annotations

from cnbkit.errors import BuildpackFault, UserFault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, ClassVar, Generic, Self, TypeVar, overload

    from cnbkit.settings import Settings

    T = TypeVar("T")
else:  # `typing` costs more than a whole detect

    class Generic:
        """Takes a parameter and forgets it."""

        def __class_getitem__(cls, _):
            return cls

    def overload(function):
        return function

    T = None

__all__ = ["Config", "Option", "table"]


class Option(Generic[T]):
    """One variable a person who builds may set; one of the class methods makes it.

    Attributes:
        name: of the variable.
        help: one line for the README.
        default: the value if it is not set.
        kind: what it takes, for people.
        secret: whether its value must not show.
    """

    def __init__(
        self,
        name: str,
        read: Callable[[str], T],
        default: T,
        *,
        help: str,  # noqa: A002
        kind: str,
        secret: bool = False,
    ) -> None:
        if not name.startswith(("BP_", "BPL_")):
            raise BuildpackFault(
                f"the option {name} has no prefix", where=name, remedy="call it BP_…"
            )
        self.name = name
        self.help = help
        self.default = default
        self.kind = kind
        self.secret = secret
        self._read = read
        self._attribute = ""

    def __set_name__(self, owner: type, name: str) -> None:
        self._attribute = name

    @overload
    def __get__(self, instance: None, owner: type) -> Option[T]: ...
    @overload
    def __get__(self, instance: Config, owner: type) -> T: ...  # noqa: F811
    def __get__(self, instance: Config | None, owner: type) -> Option[T] | T:  # noqa: F811
        if instance is None:
            return self
        value: T = instance.__dict__[self._attribute]
        return value

    def value(self, text: str) -> T:
        """What a text that is set means.

        Raises:
            ValueError: nothing it can mean.
        """
        return self._read(text)

    @classmethod
    def text(
        cls,
        name: str,
        *,
        default: str = "",
        help: str = "",  # noqa: A002
        check: Callable[[str], str] = str,
        secret: bool = False,
    ) -> Option[str]:
        """Any text; `check` returns it, perhaps changed, or raises ValueError."""
        return Option(name, check, default, help=help, kind="text", secret=secret)

    @classmethod
    def flag(
        cls,
        name: str,
        *,
        default: bool = False,
        help: str = "",  # noqa: A002
    ) -> Option[bool]:
        """Yes or no."""
        return Option(name, _flag, default, help=help, kind="true or false")

    @classmethod
    def number(
        cls,
        name: str,
        *,
        default: int = 0,
        help: str = "",  # noqa: A002
        at_least: int | None = None,
        at_most: int | None = None,
    ) -> Option[int]:
        """A whole number."""

        def read(text: str) -> int:
            if not (text.removeprefix("-").isascii() and text.removeprefix("-").isdigit()):
                raise ValueError("which is no whole number")
            value = int(text) if len(text) < 20 else 10**20
            if (at_least is not None and value < at_least) or (
                at_most is not None and value > at_most
            ):
                raise ValueError(f"which is out of {kind}")
            return value

        low, high = at_least is not None, at_most is not None
        kind = f"{at_least if low else ''}…{at_most if high else ''}" if low or high else "number"
        return Option(name, read, default, help=help, kind=kind)

    @classmethod
    def words(
        cls,
        name: str,
        *,
        default: tuple[str, ...] = (),
        help: str = "",  # noqa: A002
    ) -> Option[tuple[str, ...]]:
        """Several words with commas or spaces between."""
        return Option(
            name,
            lambda text: tuple(text.replace(",", " ").split()),
            default,
            help=help,
            kind="list, with commas",
        )

    @classmethod
    def choice(
        cls,
        name: str,
        first: str,
        *others: str,
        help: str = "",  # noqa: A002
    ) -> Option[str]:
        """One of some words, the first if none is said; upper and lower case are the same."""
        values = (first, *others)

        def read(text: str) -> str:
            if text.lower() not in values:
                raise ValueError(f"which is none of {', '.join(values)}")
            return text.lower()

        return Option(name, read, first, help=help, kind=" or ".join(values))


class Config:
    """All options of a buildpack; derive and declare them as attributes."""

    __options__: ClassVar[dict[str, Option[Any]]] = {}

    def __init_subclass__(cls) -> None:
        own = {name: each for name, each in vars(cls).items() if isinstance(each, Option)}
        cls.__options__ = {**cls.__options__, **own}

    @classmethod
    def read(cls, settings: Settings) -> Self:
        """What is set.

        Raises:
            UserFault: naming every option with a value that it cannot have.
        """
        config = cls()
        wrong = []
        for attribute, option in cls.__options__.items():
            text = settings.get(option.name)
            if text and option.secret:
                settings.secrets.hide(text)
            try:
                config.__dict__[attribute] = option.value(text) if text else option.default
            except ValueError as error:
                shown = "[redacted]" if option.secret else repr(text)
                wrong.append((option, f"{option.name} is {shown}, {error}"))
        if len(wrong) == 1:
            [(option, what)] = wrong
            raise UserFault(
                what, where=option.name, remedy=f"set {option.name} to {option.kind}, or unset it"
            )
        if wrong:
            raise UserFault(
                f"{len(wrong)} settings cannot be as they are",
                where=", ".join(option.name for option, _ in wrong),
                remedy="correct or unset each of these",
                detail="\n".join(what for _, what in wrong),
            )
        return config

    def changed(self) -> list[str]:
        """`NAME=value` of each option that is not its default; secrets by name only."""
        lines = []
        for attribute, option in self.__options__.items():
            value = self.__dict__[attribute]
            if value != option.default:
                lines.append(f"{option.name}={'[redacted]' if option.secret else _said(value)}")
        return lines


def table(config: type[Config]) -> str:
    """The options as a Markdown table, for the buildpack's README."""
    if not config.__options__:
        return "No settings.\n"
    rows = ["| Variable | Takes | Default | Meaning |", "|---|---|---|---|"]
    for option in config.__options__.values():
        default = f"`{_said(option.default)}`" if _said(option.default) else "none"
        cells = (f"`{option.name}`", option.kind, default, option.help)
        rows.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    return "\n".join(rows) + "\n"


def _said(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return ",".join(value) if isinstance(value, tuple) else str(value)


def _flag(text: str) -> bool:
    from cnbkit.settings import NO, YES

    if text.lower() in YES or text.lower() in NO:
        return text.lower() in YES
    raise ValueError("which is neither yes nor no")
