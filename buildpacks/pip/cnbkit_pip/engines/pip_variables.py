"""Sources of packages as pip takes them: a configuration file that only the build can read."""

from __future__ import annotations

from cnbkit import UserFault
from cnbkit_indexes.logins import netrc_environment, write_private
from cnbkit_indexes.pip_conf import OPTIONS, write_pip_conf
from cnbkit_indexes.sources import Index, Sources
from cnbkit_logins.address import split_login, with_login

__all__ = ["pip_variables"]

_SINGLE = ("client-cert", "timeout", "retries", "no-index", "pre")
_BEST = "unsafe-best-match"


def pip_variables(sources: Sources) -> dict[str, str]:
    """Write the file, and say where it is; nothing if nothing is said of any source.

    Raises:
        UserFault: there are several indexes, and nobody has agreed to pip's taking the
            highest version of any; or a binding's file is faulty.
    """
    if not sources:
        return {}
    if sources.extra and sources.strategy != _BEST and sources.value("no-index") != "true":
        raise UserFault(
            "pip takes the highest version any index has, so that a stranger's package can "
            "pass for yours",
            where=", ".join(dict.fromkeys(each.origin for each in sources.extra)),
            remedy="install with uv, name a single index that has everything, or accept it "
            f"with BP_PIP_INDEX_STRATEGY={_BEST}",
        )
    options = {option: sources.values(option) for option in OPTIONS}
    options.update({option: options[option][:1] for option in _SINGLE})
    options["cert"] = [cert] if (cert := sources.certificates()) else []
    options["index-url"] = [_full(sources, sources.default)] if sources.default else []
    options["extra-index-url"] = [_full(sources, each) for each in sources.extra]
    options["find-links"] = [
        with_login(each, sources.login_at(each)) for each in options["find-links"]
    ]
    # Passwords are percent-encoded in an address, and a part of it may be printed.
    for address in (value for values in options.values() for value in values):
        if split_login(address)[1]:
            sources.ctx.hide(address)
    env = netrc_environment(sources.ctx)
    env["PIP_CONFIG_FILE"] = write_private(sources.ctx, "pip.conf", write_pip_conf(options))
    # Variables go before the file in pip; what they say is in it.
    for name in sources.names:
        option = name.removeprefix("PIP_").lower().replace("_", "-")
        if name.startswith("PIP_") and option in (*OPTIONS, "default-timeout"):
            env[name] = ""
    return env


def _full(sources: Sources, index: Index) -> str:
    return with_login(index.url, index.login or sources.credentials_for(index.url))
