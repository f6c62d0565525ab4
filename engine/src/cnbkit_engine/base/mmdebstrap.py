"""Install Debian packages into an archive with mmdebstrap, as root or as an ordinary user."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

from cnbkit.errors import PlatformFault
from cnbkit_engine.base.recipe import EPOCH
from cnbkit_engine.state.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cnbkit_engine.base.recipe import BaseRecipe

__all__ = ["installed"]

# What mmdebstrap's last lines hold, what that means, and what to do about it; first match wins.
_LEAST = 50 << 20  # bytes; less is left only by an installation that ended for want of them
_SYMPTOMS = (
    (
        ("No space left on device",),
        "the disk is full",
        "free about 2 GB, or set TMPDIR and CNBKIT_HOME to folders on a larger disk",
    ),
    (
        ("resolving", "Could not resolve", "onnect", "Failed to fetch", "Connection"),
        "Debian's packages cannot be downloaded",
        "check the network; behind a proxy set http_proxy and https_proxy",
    ),
    (
        ("NO_PUBKEY", "not signed", "keyring"),
        "Debian's signatures cannot be checked",
        "apt-get install debian-archive-keyring gpg",
    ),
    (
        ("subuid", "subgid", "newuidmap", "newgidmap", "CLONE_NEWUSER", "unshare"),
        "this user may not make user namespaces, which stand in for root here",
        """apt-get install uidmap
usermod --add-subuids 100000-165535 --add-subgids 100000-165535 USER""",
    ),
    (
        ("CAP_SYS_ADMIN", "mount"),
        "root may not mount file systems in this container",
        "run cnbkit as an ordinary user, or give the container CAP_SYS_ADMIN",
    ),
)


@contextmanager
def installed(recipe: BaseRecipe, tmp: Path) -> Iterator[IO[bytes]]:
    """Run mmdebstrap and yield the archive it writes, to be read to its end.

    Entries are sorted, begin with `./` and carry Debian's owners; two runs with the same packages
    give the same bytes.

    Args:
        recipe: what to install.
        tmp: where mmdebstrap works when run by root. An ordinary user's namespace has no access to
            that user's own folders, so there it works in `TMPDIR`, else `/tmp`.

    Raises:
        PlatformFault: mmdebstrap is missing or fails; says why and what to do. What was read by
            then is to be thrown away.
    """
    root = os.geteuid() == 0
    with Workspace(tmp) as space, (space / "log").open("w+b") as log:
        environment = os.environ | {"SOURCE_DATE_EPOCH": str(EPOCH), "LC_ALL": "C.UTF-8"}
        if root:
            space.chmod(0o755)  # apt downloads as a user of its own
            environment["TMPDIR"] = str(space)
        working = environment.get("TMPDIR") or "/tmp"  # noqa: S108
        command = recipe.command(mode="root" if root else "unshare")
        # It looks for one way of emulation among several; whether any works is known by now.
        command.insert(1, "--skip=check/qemu")
        if root:
            command[:0] = _own_mounts()
        if shutil.which("mmdebstrap") is None:
            raise PlatformFault(
                "mmdebstrap, which installs Debian packages into the base images, is missing",
                where="PATH",
                remedy="apt-get install mmdebstrap uidmap debian-archive-keyring gpg",
            )
        process = subprocess.Popen(
            command,
            cwd=recipe.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            umask=0o022,  # the image's files must not depend on the person's
        )
        with process:
            output = process.stdout
            assert output is not None  # Popen was given a pipe
            try:
                yield output
                output.read()  # an archive's padding, which readers may leave
            except BaseException as error:
                process.terminate()
                if isinstance(error, Exception) and process.wait() > 0:
                    raise _fault(
                        log, recipe, working
                    ) from error  # it ended first: the archive's end is cut
                raise
        if process.returncode:
            raise _fault(log, recipe, working)


def _own_mounts() -> list[str]:
    """A command that runs another with mounts of its own: none is left if that is killed.

    Empty where this root may not mount, as in a container; mmdebstrap then mounts nothing either.
    """
    command = ["unshare", "--mount", "--propagation", "private"]
    try:
        tried = subprocess.run([*command, "true"], stderr=subprocess.DEVNULL, check=False)
    except FileNotFoundError:
        return []
    return [] if tried.returncode else command


def _fault(log: IO[bytes], recipe: BaseRecipe, folder: str) -> PlatformFault:
    log.seek(0)
    lines = log.read().decode(errors="replace").splitlines()
    told = [line for line in lines if line.startswith(("E: ", "W: ", "dpkg: error"))] or lines
    detail = "\n".join(line[:300] for line in told[-8:])
    # apt does not always say why it could not write.
    space = os.statvfs(folder)
    full = space.f_bavail * space.f_frsize < _LEAST
    for words, meaning, remedy in _SYMPTOMS:
        if full or any(word in detail for word in words):  # the first symptom is a full disk
            return PlatformFault(
                f"cannot make the {recipe.kind} image: {meaning}",
                where="mmdebstrap",
                remedy=remedy,
                detail=detail,
            )
    return PlatformFault(
        f"cannot make the {recipe.kind} image",
        where="mmdebstrap",
        remedy=f"look at {recipe.folder}, then try again",
        detail=detail,
    )
