"""One service binding: a folder of small files."""

from __future__ import annotations

import os

from cnbkit.errors import UserFault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cnbkit.redact import Secrets

__all__ = ["PUBLIC", "Binding", "entries"]

# Entries that are not secrets: hiding them would only make the log hard to read.
PUBLIC = (
    *("type", "provider", "kind", "tags", "host", "port", "database", "name", "user", "username"),
    *("repository", "region", "ca.crt", "tls.crt"),
)
_PUBLIC_TYPES = ("ca-certificates", "dependency-mapping", "labels", "osv", "policy")
# Secret in these are logins of addresses alone; the rest says where packages come from.
_ADDRESSES = ("pip.conf",)


class Binding:
    """One binding. Its values never appear in `repr`.

    Attributes:
        name: its directory's name.
        path: its directory; empty for one of `VCAP_SERVICES`.
        type: what it is for, like `pypi`; empty if it does not say.
        provider: who issued it; empty if it does not say.
    """

    def __init__(self, path: str) -> None:
        self.name = os.path.basename(path)
        self.path = path
        self._files = {**_files(f"{path}/metadata"), **_files(f"{path}/secret"), **_files(path)}
        self.type = self.provider = ""
        self.type = self._meta("type" if self.has("type") else "kind")
        self.provider = self._meta("provider")

    def _meta(self, key: str) -> str:
        # One that cannot be read matches nothing; it must not stop a build that never asks.
        try:
            return self.text(key, "").strip(" \t\n\r\v\f")
        except UserFault:
            return ""

    def __repr__(self) -> str:
        return f"Binding({self.name!r}, type={self.type!r}, keys={self.keys()!r})"

    def keys(self) -> list[str]:
        """Names of its entries, sorted; without type and provider."""
        return sorted(self._files.keys() - {"type", "kind", "provider"})

    def has(self, key: str) -> bool:
        """Whether it has that entry."""
        return key in self._files

    def file(self, key: str) -> str:
        """The path of an entry's file, for tools that read it themselves.

        Raises:
            UserFault: there is no such entry.
        """
        if key not in self._files:
            raise UserFault(
                f"the binding {self.name} has no {key}",
                where=f"binding {self.name} ({self.type})",
                remedy=f"add {key} to it; it has {', '.join(self.keys()) or 'nothing'}",
            )
        return self._files[key]

    def bytes(self, key: str) -> bytes:
        """An entry as it is.

        Raises:
            UserFault: there is no such entry, or it cannot be read.
        """
        try:
            with open(self.file(key), "rb") as file:
                return file.read()
        except OSError as error:
            raise UserFault(
                f"cannot read {key} of the binding {self.name}: {error.strerror}",
                where=self._files[key],
                remedy="let the build's user read it",
            ) from None

    def text(self, key: str, default: str | None = None) -> str:
        """An entry as text without line breaks at its end.

        Args:
            key: its name.
            default: the answer if there is no such entry; a fault without it.

        Raises:
            UserFault: there is no such entry, it cannot be read or is not UTF-8.
        """
        if default is not None and key not in self._files:
            return default
        try:
            return self.bytes(key).decode().rstrip("\r\n")
        except UnicodeDecodeError:
            raise UserFault(
                f"{key} of the binding {self.name} is not UTF-8",
                where=f"binding {self.name} ({self.type})",
                remedy="store it as UTF-8 text",
            ) from None

    def hide(self, secrets: Secrets) -> None:
        """Add its secrets to those that are not shown from now on."""
        if self.type.lower() in _PUBLIC_TYPES:
            return
        for key in self.keys():
            if key.lower() in PUBLIC:
                continue
            for text in self._secret_texts(key):
                secrets.hide_within(text)

    def _secret_texts(self, key: str) -> list[str]:
        try:
            # As the output of programs is read, too.
            text = self.bytes(key).decode("utf-8", errors="replace")
        except UserFault:
            return []
        if key.lower() not in _ADDRESSES:
            return [text]
        from cnbkit.redact import passwords

        return passwords(text)


def entries(directory: str) -> list[str]:
    """Entries but `..data` and the like, Kubernetes's own for switching all files at once."""
    try:
        return sorted(entry for entry in os.listdir(directory) if not entry.startswith(".."))
    except OSError:
        return []


def _files(directory: str) -> dict[str, str]:
    paths = {entry: f"{directory}/{entry}" for entry in entries(directory)}
    return {entry: path for entry, path in paths.items() if os.path.isfile(path)}
