"""Builds that would make the image that is there: answered without running the lifecycle.

What an image was made of is recorded as a digest (`build.inputs`) beside its cache, which no build
code can write to. It is settled before any of it runs, and recorded only if the app's files were
the same before and after they were copied, and if every buildpack of the build said that its
inputs alone decide what it makes (`Buildpack.repeatable`).

The next build with the same digest is answered by the image, if its name still stands for that
image and nothing of it is missing. So the worst that a false claim of a build's own code can do is
that its own image, with what it has put there, stays until an input changes.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from cnbkit.errors import CnbkitError
from cnbkit_engine.build.file_states import FileStates

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cnbkit_engine.build.request import BuildRequest
    from cnbkit_engine.oci.store import ImageStore

__all__ = ["Record", "stands"]

_FILE = "inputs.json"


class Record:
    """What the last image of an app was made of.

    Args:
        cache: the app's.
        digest: the inputs of the build that is to begin, by the files' states; `inputs_digest`
            with all but its `states`.
    """

    def __init__(self, cache: Path, digest: Callable[[FileStates], str]) -> None:
        self._path = cache / _FILE
        self._digest = digest
        self._last = _read(self._path)
        self._states = FileStates(
            {place: (pair[0], pair[1]) for place, pair in self._last.get("files", {}).items()}
        )
        self.inputs = digest(self._states)

    @property
    def image(self) -> str:
        """The digest of the image that was made of the same; empty if there is none."""
        same = bool(self.inputs) and self._last.get("inputs") == self.inputs
        return str(self._last.get("image", "")) if same else ""

    def unchanged_since(self) -> bool:
        """Whether the inputs are now what they were when this was made."""
        self._states = FileStates(self._states.known)
        return bool(self.inputs) and self._digest(self._states) == self.inputs

    def keep(self, image: str) -> None:
        """Record that an image has been made of them."""
        document = {"inputs": self.inputs, "image": image, "files": self._states.known}
        new = self._path.with_suffix(".new")
        try:
            new.write_text(json.dumps(document), encoding="utf-8")
            new.replace(self._path)
        except (OSError, UnicodeError):
            self.forget()  # the next build runs, which it may do at any time

    def forget(self) -> None:
        """Let the next build run."""
        self._path.unlink(missing_ok=True)


def stands(request: BuildRequest, store: ImageStore, name: str, image: str, arch: str) -> bool:
    """Whether an image is still what its name, or names, stand for, with all its blobs.

    Args:
        request: what was built.
        store: has the image if it is not published.
        name: of the image in the store.
        image: its digest.
        arch: what it is for.
    """
    try:
        if not request.publish:
            found = store.resolve(name)
            return found.digest == image and not store.damage(found)
        from cnbkit_engine.oci.remote import Remote

        remotes = [
            Remote(each, insecure=request.insecure_registries)
            for each in (request.name, *request.tags)
        ]
        return all(each.digest() == image for each in remotes) and not remotes[0].damage(arch)
    except CnbkitError:
        return False  # the lifecycle says what is wrong


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
