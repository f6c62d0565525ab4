"""Sources of packages as uv takes them: variables, no arguments, which others could read."""

from __future__ import annotations

from cnbkit_indexes.logins import app_indexes, netrc_environment
from cnbkit_indexes.sources import Index, Sources, unique
from cnbkit_logins.address import Login, split_login, with_login

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cnbkit_pip.engines.file_options import FileOptions

__all__ = ["login_variables", "only_index", "uv_arguments", "uv_variables"]

# pip's option → uv's variable.
_OPTIONS = {
    "trusted-host": "UV_INSECURE_HOST",
    "client-cert": "SSL_CLIENT_CERT",
    "timeout": "UV_HTTP_TIMEOUT",
    "retries": "UV_HTTP_RETRIES",
    "constraint": "UV_CONSTRAINT",
}
_SINGLE = ("client-cert", "timeout", "retries")
# What replaces these has been read from them.
_OLD = ("UV_INDEX_URL", "UV_EXTRA_INDEX_URL")


def uv_variables(sources: Sources, indexes: Sequence[str] = ()) -> dict[str, str]:
    """All of uv's variables for these sources; none if nothing is said of any.

    Args:
        sources: where packages come from.
        indexes: addresses that a lock names; asked after the sources' own extra indexes.

    Raises:
        UserFault: a binding's file is faulty.
    """
    if not indexes and not sources:
        return {}
    env = netrc_environment(sources.ctx)
    env.update(dict.fromkeys((name for name in _OLD if name in sources.names), ""))
    extra = [*sources.extra, *_further(sources, indexes)]
    if sources.default:
        env["UV_DEFAULT_INDEX"] = f"{sources.default.name}={sources.default.url}"
    if extra:
        env["UV_INDEX"] = " ".join(f"{each.name}={each.url}" for each in extra)
    for index in [*extra, *([sources.default] if sources.default else [])]:
        login = index.login or sources.credentials_for(index.url)
        env.update(login_variables(index.name, login))
    for name, url in app_indexes(sources.ctx):
        env.update(login_variables(name, sources.credentials_for(url)))
    env["UV_INDEX_STRATEGY"] = sources.strategy
    env.update(_options(sources))
    return env


def uv_arguments(sources: Sources, options: FileOptions, command: str) -> list[str]:
    """What `uv pip` takes by arguments alone; its variables for these are those of `uv sync`.

    Args:
        sources: where packages come from.
        options: what requirements files say besides.
        command: `compile` or `install`.
    """
    found = []
    if sources.value("no-index") == "true" or options.has("no-index"):
        found.append("--no-index")
    for links in options.values.get("find-links", []):
        found += ["--find-links", links]
    for name, setting in options.build_settings:
        found += ["--config-settings-package", f"{name}:{setting}"]
    if command == "compile":
        # What is to be installed has been chosen by these.
        for option in ("no-binary", "only-binary"):
            for name in formats(sources, options, option):
                found += [f"--{option}", name]
    return found


def formats(sources: Sources, options: FileOptions, option: str) -> list[str]:
    """The packages that `no-binary` or `only-binary` names, as pip reads them.

    `:none:` empties what stands before it; a name and `:all:` are kept as they are.
    """
    words = [word for value in sources.values(option) for word in value.split(",")]
    found: list[str] = []
    for word in [*words, *options.formats(option)]:
        found = [] if word == ":none:" else [*found, *([word] if word else [])]
    return found


def only_index(sources: Sources, index: str) -> dict[str, str]:
    """Variables that make uv ask one index alone, on top of `uv_variables`.

    Args:
        sources: have its login.
        index: its address, as a lock names it.

    Raises:
        UserFault: a binding's file is faulty.
    """
    login = login_variables("cnbkit-only", sources.credentials_for(index))
    only = f"cnbkit-only={split_login(index)[0]}"
    return {"UV_DEFAULT_INDEX": only, "UV_INDEX": "", **login}


def _further(sources: Sources, urls: Sequence[str]) -> Iterator[Index]:
    known = sources.indexes()
    seen = {each.url.rstrip("/") for each in known}
    taken = {each.name for each in known}
    for url in urls:
        bare = split_login(url)[0]
        if bare.rstrip("/") not in seen:
            seen.add(bare.rstrip("/"))
            name = unique("cnbkit-lock", taken)
            yield Index(bare, "lock", name, sources.credentials_for(url))


def _options(sources: Sources) -> Iterator[tuple[str, str]]:
    """The rest, but for what the user has set as uv's variables."""
    if links := sources.values("find-links"):
        full = (with_login(each, sources.login_at(each)) for each in links)
        yield "UV_FIND_LINKS", ",".join(full)
    if cert := sources.certificates():
        yield "SSL_CERT_FILE", cert
    if sources.value("pre") == "true" and "UV_PRERELEASE" not in sources.names:
        yield "UV_PRERELEASE", "allow"
    for option, variable in _OPTIONS.items():
        values = sources.values(option)
        if not values or variable in sources.names:
            continue
        yield variable, values[0] if option in _SINGLE else " ".join(values)


def login_variables(index: str, login: Login | None) -> dict[str, str]:
    """The variables uv takes the login of a named index from."""
    if login is None:
        return {}
    name = "".join(char if char.isalnum() else "_" for char in index.upper())
    return {f"UV_INDEX_{name}_USERNAME": login.user, f"UV_INDEX_{name}_PASSWORD": login.password}
