"""Service bindings of type `conda` (a .condarc, or an address with a login) and `netrc`."""

from __future__ import annotations

import netrc
import os
import stat

from cnbkit import Binding, BuildContext, UserFault
from cnbkit_conda.address import Login, split_login

__all__ = ["Condarc", "read_bindings"]

_FILES = (".condarc", "condarc")
_NETRC = (".netrc", "netrc")
_FALSE = ("false", "no", "off", "0")
_UNDERSTOOD = (
    *("channels", "channel_alias", "default_channels", "custom_channels"),
    *("custom_multichannels", "ssl_verify"),
)


class Condarc:
    """What all bindings say together; of two that say the same, the first.

    Attributes:
        channels: for environment files that name none.
        alias: the address below which named channels lie; empty for conda's own.
        custom: address below which a channel lies, with the channel's name, by that name.
        multichannels: several channels under one name; `defaults` is one.
        verify: whether certificates are verified.
        authorities: a file of certificates to trust; empty for the usual ones.
        logins: by the address they are for.
        left_out: keys that nothing here understands.
        netrcs: of all bindings of that type.
    """

    def __init__(self) -> None:
        self.channels: list[str] = []
        self.alias = ""
        self.custom: dict[str, str] = {}
        self.multichannels: dict[str, list[str]] = {}
        self.verify = True
        self.authorities = ""
        self.logins: dict[str, Login] = {}
        self.left_out: list[str] = []
        self.netrcs: list[netrc.netrc] = []

    def netrc_login(self, host: str) -> Login | None:
        """The login a netrc has for a host."""
        for each in self.netrcs:
            found = each.authenticators(host)
            if found:
                return Login(found[0] or "", found[2] or "")
        return None


def read_bindings(ctx: BuildContext) -> Condarc:
    """All bindings of type `conda` and `netrc`.

    Raises:
        UserFault: naming everything that is wrong with one.
    """
    found = Condarc()
    found.netrcs = [_read_netrc(ctx, each) for each in ctx.bindings.all("netrc")]
    for binding in ctx.bindings.all("conda"):
        name = next((each for each in _FILES if binding.has(each)), "")
        if name:
            _read_file(found, binding, name)
        else:
            _read_entries(ctx, found, binding)
    return found


def _read_netrc(ctx: BuildContext, binding: Binding) -> netrc.netrc:
    entry = next((each for each in _NETRC if binding.has(each)), _NETRC[0])
    path = _private(ctx, f"netrc-{binding.name}", binding.text(entry) + "\n")
    try:
        return netrc.netrc(path)
    except netrc.NetrcParseError as error:
        raise UserFault(
            f"the netrc of the binding {binding.name} has a fault near line {error.lineno}",
            where=f"binding {binding.name} (netrc)",
            remedy="write it as: machine HOST login USER password PASSWORD",
        ) from None
    finally:
        os.unlink(path)


def _read_entries(ctx: BuildContext, found: Condarc, binding: Binding) -> None:
    """`url`, with `username` and `password` or with `token`."""
    url, login = split_login(binding.text("url"))
    if binding.has("token"):
        login = Login("", binding.text("token"))
    elif binding.has("password"):
        login = Login(binding.text("username", ""), binding.text("password"))
    if login:
        ctx.hide(login.password)
        found.logins.setdefault(url.rstrip("/"), login)
    if "://" not in url:
        raise UserFault(
            f"the url of the binding {binding.name} is {url!r}",
            where=f"binding {binding.name} (conda)",
            remedy="write an address, such as https://host/channel",
        )


def _read_file(found: Condarc, binding: Binding, name: str) -> None:
    from cnbkit_conda import yaml_text

    faults: yaml_text.Faults = []
    text = binding.text(name)
    root = yaml_text.mapping(yaml_text.document(text, faults), name, faults)

    def one(key: str) -> str:
        node = root.get(key)
        value = getattr(node, "value", "")
        return value if isinstance(value, str) else ""

    def many(key: str) -> list[str]:
        return [item for _, item in yaml_text.texts(root.get(key), key, faults)]

    found.channels += many("channels")
    found.alias = found.alias or one("channel_alias")
    if default := many("default_channels"):
        found.multichannels.setdefault("defaults", default)
    for channel, node in yaml_text.mapping(
        root.get("custom_channels"), "custom_channels", faults
    ).items():
        if isinstance(node.value, str):
            found.custom.setdefault(channel, f"{node.value.rstrip('/')}/{channel}")
    for channel, node in yaml_text.mapping(
        root.get("custom_multichannels"), "custom_multichannels", faults
    ).items():
        names = [item for _, item in yaml_text.texts(node, channel, faults)]
        found.multichannels.setdefault(channel, names)
    verify = one("ssl_verify")
    if verify.lower() in _FALSE:
        found.verify = False
    elif verify.startswith("/"):
        found.authorities = verify
    found.left_out += [key for key in root if key not in _UNDERSTOOD]
    if faults:
        raise UserFault.of(
            f"{name} of the binding {binding.name}", faults, remedy="write it as conda's .condarc"
        )


def _private(ctx: BuildContext, name: str, text: str) -> str:
    """A file that only the build's user can read and that no image or cache keeps."""
    path = f"{ctx.scratch}/{name}"
    if os.path.exists(path):
        os.unlink(path)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, stat.S_IRUSR | stat.S_IWUSR)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    return path
