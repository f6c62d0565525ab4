"""Every place that says where packages come from, in one vocabulary: pip's."""

from __future__ import annotations

import os

from cnbkit import BuildContext, UserFault
from cnbkit_indexes.pip_conf import OPTIONS, SWITCHES, read_pip_conf
from cnbkit_logins.address import Login, is_address, split_login

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from cnbkit import Binding

__all__ = ["VARIABLES", "Origin", "find_origins"]

_ADDRESSES = ("index-url", "extra-index-url")
_OURS = {
    "BP_PIP_INDEX_URL": "index-url",
    "BP_PIP_EXTRA_INDEX_URLS": "extra-index-url",
    "BP_PIP_FIND_LINKS": "find-links",
    "BP_PIP_NO_INDEX": "no-index",
    "BP_PIP_INDEX_STRATEGY": "index-strategy",
}
_UVS = {
    "UV_DEFAULT_INDEX": "index-url",
    "UV_INDEX_URL": "index-url",
    "UV_INDEX": "extra-index-url",
    "UV_EXTRA_INDEX_URL": "extra-index-url",
    "UV_FIND_LINKS": "find-links",
    "UV_NO_INDEX": "no-index",
    "UV_INDEX_STRATEGY": "index-strategy",
    "UV_INSECURE_HOST": "trusted-host",
    "UV_NO_BINARY": "no-binary",
    "UV_NO_BINARY_PACKAGE": "no-binary",
    "UV_NO_BUILD": "only-binary",
    "UV_NO_BUILD_PACKAGE": "only-binary",
}
_PIPS = {
    "PIP_DEFAULT_TIMEOUT": "timeout",
    **{f"PIP_{option.upper().replace('-', '_')}": option for option in OPTIONS},
}
# Switches of uv that stand for all packages.
_ALL = ("UV_NO_BINARY", "UV_NO_BUILD")
VARIABLES = {**_OURS, **_UVS, **_PIPS}
_STRATEGIES = ("first-index", "unsafe-first-match", "unsafe-best-match")
_YES, _NO = ("1", "true", "yes", "on"), ("0", "false", "no", "off")
# PyPI and most private indexes take a token as the password of this user.
_TOKEN_USER = "__token__"  # noqa: S105 - a name


class Origin:
    """One place, and what it says.

    Attributes:
        name: for people: a variable, or a binding and its type.
        options: pip's options and their values; addresses without logins.
        names: what uv is to call an index, by its address.
        logins: by the address they are for.
        by_name: logins for indexes that only the app's files have the addresses of.
        other: options that are not understood.
    """

    __slots__ = ("by_name", "logins", "name", "names", "options", "other")

    def __init__(self, name: str) -> None:
        self.name = name
        self.options: dict[str, list[str]] = {}
        self.names: dict[str, str] = {}
        self.logins: dict[str, Login] = {}
        self.by_name: dict[str, Login] = {}
        self.other: list[str] = []

    def add(self, ctx: BuildContext, option: str, values: list[str], faults: list[str]) -> None:
        """Take an option, its logins apart."""
        kept = []
        for value in values:
            name, sign, rest = value.partition("=")
            if option in _ADDRESSES and sign and "/" not in name and is_address(rest):
                value = rest  # uv's own form: name=address
            else:
                name = ""
            url, login = split_login(value)
            if login:
                ctx.hide(value)
                ctx.hide(login.password or login.user)
                self.logins[url] = login
            if option in _ADDRESSES and not is_address(url):
                faults.append(f"{self.name}: {url!r} is not an address like https://host/simple")
            if name:
                self.names[url] = name
            kept.append(url)
        if option in SWITCHES:
            kept = [_switch(value, self.name, faults) for value in kept]
        if option == "index-strategy":
            kept = [value.lower() for value in kept]
            faults += [
                f"{self.name}: {value!r} is not one of {', '.join(_STRATEGIES)}"
                for value in kept
                if value not in _STRATEGIES
            ]
        self.options[option] = [*self.options.get(option, []), *kept]


