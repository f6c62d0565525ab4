"""The packages that can be named before anything is solved: a lock's, or those that are asked for.

A solution takes the channels' lists, which are larger than all else that a plan looks at.
"""

from __future__ import annotations

from cnbkit import BuildContext
from cnbkit_conda.choice import Input
from cnbkit_conda.config import CondaConfig
from cnbkit_conda.kept import variable_lines

__all__ = ["Planned", "planned", "planned_variables"]


class Planned:
    """A package.

    Attributes:
        name: of it.
        version: empty if that is for the solution to say.
        size: bytes to download; 0 if that is not known.
    """

    __slots__ = ("name", "size", "version")

    def __init__(self, name: str, version: str = "", size: int = 0) -> None:
        self.name = name
        self.version = version
        self.size = size


def planned(
    ctx: BuildContext, config: CondaConfig, chosen: Input, groups: list[str]
) -> list[Planned]:
    """What the file says, sorted by name.

    Raises:
        UserFault: the file is faulty; a build would end for the same reason.
    """
    if chosen.kind == "environment":
        from cnbkit_conda.environment_file import EnvironmentFile

        asked = EnvironmentFile.parse(ctx.app.text(chosen.name), chosen.name)
        found = [Planned(each.name) for each in asked.packages]
    elif chosen.kind == "explicit":
        from cnbkit_conda.explicit import read_list
        from cnbkit_conda.resolve import make_places

        records = read_list(ctx, chosen.name, make_places(ctx, chosen))
        found = [Planned(each.name.normalized, str(each.version)) for each in records]
    else:
        from cnbkit_conda.locks import read_lock

        records, _ = read_lock(ctx, config, chosen, groups)
        found = [
            Planned(each.name.normalized, str(each.version), each.size or 0) for each in records
        ]
    return sorted(found, key=lambda each: each.name)


def planned_variables(ctx: BuildContext, chosen: Input) -> list[str]:
    """What the file sets, as `Kept` has it. Locks set nothing."""
    if chosen.kind != "environment":
        return []
    from cnbkit_conda.environment_file import EnvironmentFile

    return variable_lines(EnvironmentFile.parse(ctx.app.text(chosen.name), chosen.name).variables)
