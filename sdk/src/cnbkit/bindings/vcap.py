"""Service bindings as Cloud Foundry hands them over: JSON in the variable VCAP_SERVICES."""

from __future__ import annotations

import json

from cnbkit.bindings.binding import PUBLIC, Binding

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

__all__ = ["read_vcap"]


class _Service(Binding):
    """One service. Its entries become files only if somebody asks for a path."""

    def __init__(self, name: str, type_: str, provider: str, credentials: dict[str, Any]) -> None:
        self.name = name
        self.path = ""
        self.type = type_
        self.provider = provider
        self._values = {
            key: value if isinstance(value, str) else json.dumps(value)
            for key, value in credentials.items()
        }
        self._files = dict.fromkeys(self._values, "")
        self._leaves = {key: list(_texts(value)) for key, value in credentials.items()}

    def file(self, key: str) -> str:
        path = super().file(key)
        if not path:
            import os
            import shutil
            import tempfile
            import weakref

            if not self.path:
                self.path = tempfile.mkdtemp(prefix="binding-")
                # With the binding, at the latest when the phase ends: it holds a credential.
                weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)
            # The name comes from outside, and may be that of no file.
            name = "".join(char for char in key if char.isalnum() or char in "-_.")[-40:]
            handle, path = tempfile.mkstemp(suffix=f"-{name}", dir=self.path)
            with os.fdopen(handle, "wb") as file:
                file.write(self.bytes(key))
            self._files[key] = path
        return path

    def bytes(self, key: str) -> bytes:
        super().file(key)  # says so if there is none
        return self._values[key].encode(errors="surrogatepass")

    def _secret_texts(self, key: str) -> list[str]:
        return self._leaves[key]


def read_vcap(text: str) -> list[Binding]:
    """The services named in the variable; none if it is not what it should be.

    As packit reads it: the provider is the service's key, the type its label, unless the
    credentials have a `type` of their own.
    """
    try:
        table = json.loads(text)
    except (ValueError, RecursionError):
        return []
    return list(_services(table)) if isinstance(table, dict) else []


def _services(table: dict[str, Any]) -> Iterator[Binding]:
    for provider, services in table.items():
        for each in services if isinstance(services, list) else ():
            if not isinstance(each, dict):
                continue
            name, label = each.get("name"), each.get("label")
            credentials = each.get("credentials")
            if isinstance(name, str) and isinstance(credentials, dict):
                own = credentials.get("type")
                type_ = own if isinstance(own, str) else label if isinstance(label, str) else ""
                yield _Service(name, type_.strip(), provider, credentials)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, each in value.items():
            if key.lower() not in PUBLIC:
                yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)