def find_origins(ctx: BuildContext, names: Collection[str]) -> list[Origin]:
    """All of them; what an earlier one says goes before what a later one says.

    Args:
        ctx: the build.
        names: of all variables there are.

    Raises:
        UserFault: naming everything that is wrong with them.
    """
    faults: list[str] = []
    origins = [
        _of_variable(ctx, variable, option, faults)
        for variable, option in VARIABLES.items()
        if variable in names and ctx.settings.get(variable)
    ]
    origins += [_of_pypi(ctx, binding, faults) for binding in ctx.bindings.all("pypi")]
    for binding in ctx.bindings.all("pip"):
        text = binding.text("pip.conf")
        where = f"binding {binding.name} (pip)"
        origins.append(_of_pip_conf(ctx, where, "pip.conf", text, _entries(binding), faults))
    if path := ctx.settings.get("PIP_CONFIG_FILE"):
        origins.append(_of_file(ctx, path, faults))
    if len(faults) == 1:
        raise UserFault(faults[0], where=faults[0].partition(": ")[0], remedy=_REMEDY)
    if faults:
        raise UserFault(
            f"{len(faults)} faults in what says where packages come from",
            where=", ".join(dict.fromkeys(fault.partition(": ")[0] for fault in faults)),
            remedy=_REMEDY,
            detail="\n".join(faults),
        )
    return origins


_REMEDY = "correct or remove it; the pip buildpack's README has what each may hold"


def _of_variable(ctx: BuildContext, variable: str, option: str, faults: list[str]) -> Origin:
    origin = Origin(variable)
    value = ctx.settings.get(variable)
    if variable in _ALL:
        value = ":all:" if _switch(value, variable, faults) == "true" else ":none:"
    if option in (*SWITCHES, "cert", "client-cert"):
        values = [value]
    else:
        # Commas: not every platform lets spaces through.
        values = value.replace(",", " ").split()
    origin.add(ctx, option, values, faults)
    return origin


def _of_file(ctx: BuildContext, path: str, faults: list[str]) -> Origin:
    path = os.path.join(ctx.app.root, path)
    if path == os.devnull:  # pip's way of saying "none"
        return Origin("PIP_CONFIG_FILE")
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except (OSError, UnicodeDecodeError) as error:
        faults.append(f"PIP_CONFIG_FILE: cannot read {path}: {error}")
        return Origin("PIP_CONFIG_FILE")
    folder = os.path.dirname(path)
    return _of_pip_conf(
        ctx, "PIP_CONFIG_FILE", path, text, lambda name: os.path.join(folder, name), faults
    )


def _entries(binding: Binding) -> Callable[[str], str]:
    """Finds the files that a binding's pip.conf names: other entries, or absolute paths."""
    return lambda name: binding.file(name) if not os.path.isabs(name) else name


def _of_pip_conf(
    ctx: BuildContext,
    name: str,
    file: str,
    text: str,
    find: Callable[[str], str],
    faults: list[str],
) -> Origin:
    origin = Origin(name)
    options, origin.other, wrong = read_pip_conf(text)
    faults += [f"{name}: {file}:{line}: {what}" for line, what in wrong]
    for option, values in options.items():
        if option in ("cert", "client-cert"):
            values = [find(value) for value in values]
        origin.add(ctx, option, values, faults)
    return origin


def _of_pypi(ctx: BuildContext, binding: Binding, faults: list[str]) -> Origin:
    origin = Origin(f"binding {binding.name} (pypi)")
    url, name = binding.text("url", "").strip(), binding.text("name", "").strip()
    user = binding.text("username", "").strip()
    password = binding.text("password", "") or binding.text("token", "").strip()
    login = Login(user or _TOKEN_USER, password) if password else None
    if user and not password:
        faults.append(f"{origin.name}: it has a username, but neither password nor token")
    if not url and not name:
        faults.append(f"{origin.name}: it has neither url nor the name of one of the app's indexes")
    if password:
        ctx.hide(password)
    if url:
        default = _switch(binding.text("default", "no").strip(), f"{origin.name}: default", faults)
        origin.add(ctx, "index-url" if default == "true" else "extra-index-url", [url], faults)
        bare = split_login(url)[0]
        if login:
            origin.logins[bare] = login
        if name:
            origin.names[bare] = name
    if name and login:
        origin.by_name[name] = login
    return origin


def _switch(value: str, what: str, faults: list[str]) -> str:
    if value.lower() not in (*_YES, *_NO):
        faults.append(f"{what}: {value!r} is neither yes nor no")
    return "true" if value.lower() in _YES else "false"
