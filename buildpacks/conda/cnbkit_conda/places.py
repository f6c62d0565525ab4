"""Channels: what they are called, where they are fetched from, and who asks.

Two addresses for each: its own, which locks, logs and the image have, and the one that is asked:
a mirror, a folder of the app, or the same with a token in it.
"""

from __future__ import annotations

import os

from cnbkit import BuildContext, UserFault
from cnbkit_conda.address import Login, is_address, public, split_login
from cnbkit_conda.config import CHANNELS, MIRROR

__all__ = ["Place", "Places", "channel_names", "public_digests", "vendored"]

_TYPES = ("conda", "netrc")
_VENDOR = "vendor"
_DEFAULTS = "defaults"
_ARCHIVES = (".conda", ".tar.bz2")


class Place:
    """A channel.

    Attributes:
        name: as it was called.
        url: its own address, without logins; ends with a slash.
        location: where it is fetched from; ends with a slash.
    """

    __slots__ = ("location", "name", "url")

    def __init__(self, name: str, url: str, location: str) -> None:
        self.name = name
        self.url = url
        self.location = location

    def __str__(self) -> str:
        where = public(self.location)
        return self.name if where == self.url else f"{self.name} from {where.rstrip('/')}"


class Places:
    """All that is known of channels.

    Args:
        ctx: the build.
        alias: the address below which named channels lie.

    Attributes:
        public: the same, without a slash at its end.
        logins: who asks, by address.
        rc: what .condarc says.
    """

    def __init__(self, ctx: BuildContext, alias: str) -> None:
        from cnbkit_conda.condarc import read_bindings

        self._ctx = ctx
        self.rc = read_bindings(ctx)
        self.public = alias.rstrip("/")
        self.logins: dict[str, Login] = dict(self.rc.logins)
        self._mirrors = _mirrors(ctx.settings.get(MIRROR))
        self._seen: dict[str, Place] = {}
        for url in (*self._mirrors.values(), self.rc.alias, *self.rc.custom.values()):
            self._learn(url)
        self._vendor = ""
        if vendored(ctx):
            from cnbkit_conda.offline import offline_channel

            self._vendor = offline_channel(ctx, _VENDOR)
        for name in (*self.rc.custom, *channel_names(ctx)):
            self.channels(name)

    def learn(self, text: str) -> None:
        """Take the channels that are named by address in the app's file, with their logins."""
        for word in "".join(" " if each in "\"',[]" else each for each in text).split():
            if "://" in word and is_address(word):
                url = word.partition("#")[0].partition("::")[0]
                self.channel(url.rsplit("/", 2)[0] if url.endswith(_ARCHIVES) else url)

    @property
    def offline(self) -> Place | None:
        """The app's own channel; with it no other is asked."""
        if not self._vendor:
            return None
        place = Place(_VENDOR, f"file://{self._ctx.app.root}/{_VENDOR}/", f"{self._vendor}/")
        return self._seen.setdefault(place.location, place)

    def channel(self, name: str) -> Place:
        """A channel as users name it: a name, an address, or a path."""
        if self.offline:
            return self.offline
        name = _filled(name, self._ctx)
        if "://" in name:
            place = self._of_address(name)
        elif name.startswith((".", "/")):
            url = f"file://{os.path.normpath(os.path.join(self._ctx.app.root, name))}/"
            place = Place(name, url, url)
        else:
            place = self._of_name(name)
        return self._seen.setdefault(place.location, place)

    def channels(self, name: str) -> list[Place]:
        """The channels a name stands for: `defaults` and condarc's own ones may be several."""
        if name in self.rc.multichannels and not self.offline:
            return [self.channel(each) for each in self.rc.multichannels[name]]
        return [self.channel(name)]

    def known(self, name: str) -> bool:
        """Whether a name stands for channels; `defaults` does only if somebody says for which."""
        return name != _DEFAULTS or _DEFAULTS in self.rc.multichannels or bool(self.offline)

    def location(self, url: str) -> str:
        """Where a package is fetched from."""
        url = self._learn(url)
        if self._vendor and "://" in url:
            subdir, _, file = url.rpartition("/")
            return f"{self._vendor}/{subdir.rpartition('/')[2]}/{file}"
        for place in self._seen.values():
            if url.startswith(place.url):
                return place.location + url.removeprefix(place.url)
        below = f"{self.public}/"
        if url.startswith(below):
            channel = url.removeprefix(below).rsplit("/", 2)[0]
            place = self.channel(channel)
            return place.location + url.removeprefix(place.url)
        return url

    def own(self, url: str) -> str:
        """The address of a package, or of a channel, without mirror, login and token."""
        for place in self._seen.values():
            if url.startswith(place.location):
                return place.url + url.removeprefix(place.location)
        return public(url)

    def called(self, text: str) -> Place | None:
        """The channel whose location stands in a text."""
        return next((each for each in self._seen.values() if each.location in text), None)

    def login(self, host: str, path: str) -> Login | None:
        """Who asks for something."""
        found = [
            (len(prefix), login)
            for prefix, login in self.logins.items()
            if _below(host, path, prefix)
        ]
        if found:
            return max(found, key=lambda each: each[0])[1]
        return self.rc.netrc_login(host.partition(":")[0])

    def _of_address(self, name: str) -> Place:
        location = f"{self._learn(name).rstrip('/')}/"
        url = public(location)
        if url.startswith(f"{self.public}/") and location == url:
            mirrored = self._of_name(url.removeprefix(f"{self.public}/").rstrip("/"))
            return Place(name.rstrip("/"), url, mirrored.location)
        return Place(url.rstrip("/"), url, location)

    def _of_name(self, name: str) -> Place:
        first, slash, rest = name.partition("/")
        rest = f"{slash}{rest}/"
        if first in self.rc.custom:
            location = f"{self._learn(self.rc.custom[first])}{rest}"
            own = public(location)
        else:
            alias = self._learn(self.rc.alias) or self.public
            location = f"{alias}/{first}{rest}"
            own = public(location)
        if first in self._mirrors:
            location = f"{self._learn(self._mirrors[first])}{rest}"
        elif "" in self._mirrors and first not in self.rc.custom:
            location = f"{self._learn(self._mirrors[''])}/{first}{rest}"
        return Place(name, own, location)

    def _learn(self, url: str) -> str:
        """The address without login, which is remembered."""
        bare, login = split_login(url)
        if login:
            self._ctx.hide(url)
            self._ctx.hide(login.password)
            self.logins[bare.rstrip("/")] = login
        token = bare.partition("/t/")[2].partition("/")[0]
        if token and public(bare) != bare:
            self._ctx.hide(token)
        return bare.rstrip("/") if bare else ""


