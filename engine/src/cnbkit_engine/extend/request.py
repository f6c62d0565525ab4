"""What image extensions have asked for: their Dockerfiles, arguments and contexts."""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cnbkit.errors import BuildpackFault
from cnbkit_engine.state.beneath import Folder, Unfit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path
    from typing import Literal

    Kind = Literal["build", "run"]

__all__ = ["Request", "files_below", "requests"]

_LIMIT = 4 << 20
# What documents of any other shape lead to.
_WRONG = (ValueError, TypeError, KeyError, AttributeError, RecursionError)
_DEEPEST = 64


@dataclass(frozen=True)
class Request:
    """What one extension wants of one image.

    Args:
        extension: its id.
        kind: `build` or `run`.
        dockerfile: the text.
        args: values of its ARGs.
        context: the folder that COPY takes from.
    """

    extension: str
    kind: Kind
    dockerfile: str
    args: Mapping[str, str]
    context: Path

    @property
    def where(self) -> str:
        """How it is called in messages."""
        return f"{self.extension}: {self.kind}.Dockerfile"

    def digest(self) -> str:
        """Changes with all that counts, the files of a context that is its own included."""
        total = hashlib.sha256(f"{self.extension}\0{self.dockerfile}".encode())
        for name, value in sorted(self.args.items()):
            total.update(f"\0{name}={value}".encode())
        if "COPY" in self.dockerfile.upper() or "ADD" in self.dockerfile.upper():
            for path, mode, content in files_below(self.context):
                size = "" if content is None else len(content)
                total.update(f"\0{path}\0{mode:o}\0{size}\0".encode() + (content or b""))
        return total.hexdigest()


def requests(generated: Path, extensions: Sequence[str], kind: Kind, app: Path) -> list[Request]:
    """Read what the generator left.

    Build code ran where these files were written, so nothing is followed and little is believed.

    Args:
        generated: what was `/layers/generated`.
        extensions: ids, in the order in which they apply.
        kind: for which image.
        app: what an extension without a context of its own may copy.

    Raises:
        BuildpackFault: there is something else in a file's place.
    """
    found = []
    for each in extensions:
        folder = each.replace("/", "_")
        with Folder(generated) as top:
            if not top.is_folder(folder):
                continue
            name = f"{folder}/{kind}.Dockerfile"
            if not top.is_file(name):
                continue
            try:
                text = top.read(name, _LIMIT).decode()
                config = f"{folder}/extend-config.toml"
                table = (
                    tomllib.loads(top.read(config, _LIMIT).decode()) if top.is_file(config) else {}
                )
                args = _args(table, kind)
            except (Unfit, OSError, *_WRONG) as error:
                raise BuildpackFault(
                    f"what the extension {each} left cannot be read",
                    where=name,
                    remedy="see what the extension writes",
                    detail=str(error),
                ) from None
            contexts = (f"{folder}/context.{kind}", f"{folder}/context")
            own = next((c for c in contexts if top.is_folder(c)), "")
        found.append(Request(each, kind, text, args, generated / own if own else app))
    return found


def _args(table: Mapping[str, Any], kind: str) -> dict[str, str]:
    found = {}
    for each in table.get(kind, {}).get("args", []):
        if not isinstance(each["name"], str) or not isinstance(each["value"], str):
            raise TypeError("an argument is not text")
        found[each["name"]] = each["value"]
    return found


def files_below(top: Path, start: str = "") -> Iterator[tuple[str, int, bytes | None]]:
    """What is in a folder: path, mode, contents, which are None for a folder.

    Links and the like are left out.
    """
    with Folder(top) as folder:
        todo = [start]
        while todo:
            place = todo.pop()
            if place.count("/") > _DEEPEST:
                continue
            with folder.folder(place) if place else Folder(top) as here:
                names = here.names()
            for name in names:
                path = f"{place}/{name}" if place else name
                if folder.is_folder(path):
                    todo.append(path)
                    yield path, folder.status(path).st_mode & 0o777, None
                elif folder.is_file(path):
                    yield path, folder.status(path).st_mode & 0o777, folder.read(path, 1 << 30)
