"""What is to be installed: which of the app's files says so, read as far as the key needs."""

from __future__ import annotations

import hashlib
import os

from cnbkit import BuildContext, BuildpackFault, PlatformFault, PythonBuild
from cnbkit_python_inputs.config import PipConfig
from cnbkit_python_inputs.project import Project
from cnbkit_python_inputs.requirements import Requirements
from cnbkit_python_inputs.tree import project_digest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cnbkit import PackageRequest

__all__ = ["Locked", "find"]

# Groups of this buildpack's own choice, where the app has them.
_FOR_TESTS = ("dev", "test")
# Without the `python` buildpack nobody has chosen yet.
_INPUTS = ("pylock.toml", "requirements.txt", "requirements.in", "pyproject.toml", "setup.py")
_OWN_LOCK = "pylock."


class Locked:
    """A lock: nothing is resolved.

    Attributes:
        path: of a pylock.toml.
        name: what messages call it: the app's own lock file.
        extras: of the lock (PEP 751), besides none.
        groups: dependency groups of the lock, besides its default ones.
        where_exist: groups to add if the lock has them.
        editable: whether the app's code stays where it is, if the app is a package of the lock.
    """

    def __init__(
        self,
        path: str,
        name: str,
        root: str,
        *,
        extras: tuple[str, ...] = (),
        groups: tuple[str, ...] = (),
        where_exist: tuple[str, ...] = (),
        editable: bool,
    ) -> None:
        self.where_exist = where_exist
        self.path = path
        self.name = name
        self.extras = extras
        self.groups = groups
        self.editable = editable
        self._root = root

    def __str__(self) -> str:
        return self.name

    def digests(self) -> list[str]:
        """`name #sha256…` of the lock and of the folders it names, for the layer's key."""
        with open(self.path, "rb") as file:
            data = file.read()
        chosen = ",".join([*self.extras, "", *self.groups, *self.where_exist])
        found = [f"{self.name} #{hashlib.sha256(data).hexdigest()[:24]}{chosen}"]
        if b"directory" in data:
            found += self._folders()
        return found

    def _folders(self) -> list[str]:
        from cnbkit_python_inputs.lock import read_entries
        from cnbkit_python_inputs.package import Package

        entries = read_entries(self.path, self.name)["packages"]
        packages = [Package(entry) for entry in entries if "directory" in entry]
        found = []
        for each in packages:
            if os.path.isdir(each.directory):
                own = each.directory == self._root
                editable = self.editable if own else each.editable
                digest = project_digest(each.directory, editable=editable)
                found.append(f"{os.path.relpath(each.directory, self._root)} #{digest[:24]}")
        return found


def find(
    ctx: BuildContext, config: PipConfig, request: PackageRequest | None = None
) -> Requirements | Project | Locked | None:
    """What the `python` buildpack or a front-end chose; without them the first that is there.

    Args:
        ctx: the build.
        config: what the person who builds has set.
        request: what later buildpacks ask for; its groups count besides.

    Returns:
        None if the app declares nothing.

    Raises:
        UserFault: a file cannot be read, or a group or extra does not exist.
        BuildpackFault: groups are asked for too late for the front-end that made the lock.
        PlatformFault: the builder has nothing that reads the chosen file.
    """
    told = PythonBuild.read(ctx)
    groups = tuple(told.groups) or config.groups
    more = [each for each in (request.groups if request else ()) if each not in groups]
    names = told.inputs
    if names is None:
        names = [name for name in _INPUTS if ctx.app.has(name)][:1]
    tests = _FOR_TESTS if ctx.exec_env == "test" else ()
    lock = told.lock
    root = ctx.app.root
    editable = config.project == "editable"
    if lock:
        # The front-end has applied groups and extras already.
        if request and more:
            raise BuildpackFault(
                f"{request.subject} asks for the dependency groups {', '.join(more)}, and "
                f"{','.join(names) or 'the lock'} has been read without them",
                where="the build plan's entry for site-packages",
                remedy="require `python` with the same request, which comes before locks are "
                "read; or set BP_PYTHON_GROUPS",
            )
        return Locked(lock, ",".join(names) or lock, root, editable=editable)
    if not names:
        return None
    groups = (*groups, *more)
    [first, *_] = names
    base = os.path.basename(first)
    if base.startswith(_OWN_LOCK) and base.endswith(".toml"):
        return Locked(
            f"{root}/{first}",
            first,
            root,
            extras=config.extras,
            groups=groups,
            where_exist=tests,
            editable=editable,
        )
    if first in ("pyproject.toml", "setup.py"):
        return Project.read(ctx, first, config.extras, groups, where_exist=tests, editable=editable)
    if not first.endswith((".txt", ".in")):
        raise PlatformFault(
            f"no buildpack has turned {first} into packages",
            where="the builder's order",
            remedy=f"put the buildpack that reads {first} before this one",
        )
    return Requirements.read(ctx, names, groups, where_exist=tests, editable=editable)
