"""Dependency groups by process type: what serves need not carry what trains."""

from __future__ import annotations

from cnbkit import BuildContext, PythonBuild, UserFault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["SETTING", "ProcessGroups"]

SETTING = "BP_PROCESS_GROUPS"
_TABLE = "tool.cnbkit.process-groups"
# What the lock or the project is asked for; whoever sets it decides for the whole image.
_GROUPS = "BP_PYTHON_GROUPS"
_DEFAULT = "BP_DEFAULT_PROCESS"
_FOR_TESTS = ("dev", "test")
_FILES = ("project.toml", "pyproject.toml")


class ProcessGroups:
    """Which groups the image gets, and which process types it therefore cannot have.

    Attributes:
        groups: of the image, besides the project's own packages.
        left_out: process type → the groups it would need.
        reason: why these groups; empty if there are none, or somebody asked for them.
    """

    def __init__(self, groups: list[str], left_out: dict[str, list[str]], reason: str) -> None:
        self.groups = groups
        self.left_out = left_out
        self.reason = reason

    @classmethod
    def read(cls, ctx: BuildContext, setting: str, provided: str) -> ProcessGroups:
        """The groups of the process the image starts, unless BP_PYTHON_GROUPS names others.

        What later buildpacks ask for by a `PackageRequest` comes besides.

        Args:
            ctx: the build.
            setting: BP_PROCESS_GROUPS.
            provided: what they require of the buildpack that reads this.

        Raises:
            UserFault: BP_PROCESS_GROUPS or the table is wrong.
        """
        needs = _set(setting)
        for file in _FILES:
            # The word is looked for first: parsing TOML takes longer than the rest of the build.
            if ctx.app.has(file) and b"process-groups" in ctx.app.bytes(file):
                for process, groups in _declared(ctx, file).items():
                    needs.setdefault(process, groups)
        asked = ctx.settings.get(_GROUPS).replace(",", " ").split()
        more: dict[str, str] = {}
        for request in ctx.package_requests(provided):
            for group in request.groups:
                more.setdefault(group, request.subject)
        if not needs:
            said = ", ".join(f"{group} ({subject})" for group, subject in more.items())
            reason = f"Dependency groups that later buildpacks ask for: {said}" if more else ""
            return cls([*asked, *(each for each in more if each not in asked)], {}, reason)
        process = ctx.settings.get(_DEFAULT, "web")
        groups = [*(asked or needs.get(process, []))]
        groups += [each for each in more if each not in groups]
        has = {_normalised(each) for each in groups}
        if ctx.exec_env == "test":
            has.update(_FOR_TESTS)
        left_out = {
            other: wanted
            for other, wanted in needs.items()
            if not {_normalised(each) for each in wanted} <= has
        }
        chosen = f"Dependency groups for {process}: {', '.join(groups)}"
        return cls(groups, left_out, chosen if groups and (more or not asked) else "")

    def added_to(self, told: PythonBuild) -> PythonBuild:
        """For the later buildpacks: those that install, and the one that starts."""
        return told.replace(groups=self.groups if self.reason else [], left_out=self.left_out)


def _set(setting: str) -> dict[str, list[str]]:
    needs = {}
    for word in setting.split():
        process, equals, groups = word.partition("=")
        if not (process and equals):
            raise UserFault(
                f"{word!r} does not say which groups a process needs",
                where=SETTING,
                remedy="write `process=group,group`, with spaces between: train=train,viz web=",
            )
        needs[process] = [each for each in groups.split(",") if each]
    return needs


def _declared(ctx: BuildContext, file: str) -> dict[str, list[str]]:
    table: object = ctx.app.toml(file)
    for name in _TABLE.split("."):
        table = table.get(name, {}) if isinstance(table, dict) else {}
    needs: dict[str, Any] = table if isinstance(table, dict) else {"": table}
    wrong = [
        process
        for process, groups in needs.items()
        if not isinstance(groups, list) or not all(isinstance(each, str) for each in groups)
    ]
    if wrong:
        raise UserFault(
            f"[{_TABLE}] does not list the groups of {', '.join(wrong)}"
            if wrong != [""]
            else f"{_TABLE} is not a table",
            where=file,
            remedy=f'write [{_TABLE}] and below it `train = ["train"]`',
        )
    return needs


def _normalised(group: str) -> str:
    """A name in its one spelling (PEP 735), without `re`, which takes longer to import."""
    words = group.lower().replace("_", "-").replace(".", "-").split("-")
    # At the ends a run of separators is one, too.
    inner = [each for each in words[1:-1] if each]
    return "-".join([words[0], *inner, *words[1:][-1:]])
