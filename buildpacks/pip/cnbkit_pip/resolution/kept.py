"""The last resolution: its versions stay, but for the packages whose lines have changed."""

from __future__ import annotations

import hashlib
import json
import os
import tomllib

from cnbkit_exposed import without_logins
from cnbkit_python_inputs.requirements import normalised

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cnbkit_pip.engines.engine import Wanted

__all__ = ["KEPT", "Kept"]

# What engines keep of a resolution: the lock, pip-compile's own form of it, the one for the
# hardware.
_FILES = ("pylock.toml", "requirements.lock", "pylock.hardware.toml")
_LINES = "lines.json"
_REFRESH = "refresh"
KEPT = (*_FILES, _LINES, _REFRESH)
"""Names of all files that are kept of a resolution."""
_SHOWN = 4


class Kept:
    """What the lock's layer has of the last resolution.

    Args:
        directory: the layer's.
        refresh: BP_PIP_REFRESH; another value than last time forgets all of it.

    Attributes:
        path: of the pylock.toml, which may not be there.
    """

    def __init__(self, directory: str, refresh: str) -> None:
        self._directory = directory
        self.path = f"{directory}/{_FILES[0]}"
        word = f"{directory}/{_REFRESH}"
        if _read(word) != refresh:
            for name in (*_FILES, _LINES):
                if os.path.exists(f"{directory}/{name}"):
                    os.unlink(f"{directory}/{name}")
        with open(word, "w", encoding="utf-8") as file:
            file.write(refresh)
        self.versions = self._versions()

    def renewed(self, wanted: Wanted) -> list[str]:
        """Packages of the last resolution that a changed, new or removed line names; sorted."""
        before: dict[str, list[str]] = json.loads(_read(f"{self._directory}/{_LINES}") or "{}")
        if not before:
            return []
        now = _lines(wanted)
        changed = before.keys() ^ now.keys()
        names = {name for line in changed for name in (before.get(line) or now.get(line) or [])}
        return sorted(names & self.versions.keys())

    def remember(self, wanted: Wanted) -> None:
        """What this resolution was made of. No line itself: there may be passwords in some."""
        with open(f"{self._directory}/{_LINES}", "w", encoding="utf-8") as file:
            json.dump(_lines(wanted), file)

    def without_logins(self) -> None:
        """What is kept for the next build has no password: the cache is not the place for one."""
        for name in _FILES:
            text = _read(f"{self._directory}/{name}")
            plain = without_logins(text)
            if plain != text:
                with open(f"{self._directory}/{name}", "w", encoding="utf-8") as file:
                    file.write(plain)

    def describe(self, renewed: list[str]) -> str:
        """What was kept and what not, for the log; empty for a first resolution."""
        if not self.versions:
            return ""
        now = self._versions()
        kept = [
            f"{name} {version}"
            for name, version in now.items()
            if self.versions.get(name) == version and name not in renewed
        ]
        more = f" and {len(kept) - _SHOWN} more" if len(kept) > _SHOWN else ""
        texts = [f"Kept from the last build: {', '.join(kept[:_SHOWN])}{more}"] if kept else []
        anew = [_change(name, self.versions.get(name, ""), now.get(name, "")) for name in renewed]
        if anew:
            texts.append(f"{'r' if texts else 'R'}esolved anew: {', '.join(anew)}")
        return f"{'; '.join(texts)} (BP_PIP_REFRESH=<new value> resolves all again)"

    def _versions(self) -> dict[str, str]:
        try:
            document: dict[str, Any] = tomllib.loads(_read(self.path))
        except tomllib.TOMLDecodeError:
            return {}
        packages = document.get("packages", [])
        return {
            normalised(each["name"]): str(each["version"]) for each in packages if "version" in each
        }


def _change(name: str, before: str, now: str) -> str:
    if not now:
        return f"{name} is gone"
    return f"{name} {now}" if before == now else f"{name} {before} → {now}"


def _lines(wanted: Wanted) -> dict[str, list[str]]:
    """Digest of each line → the names in it that may be packages'."""
    return {
        hashlib.sha256(line.encode()).hexdigest()[:16]: _names(without_logins(line))
        for line in wanted.declared_lines()
    }


def _names(line: str) -> list[str]:
    kept = "".join(char if char.isalnum() or char in "-_." else " " for char in line)
    return sorted({normalised(word.strip("-_.")) for word in kept.split()} - {""})


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except OSError:
        return ""
