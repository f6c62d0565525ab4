"""Where packages come from: indexes, folders of wheels, and who asks.

In order of precedence, for the default index and everything else there is one of; lists are
joined in this order:

1. `BP_PIP_*`
2. `UV_*`
3. `PIP_*`
4. bindings of type `pypi`, by name
5. bindings of type `pip`, by name
6. the file `PIP_CONFIG_FILE` names
7. the app's own files, which uv reads by itself

Passwords go to programs in their environment or in a file that only the build's user can read,
never as arguments; none is part of a layer's key.
"""

from __future__ import annotations

from cnbkit import BuildContext, UserFault
from cnbkit_indexes.refused import refuse
from cnbkit_logins.address import Login, host_of, same_place, split_login

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from cnbkit_indexes.origins import Origin

__all__ = ["FIRST", "Index", "Sources", "unique"]

_PREFIXES = ("BP_PIP_", "PIP_", "UV_")
_TYPES = ("pip", "pypi", "netrc", "poetry")
FIRST = "first-index"
"""uv's index strategy if none is named."""


class Index:
    """A package index.

    Attributes:
        url: without a login.
        origin: what names it, for people.
        name: uv's for it.
        login: who asks; None for nobody in particular.
    """

    __slots__ = ("login", "name", "origin", "url")

    def __init__(self, url: str, origin: str, name: str, login: Login | None) -> None:
        self.url = url
        self.origin = origin
        self.name = name
        self.login = login

    def __repr__(self) -> str:
        return f"Index({self.url!r}, {self.origin!r}, {self.name!r}, {self.login!r})"


