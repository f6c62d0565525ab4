"""Logins that come without the address of an index: netrc, and Poetry's."""

from __future__ import annotations

import os

from cnbkit import BuildContext, UserFault
from cnbkit_logins.address import Login, is_address

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cnbkit import Binding

__all__ = ["app_indexes", "netrc_environment", "netrc_login", "poetry_logins", "write_private"]

_NETRC = (".netrc", "netrc")
_TOKEN_USER = "__token__"  # noqa: S105 - a name


def app_indexes(ctx: BuildContext) -> list[tuple[str, str]]:
    """Name and address of every index the app's own files name: uv's, Poetry's, PDM's, Pipenv's.

    A file that cannot be read names none: whoever needs it says so.
    """
    import tomllib

    found: list[tuple[str, str]] = []
    for file, paths in _TABLES.items():
        if not ctx.app.has(file):
            continue
        try:
            document: object = tomllib.loads(ctx.app.text(file))
        except (UserFault, ValueError, RecursionError):
            continue
        for path in paths:
            table: object = document
            for step in path.split("."):
                table = table.get(step) if isinstance(table, dict) else None
            for entry in table if isinstance(table, list) else []:
                name = entry.get("name") if isinstance(entry, dict) else None
                url = entry.get("url") if isinstance(entry, dict) else None
                if isinstance(name, str) and isinstance(url, str) and is_address(url):
                    found.append((name, url))
    return found


_TABLES = {
    "pyproject.toml": ("tool.uv.index", "tool.poetry.source", "tool.pdm.source"),
    "uv.toml": ("index",),
    "Pipfile": ("source",),
}


def poetry_logins(ctx: BuildContext) -> dict[str, Login]:
    """Login by the name of the app's source, from bindings of type `poetry`.

    Raises:
        UserFault: an auth.toml is not TOML, or a login in it not complete.
    """
    found: dict[str, Login] = {}
    for binding in ctx.bindings.all("poetry"):
        import tomllib

        where = f"binding {binding.name} (poetry)"
        try:
            document = tomllib.loads(binding.text("auth.toml"))
        except (ValueError, RecursionError) as error:  # huge numbers, deep nesting
            raise UserFault(
                f"auth.toml of the binding {binding.name} is not TOML: {error}",
                where=where,
                remedy="store Poetry's own auth.toml in it",
            ) from None
        for name, login in _entries(document, binding, where):
            ctx.hide(login.password)
            found.setdefault(name, login)
    return found


def _entries(document: dict[str, object], binding: Binding, where: str) -> list[tuple[str, Login]]:
    found = []
    tokens = document.get("pypi-token", {})
    basics = document.get("http-basic", {})
    for name, token in tokens.items() if isinstance(tokens, dict) else ():
        found.append((name, Login(_TOKEN_USER, str(token))))
    for name, basic in basics.items() if isinstance(basics, dict) else ():
        user = basic.get("username") if isinstance(basic, dict) else None
        password = basic.get("password", "") if isinstance(basic, dict) else None
        if not isinstance(user, str) or not isinstance(password, str):
            raise UserFault(
                f"http-basic.{name} in auth.toml of the binding {binding.name} has no username",
                where=where,
                remedy=f'write [http-basic.{name}] with username = "…" and password = "…"',
            )
        found.append((name, Login(user, password)))
    return found


def netrc_environment(ctx: BuildContext) -> dict[str, str]:
    """Variables that let programs find the netrc of bindings; git has it from HOME alone.

    Raises:
        UserFault: a binding of type `netrc` has none.
    """
    bindings = ctx.bindings.all("netrc")
    if not bindings:
        return {}
    text = "\n".join(_netrc(binding) for binding in bindings) + "\n"
    path = write_private(ctx, "home/.netrc", text)
    return {"NETRC": path, "HOME": os.path.dirname(path)}


def netrc_login(ctx: BuildContext, host: str) -> Login | None:
    """A host's login in the netrc of bindings.

    Raises:
        UserFault: it is faulty; names file and line.
    """
    env = netrc_environment(ctx)
    if not env:
        return None
    import netrc

    try:
        found = netrc.netrc(env["NETRC"]).authenticators(host)
    except netrc.NetrcParseError as error:
        names = ", ".join(binding.name for binding in ctx.bindings.all("netrc"))
        raise UserFault(
            f"the netrc of the binding {names} has a fault near line {error.lineno}",
            where=f"binding {names} (netrc)",
            remedy="write it as: machine HOST login USER password PASSWORD",
        ) from None
    return Login(found[0] or "", found[2] or "") if found else None


def _netrc(binding: Binding) -> str:
    return binding.text(next((key for key in _NETRC if binding.has(key)), _NETRC[0]))


def write_private(ctx: BuildContext, name: str, text: str) -> str:
    """Write a file that only the build's user can read and that no image or cache keeps."""
    private = f"{ctx.scratch}/private"
    path = f"{private}/{name}"
    # One after the other: the mode is for the last of a path alone.
    for folder in (private, os.path.dirname(path)):
        os.makedirs(folder, mode=0o700, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    return path
