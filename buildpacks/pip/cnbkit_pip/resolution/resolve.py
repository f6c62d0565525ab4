"""From what is wanted to packages with one file each."""

from __future__ import annotations

from cnbkit import BuildContext
from cnbkit_pip.engines.engine import Engine, Wanted
from cnbkit_pip.resolution.formats import Formats
from cnbkit_pip.resolution.hashes import restricted
from cnbkit_pip.resolution.kept import Kept
from cnbkit_pip.resolution.pins import without_addresses
from cnbkit_python_inputs.lock import read_entries, select
from cnbkit_python_inputs.package import Package
from cnbkit_python_inputs.target import TargetEnvironment
from cnbkit_python_inputs.wanted import Locked

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cnbkit_indexes.sources import Sources

__all__ = ["read_locked", "resolve"]


def resolve(
    ctx: BuildContext, engine: Engine, wanted: Wanted, target: TargetEnvironment, kept: Kept
) -> list[Package]:
    """Lock what is wanted.

    Args:
        ctx: the build.
        engine: resolves.
        wanted: requirements or a project.
        target: what the packages have to fit.
        kept: the last resolution, which becomes this one. Its versions stay where they are still
            allowed, but for packages whose lines have changed.

    Raises:
        UserFault: the requirements are at fault; names file and line.
        PlatformFault: the index cannot be reached, or the disk is full.
    """
    renewed = kept.renewed(wanted)
    engine.lock(wanted, kept.path, renewed)
    kept.remember(wanted)
    if text := kept.describe(renewed):
        ctx.log.info(text)
    where = str(wanted)
    entries = read_entries(kept.path, where)
    kept.without_logins()
    document = engine.complete(restricted(entries, wanted), where, wanted)
    return select(document, target, where)


def read_locked(
    engine: Engine, locked: Locked, target: TargetEnvironment, sources: Sources
) -> list[Package]:
    """The packages of a lock.

    Args:
        engine: finds files that the lock gives no address of.
        locked: the lock.
        target: what the packages have to fit.
        sources: where packages come from. If an index stands in for the public one, its files are
            taken, by the lock's hashes, and not those of the addresses the lock was made with.

    Raises:
        UserFault: the lock is broken, does not fit, names what the index does not have, or has no
            file of the kind that is asked for.
        PlatformFault: the index cannot be reached.
    """
    document = read_entries(locked.path, locked.name)
    if sources.default:
        document = without_addresses(document)
    formats = Formats(sources)
    document = formats.narrowed(engine.complete(formats.narrowed(document), locked.name))
    packages = select(
        document,
        target,
        locked.name,
        extras=locked.extras,
        groups=locked.groups,
        where_exist=locked.where_exist,
    )
    formats.check(packages, locked.name)
    return packages
