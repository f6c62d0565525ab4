"""Options of a buildpack, declared once: read, checked, logged and documented from one place.

class PipConfig(Config):
    engine: Option[Literal["uv", "pip"]] = Option.choice("BP_PIP_ENGINE", "uv", "pip")
    index = Option.text("BP_PIP_INDEX_URL", help="Package index", secret=True)
    refresh = Option.flag("BP_PIP_REFRESH", help="Resolve again")

class Pip(Buildpack):
    config = PipConfig

    def build(self, ctx: BuildContext[PipConfig]) -> BuildResult:
        ctx.config.engine  # "uv" or "pip", to a type checker as well
"""

from __future__ import annotations

from cnbkit.errors import BuildpackFault, UserFault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, ClassVar, Generic, Self, TypeVar, overload

    from cnbkit.settings import Settings

    T = TypeVar("T")
    W = TypeVar("W", bound=str)
else:  # `typing` costs more than a whole detect

    class Generic:
        """Takes a parameter and forgets it."""

        def __class_getitem__(cls, _):
            return cls

    def overload(function):
        return function

    T = W = None

__all__ = ["Config", "Option", "table"]


class Option(Generic[T]):
    """One variable a person who builds may set; one of the class methods makes it.

    Attributes:
        name: of the variable.
        help: one line for the README.
        default: the value if it is not set.
        kind: what it takes, for people.
        secret: whether its value must not show.
        family: whether it is all variables that begin with its name, as a table.
    """

    family = False

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
        if not name.startswith(("BP_", "BPL_", "BPE_")):
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
    def of(
        cls,
        name: str,
        parse: Callable[[str], T],
        default: T,
        *,
        help: str = "",  # noqa: A002
        kind: str = "text",
        secret: bool = False,
    ) -> Option[T]:
        """Anything a function of yours makes of the text.

        Args:
            name: of the variable.
            parse: returns the value, or raises ValueError: "which is no …".
            default: the value if it is not set.
            help: one line for the README.
            kind: what it takes, for people.
            secret: whether its value must not show.
        """
        return Option(name, parse, default, help=help, kind=kind, secret=secret)

    @classmethod
    def prefix(
        cls,
        name: str,
        *,
        help: str = "",  # noqa: A002
        secret: bool = False,
    ) -> Option[Mapping[str, str]]:
        """All variables that begin so: what follows the prefix → the value, also an empty one.

        Args:
            name: the prefix: `BP_NODE_ENV_` for `BP_NODE_ENV_PORT=80`.
            help: one line for the README.
            secret: whether values must not show.
        """
        made: Option[Mapping[str, str]] = Option(
            name, lambda text: {"": text}, {}, help=help, kind="text each", secret=secret
        )
        made.family = True
        return made

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
                raise ValueError("which is not a whole number")
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
        first: W,
        *others: W,
        help: str = "",  # noqa: A002
    ) -> Option[W]:
        """One of some words, the first if none is said; upper and lower case are the same.

        With the annotation `Option[Literal["fast", "exact"]]` a type checker knows the words.
        """
        values = {each.lower(): each for each in (first, *others)}

        def read(text: str) -> W:
            if text.lower() not in values:
                raise ValueError(f"which is not one of {', '.join(values.values())}")
            return values[text.lower()]

        return Option(name, read, first, help=help, kind=" or ".join((first, *others)))


class Config:
    """All options of a buildpack; derive and declare them as attributes."""

    __options__: ClassVar[dict[str, Option[Any]]] = {}

    def __init_subclass__(cls) -> None:
        own = {name: each for name, each in vars(cls).items() if isinstance(each, Option)}
        cls.__options__ = {**cls.__options__, **own}
        named = [each.name for each in cls.__options__.values()]
        if twice := sorted({name for name in named if named.count(name) > 1}):
            raise BuildpackFault(
                f"two options of {cls.__name__} are called {twice[0]}",
                where=twice[0],
                remedy="give each variable one option",
            )

    @classmethod
    def read(cls, settings: Settings) -> Self:
        """What is set.

        Raises:
            UserFault: naming every option with a value that it cannot have.
        """
        config = cls()
        wrong = []
        for attribute, option in cls.__options__.items():
            if option.family:
                config.__dict__[attribute] = _family(option, settings)
                continue
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
                f"{len(wrong)} invalid settings",
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
            if option.family:
                lines += [
                    f"{option.name}{name}={'[redacted]' if option.secret else text}"
                    for name, text in value.items()
                ]
            elif value != option.default:
                lines.append(f"{option.name}={'[redacted]' if option.secret else _said(value)}")
        return lines


def table(config: type[Config]) -> str:
    """The options as a Markdown table, for the buildpack's README."""
    if not config.__options__:
        return "No settings.\n"
    rows = ["| Variable | Takes | Default | Meaning |", "|---|---|---|---|"]
    for option in config.__options__.values():
        said = "" if option.family else _said(option.default)
        default = f"`{said}`" if said else "none"
        name = f"{option.name}*" if option.family else option.name
        cells = (f"`{name}`", option.kind, default, option.help)
        rows.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    return "\n".join(rows) + "\n"


def _family(option: Option[Any], settings: Settings) -> dict[str, str]:
    found = {}
    for name in settings.names(option.name):
        # Files of a mounted map that are not variables have dots.
        if name != option.name and name.isascii() and name.isidentifier():
            found[name.removeprefix(option.name)] = text = settings.raw(name) or ""
            if option.secret:
                settings.secrets.hide(text)
    return found


def _said(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return ",".join(value) if isinstance(value, tuple) else str(value)


def _flag(text: str) -> bool:
    from cnbkit.settings import NO, YES

    if text.lower() in YES or text.lower() in NO:
        return text.lower() in YES
    raise ValueError("which is neither yes nor no")
