"""Pipfile.lock as a pylock.toml."""

from __future__ import annotations

from packaging.utils import canonicalize_name

from cnbkit import BuildContext, UserFault
from cnbkit_lock_front_end import Selection
from cnbkit_lock_front_end.environment import environment
from cnbkit_lock_front_end.lock import write_lock
from cnbkit_pipenv.entry import Entries
from cnbkit_pipenv.lock import Lock

__all__ = ["export"]

# What people call it → what the lock does.
_DEVELOP = ("dev", "develop", "dev-packages")


def export(ctx: BuildContext, selection: Selection, path: str) -> str:
    """Write the part of Pipfile.lock that this image needs as a pylock.toml.

    Args:
        ctx: the build.
        selection: groups are categories besides `packages`; for tests `dev-packages` and `test`.
        path: of the file to write.

    Returns:
        What was done, for the log.

    Raises:
        UserFault: the lock is out of step with Pipfile or cannot be read, is not for this
            Python, or has no such category.
    """
    lock = Lock.read(ctx)
    lock.check_python(ctx, selection.python)
    known = {"dev" if name == "develop" else canonicalize_name(name): name for name in lock.groups}
    asked = {
        each: "dev" if canonicalize_name(each) in _DEVELOP else canonicalize_name(each)
        for each in selection.groups
    }
    unknown = [given for given, name in asked.items() if name not in known]
    if unknown:
        raise UserFault(
            f"Pipfile.lock has no category {', '.join(unknown)}",
            where="BP_PYTHON_GROUPS",
            remedy=f"take one of these: {', '.join(sorted(known))}",
        )
    chosen = list(dict.fromkeys([*asked.values(), *selection.tests(known)]))
    entries = Entries(ctx, lock.sources, environment(selection.python, ctx.target))
    for category in ("default", *(known[name] for name in chosen)):
        entries.add_all(lock.category(category))
    return write_lock(path, "cnbkit/pipenv", entries.checked(), selection.taken(chosen, []))
