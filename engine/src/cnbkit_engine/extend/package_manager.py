"""Lends the build image's apt to a run image that has none, for as long as commands run in it.

A run image is small because what installs packages is not in it. Its database of packages is, so
that what is installed there is what it lacks. What of the lent files a command makes its own, by
installing or changing them, stays.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cnbkit_engine.extend.workshop import Workshop

__all__ = ["lent_package_manager"]

# Besides what Debian calls essential, which packages' scripts may use without saying so.
_NEEDED = ("apt", "debconf", "debian-archive-keyring")
_WITHOUT_OWNER = ("etc/apt",)  # sources are not a package's
_FIELD = re.compile(r"(?m)^(Package|Essential|Depends|Pre-Depends): (.*)$")


@contextmanager
def lent_package_manager(workshop: Workshop, root: Path, run: Path) -> Iterator[None]:
    """Have apt and dpkg in the workshop's root file system.

    Args:
        workshop: a run image's.
        root: the build image as a folder.
        run: the workshop's root file system.
    """
    missing = not _there(run / "usr/bin/dpkg") and _there(root / "usr/bin/apt-get")
    if not missing:
        yield
        return
    with _archive(root, _files(root)) as files:
        lent = workshop.lend(files)
    yield
    workshop.take_back(lent)


def _there(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def _files(root: Path) -> list[str]:
    """Paths of all files of the packages it takes."""
    packages, essential = _packages(root / "var/lib/dpkg/status")
    wanted: set[str] = set()
    todo = [*_NEEDED, *essential]
    while todo:
        name = todo.pop()
        if name in wanted or name not in packages:
            continue
        wanted.add(name)
        todo += packages[name]
    found = {
        path
        for name in wanted
        for table in (root / "var/lib/dpkg/info").glob("*.list")
        if table.name.removesuffix(".list").partition(":")[0] == name
        for line in table.read_text(errors="surrogateescape").splitlines()
        if (path := _merged(line.strip("/."))) and (root / path).exists()
    }
    for folder in _WITHOUT_OWNER:
        found.update(str(each.relative_to(root)) for each in (root / folder).rglob("*"))
    return sorted(found)


def _merged(path: str) -> str:
    """Where a file lies in a merged /usr."""
    return f"usr/{path}" if path.partition("/")[0] in ("bin", "lib", "lib64", "sbin") else path


def _packages(status: Path) -> tuple[dict[str, list[str]], list[str]]:
    """What each package depends on, the first alternative of each; and those that are essential."""
    found: dict[str, list[str]] = {}
    essential = []
    for text in status.read_text(errors="replace").split("\n\n"):
        fields = dict(_FIELD.findall(text))
        depends = ",".join(fields.get(key, "") for key in ("Depends", "Pre-Depends"))
        names = [re.split(r"[ :(|]", each.strip(), maxsplit=1)[0] for each in depends.split(",")]
        if "Package" in fields:
            found[fields["Package"]] = [name for name in names if name]
            if fields.get("Essential") == "yes":
                essential.append(fields["Package"])
    return found, essential


@contextmanager
def _archive(root: Path, paths: list[str]) -> Iterator[IO[bytes]]:
    tar = shutil.which("tar") or "/bin/tar"
    with tempfile.NamedTemporaryFile() as names:
        names.write(b"\0".join(each.encode(errors="surrogateescape") for each in paths))
        names.flush()
        with subprocess.Popen(
            [
                *(tar, "--owner=0", "--group=0", "--numeric-owner", "--create", "--file=-"),
                *("--no-recursion", "--null", f"--files-from={names.name}"),
            ],
            cwd=root,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        ) as process:
            assert process.stdout
            yield process.stdout
            process.stdout.close()