class Sources:
    """All of it. Made by `read`.

    Attributes:
        default: the index asked last, in place of the public one; None leaves that as it is.
        extra: indexes asked before it, in order.
        strategy: uv's index strategy.
        ctx: the build.
        names: of the variables that were read.
    """

    def __init__(self, ctx: BuildContext, origins: Sequence[Origin], names: Sequence[str]) -> None:
        self.ctx = ctx
        self._origins = origins
        self.names = names
        self.default: Index | None = None
        self.extra: list[Index] = []
        self.strategy = (self.values("index-strategy") or [FIRST])[0]
        if origins:
            self._gather()

    @classmethod
    def read(cls, ctx: BuildContext) -> Sources:
        """Read settings and bindings; their secrets are hidden from then on.

        Raises:
            UserFault: a variable would keep packages out of the layers, or something is wrong
                with what names the sources; all of it is told at once.
        """
        every = ctx.settings.names("")
        refuse(ctx, every)
        names = [each for each in every if each.startswith(_PREFIXES)]
        for name in names:
            _hide(ctx, name)
        if not names and not any(each.type.lower() in _TYPES for each in ctx.bindings.all()):
            return cls(ctx, (), ())
        from cnbkit_indexes.origins import find_origins

        return cls(ctx, find_origins(ctx, every), names)

    def __bool__(self) -> bool:
        """Whether anything at all is said."""
        return bool(self._origins) or self._has_logins()

    def values(self, option: str) -> list[str]:
        """What all say of one of pip's options, each once, in order of precedence."""
        found = [value for each in self._origins for value in each.options.get(option, [])]
        return list(dict.fromkeys(found))

    def value(self, option: str) -> str:
        """What goes before everything else said of an option; empty if nothing is."""
        return next(iter(self.values(option)), "")

    def origin_of_option(self, option: str) -> str:
        """What says something of an option, for people."""
        return ", ".join(each.name for each in self._origins if option in each.options)

    def certificates(self) -> str:
        """The file with the authorities to trust; empty for the usual one.

        A pip.conf's own goes before PIP_CERT: the ca-certificates buildpack sets that for all.
        """
        return next(reversed(self.values("cert")), "")

    def _gather(self) -> None:
        taken: set[str] = set()
        seen: set[str] = set()
        by_name = self._by_name()
        for option in ("index-url", "extra-index-url"):
            for origin in self._origins:
                for url in origin.options.get(option, []):
                    key = url.rstrip("/")
                    if key in seen or (option == "index-url" and self.default):
                        continue
                    seen.add(key)
                    name = unique(origin.names.get(url) or f"cnbkit-{_plain(origin.name)}", taken)
                    login = self.login_at(url) or by_name.get(origin.names.get(url, ""))
                    index = Index(url, origin.name, name, login)
                    if option == "index-url":
                        self._check_rivals(origin, url)
                        self.default = index
                    else:
                        self.extra.append(index)

    def _check_rivals(self, origin: Origin, url: str) -> None:
        """Two bindings of a type that both name the default index: which one is not ours to say."""
        kind = origin.name.rpartition(" ")[2]
        rivals = [
            each.name
            for each in self._origins
            if kind in ("(pypi)", "(pip)")
            and each.name.endswith(kind)
            and any(
                other.rstrip("/") != url.rstrip("/") for other in each.options.get("index-url", [])
            )
        ]
        if rivals:
            raise UserFault(
                f"{origin.name} and {', '.join(rivals)} name different default indexes",
                where=origin.name,
                remedy="leave one of them, or set BP_PIP_INDEX_URL",
            )

    def login_at(self, url: str) -> Login | None:
        """The login for the nearest address above this one, the first origin's first."""
        found, length = None, -1
        for origin in self._origins:
            for prefix, login in origin.logins.items():
                if len(prefix) > length and same_place(url, prefix):
                    found, length = login, len(prefix)
        return found

    def credentials_for(self, url: str) -> Login | None:
        """Who asks at an address, by the sources' own logins, Poetry's and netrc's.

        Args:
            url: of an index or a file.

        Raises:
            UserFault: a binding's file is faulty.
        """
        own = split_login(url)[1]
        if own or not self:
            return own
        named = (each.login for each in self.indexes() if same_place(url, each.url))
        if found := self.login_at(url) or next(named, None):
            return found
        from cnbkit_indexes.logins import app_indexes, netrc_login, poetry_logins

        by_name = self._by_name()
        by_name.update(poetry_logins(self.ctx))
        if by_name:
            for name, place in app_indexes(self.ctx):
                if name in by_name and same_place(url, place):
                    return by_name[name]
        return netrc_login(self.ctx, host_of(url))

    def indexes(self) -> list[Index]:
        """All of them in the order they are asked; the public one is not among them."""
        return [*self.extra, *([self.default] if self.default else [])]

    def origin_of(self, url: str) -> str:
        """What names the index that an address belongs to; empty if nothing here does."""
        for same in (same_place, _same_host):
            for index in self.indexes():
                if same(url, index.url):
                    return index.origin
        return ""

    def _has_logins(self) -> bool:
        return any(self.ctx.bindings.all(kind) for kind in ("netrc", "poetry"))

    def _by_name(self) -> dict[str, Login]:
        return {n: login for each in reversed(self._origins) for n, login in each.by_name.items()}

    def digest(self) -> str:
        """What a resolution depends on, for a layer's key; empty if nothing is set.

        Neither a password nor anything made of one is in it.
        """
        if not (self._origins or self.names):
            return ""
        from cnbkit_indexes.sources_digest import contents, digest_of, variables

        lines = [f"default {self.default.url}"] if self.default else []
        lines += [f"index {each.url}" for each in self.extra]
        if self.strategy != FIRST:
            lines.append(f"strategy {self.strategy}")
        lines += [option for option in ("no-index", "pre") if self.value(option) == "true"]
        for option in ("find-links", "constraint"):
            for value in self.values(option):
                lines.append(f"{option} {value} {contents(self.ctx, value)}")
        for option in ("no-binary", "only-binary"):
            if values := self.values(option):
                lines.append(f"{option} {values}")
        return digest_of([*lines, *variables(self.ctx, self.names)])

    def describe(self) -> list[str]:
        """Lines for the log: each source and what names it."""
        lines = []
        if self.default:
            lines.append(f"Default index {self.default.url} ({self.default.origin})")
        lines += [f"Index {each.url} ({each.origin})" for each in self.extra]
        for origin in self._origins:
            if links := origin.options.get("find-links"):
                lines.append(f"Files of {', '.join(links)} ({origin.name})")
            if "true" in origin.options.get("no-index", [])[:1]:
                lines.append(f"No index ({origin.name})")
        if self._has_logins():
            for kind in ("netrc", "poetry"):
                for binding in self.ctx.bindings.all(kind):
                    lines.append(f"Logins of the binding {binding.name} ({kind})")
        return lines

    def warnings(self) -> list[str]:
        """What the person who builds should know of what they set."""
        lines = []
        if self.strategy != FIRST:
            lines.append(
                f"index strategy {self.strategy}: whoever publishes a package of one of your names "
                "on any of these indexes can have theirs installed"
            )
        if hosts := self.values("trusted-host"):
            lines.append(f"certificates of {', '.join(hosts)} are not verified")
        lines += [
            f"{origin.name}: not understood and left out: {', '.join(origin.other)}"
            for origin in self._origins
            if origin.other
        ]
        return lines


def _hide(ctx: BuildContext, name: str) -> None:
    """Secrets in a variable nobody declared."""
    value = ctx.settings.get(name)
    if any(word in name for word in ("PASSWORD", "TOKEN", "SECRET")):
        ctx.hide(value)
    elif "@" in value:
        for word in value.replace(",", " ").split():
            # uv's form is name=address.
            at = word.find("://")
            if at > 0 and split_login(word[word.rfind("=", 0, at) + 1 :])[1]:
                ctx.hide(word[word.rfind("=", 0, at) + 1 :])


def _same_host(url: str, other: str) -> bool:
    return url.split("/")[:3] == other.split("/")[:3]


def _plain(name: str) -> str:
    kept = "".join(char if char.isascii() and char.isalnum() else "-" for char in name.lower())
    return "-".join(part for part in kept.split("-") if part)


def unique(name: str, taken: set[str]) -> str:
    """A name whose variables are not another's: uv takes every sign in it for a `_`."""
    wanted, number = name, 1
    while _plain(wanted) in {_plain(each) for each in taken}:
        number += 1
        wanted = f"{name}-{number}"
    taken.add(wanted)
    return wanted
