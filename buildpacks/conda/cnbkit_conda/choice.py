"""Which of the app's files says what the environment holds."""

from __future__ import annotations

from cnbkit import BuildContext, DetectContext, UserFault

__all__ = ["ENVIRONMENTS", "FILES", "PYTHON_SETTING", "SETTING", "Input", "found"]

SETTING = "BP_CONDA_INPUT"
PYTHON_SETTING = "BP_PYTHON_INPUT"
ENVIRONMENTS = ("environment.yml", "environment.yaml")
# Each is a whole answer.
_LOCKS = {"conda-lock.yml": "conda-lock", "pixi.lock": "pixi"}
# Names that explicit lists have; one for another platform is passed over.
_LISTS = {
    "conda-linux-64.lock": "linux-64",
    "conda-linux-aarch64.lock": "linux-aarch64",
    "explicit.txt": "",
    "package-list.txt": "",
}
FILES = (*ENVIRONMENTS, *_LOCKS, *_LISTS)
_EXPLICIT = "@EXPLICIT"
SUBDIRS = {"amd64": "linux-64", "arm64": "linux-aarch64"}


class Input:
    """The file, and of which kind it is.

    Attributes:
        name: relative to the app's root.
        kind: "environment", "conda-lock", "pixi" or "explicit".
        reason: why this one.
    """

    def __init__(self, name: str, kind: str, reason: str) -> None:
        self.name = name
        self.kind = kind
        self.reason = reason

    @classmethod
    def choose(cls, ctx: BuildContext, setting: str) -> Input:
        """BP_CONDA_INPUT, else the only lock, else environment.yml.

        Raises:
            UserFault: two files that contradict each other, or no such file.
        """
        if setting:
            if not ctx.app.has(setting):
                raise UserFault(
                    f"there is no file {setting}",
                    where=SETTING,
                    remedy=f"correct {SETTING}; the name is relative to the app's root",
                )
            return cls(setting, _kind(setting), f"Environment from {setting}, from {SETTING}")
        names = found(ctx)
        locks = [name for name in names if name not in ENVIRONMENTS]
        rendered = [each for each in locks if _is_rendered(ctx, each, locks)]
        locks = [each for each in locks if each not in rendered]
        written = [name for name in names if name in ENVIRONMENTS]
        if len(locks) > 1 or len(written) > 1:
            several = locks if len(locks) > 1 else names
            raise UserFault(
                f"there is more than one file with the environment: {' and '.join(several)}",
                where=", ".join(several),
                remedy=f"delete those that are not kept up to date, or set {SETTING} to the one "
                f"that counts, like {SETTING}={several[0]}",
            )
        if not names:
            raise UserFault(
                "there is no file with a conda environment",
                where="the app's root",
                remedy=f"add environment.yml, or name the file in {SETTING}",
            )
        name = [*locks, *names][0]
        unread = f"; {', '.join(rendered)}, made of it, not read" if rendered else ""
        return cls(name, _kind(name), f"Environment from {name}{unread}")


def found(ctx: BuildContext | DetectContext) -> list[str]:
    """The app's files that this buildpack reads by themselves; those of other targets are not."""
    subdir = SUBDIRS.get(ctx.target.arch, "linux-64")
    names = []
    for name in FILES:
        if not ctx.app.has(name) or _LISTS.get(name, subdir) not in (subdir, ""):
            continue
        # Names of lists are not conda's alone.
        if name not in _LISTS or _EXPLICIT in ctx.app.text(name):
            names.append(name)
    return names


def _is_rendered(ctx: BuildContext, name: str, locks: list[str]) -> bool:
    """Whether a list is what `conda-lock render` makes of a conda-lock.yml beside it."""
    lock = "conda-lock.yml"
    if name not in _LISTS or lock not in locks:
        return False
    listed = {_archive(each) for each in ctx.app.text(name).splitlines() if "://" in each}
    locked = (each.strip() for each in ctx.app.text(lock).splitlines())
    return listed <= {_archive(each) for each in locked if each.startswith("url:")}


def _archive(line: str) -> str:
    """`linux-64/six-1.16.0-py_0.conda` of a line with its address."""
    address = line.strip().partition("#")[0].rstrip("'\"")
    return "/".join(address.rsplit("/", 2)[1:])


def _kind(name: str) -> str:
    base = name.rpartition("/")[2]
    if base == "pixi.lock":
        return "pixi"
    if not base.endswith((".yml", ".yaml")):
        return "explicit"
    # conda-lock's own names are `conda-lock.yml` and `anything.conda-lock.yml`.
    return "conda-lock" if "conda-lock" in base else "environment"
