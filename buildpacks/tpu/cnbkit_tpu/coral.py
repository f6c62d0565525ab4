"""The Edge TPU's library, from wherever the user has it: Google's own place is no longer kept up.

Which build is right depends on the TensorFlow Lite that loads it, so no address is built in.
"""

from __future__ import annotations

import hashlib
import os

from cnbkit import Dependency, UserFault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cnbkit import BuildContext

__all__ = ["SETTING", "Source", "find"]

SETTING = "BP_CORAL_RUNTIME"
BINDING = "coral"
_KINDS = (".deb", ".tar.gz", ".tgz", ".tar.xz", ".tar.bz2", ".tar", ".zip")
_REMEDY = (
    f"name it with {SETTING}: a .deb or an archive in the app, or an address with its checksum, "
    "https://…/libedgetpu1-std.deb@sha256:<hex>; or put it into a binding of type coral; or name "
    "it in the Aptfile"
)


class Source:
    """A file that holds the library, or is it.

    Attributes:
        name: its file name.
        path: where it is; empty if it has to be fetched.
        dependency: what to fetch.
        digest: SHA-256 of it.
    """

    __slots__ = ("dependency", "digest", "name", "path")

    def __init__(self, name: str, path: str, dependency: Dependency | None, digest: str) -> None:
        self.name = name
        self.path = path
        self.dependency = dependency
        self.digest = digest


def find(ctx: BuildContext) -> list[Source]:
    """What the setting and bindings name; none if the apt buildpack is to install it.

    Raises:
        UserFault: nothing names it, or what is named is not there.
    """
    found = [_of_word(ctx, word) for word in ctx.settings.get(SETTING).replace(",", " ").split()]
    for binding in ctx.bindings.all(BINDING):
        entries = [e for e in binding.keys() if _is_library(e) or e.endswith(_KINDS)]  # noqa: SIM118
        found += [_of_file(entry, binding.file(entry)) for entry in entries]
    if found:
        return found
    if ctx.app.has("Aptfile") and "libedgetpu" in ctx.app.text("Aptfile"):
        return []
    raise UserFault(
        "nothing says where the Edge TPU's library (libedgetpu) is from",
        where="hardware: coral",
        remedy=_REMEDY,
    )


def _of_word(ctx: BuildContext, word: str) -> Source:
    address, _, digest = word.replace("#sha256=", "@sha256:").partition("@sha256:")
    if "://" in address:
        if len(digest) != 64 or not {*digest.lower()} <= {*"0123456789abcdef"}:
            raise UserFault(
                f"{address} has no checksum", where=SETTING, remedy="write address@sha256:<hex>"
            )
        wanted = Dependency(address, digest)
        return Source(wanted.name, "", wanted, digest.lower())
    if not ctx.app.has(address):
        raise UserFault(f"there is no file {address} in the app", where=SETTING, remedy=_REMEDY)
    found = _of_file(os.path.basename(address), f"{ctx.app.root}/{address}")
    if digest and digest.lower() != found.digest:
        raise UserFault(
            f"{address} has the checksum {found.digest}", where=SETTING, remedy="correct either"
        )
    return found


def _of_file(name: str, path: str) -> Source:
    with open(path, "rb") as file:
        return Source(name, path, None, hashlib.sha256(file.read()).hexdigest())


def _is_library(name: str) -> bool:
    return ".so" in name and name.startswith("lib")