def vendored(ctx: BuildContext) -> list[str]:
    """Packages in the app's own channel, `subdir/file`, sorted; none if there is no such."""
    found = []
    for subdir in ("linux-64", "linux-aarch64", "noarch"):
        folder = f"{ctx.app.root}/{_VENDOR}/{subdir}"
        names = os.listdir(folder) if os.path.isdir(folder) else []
        found += [f"{subdir}/{name}" for name in sorted(names) if name.endswith(_ARCHIVES)]
    return found


def channel_names(ctx: BuildContext) -> list[str]:
    """Channels that a setting names in place of the environment file's."""
    return ctx.settings.get(CHANNELS).replace(",", " ").split()


def public_digests(ctx: BuildContext) -> list[str]:
    """What a solution depends on besides the input, for the layer's key.

    No password or token, nor anything made of one, is in it. Mirrors have the same packages.
    """
    found = [public(name) for name in channel_names(ctx)]
    for binding in ctx.bindings.all("conda"):
        import hashlib

        for entry in (".condarc", "condarc", "url", "name"):
            if binding.has(entry):
                digest = hashlib.sha256(public(binding.text(entry)).encode()).hexdigest()[:24]
                found.append(f"binding {binding.name} {entry} #{digest}")
    if files := vendored(ctx):
        import hashlib

        digest = hashlib.sha256("\0".join(files).encode(errors="surrogateescape")).hexdigest()
        found.append(f"{_VENDOR}/ #{digest[:24]}")
    return found


def _mirrors(setting: str) -> dict[str, str]:
    """Address by channel; that of all others under the empty name."""
    found = {}
    for word in setting.replace(",", " ").split():
        name, colon, rest = word.partition(":")
        if colon and not rest.startswith("//") and "://" in rest:
            found[name] = rest.rstrip("/")
        elif "://" in word:
            found[""] = word.rstrip("/")
        else:
            raise UserFault(
                f"{public(word)!r} is not an address of a mirror",
                where=MIRROR,
                remedy="write https://host/path, below which all channels lie, or "
                "conda-forge:https://host/path for one",
            )
    return found


def _below(host: str, path: str, prefix: str) -> bool:
    place = prefix.partition("://")[2]
    at, _, below = place.partition("/")
    # The callback of rattler gives a host without its port.
    return at.partition(":")[0] == host.partition(":")[0] and (
        not below or f"{path}/".startswith(f"/{below.rstrip('/')}/")
    )


def _filled(text: str, ctx: BuildContext) -> str:
    """`$NAME` and `${NAME}` replaced, as conda does in the names of channels."""
    if "$" not in text:
        return text
    from string import Template

    values = {
        name: ctx.settings.get(name) for name in ctx.settings.names("") if ctx.settings.get(name)
    }
    return Template(text).safe_substitute(values)
