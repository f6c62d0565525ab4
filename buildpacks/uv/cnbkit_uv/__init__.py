"""The `uv` buildpack: uv.lock → pylock.toml, checked against pyproject.toml."""

from __future__ import annotations

from cnbkit import BuildContext, Log, Option, Triggers
from cnbkit_lock_front_end import FrontEnd, Selection, Settings

__all__ = ["Uv"]

_PROJECT_FILES = ("pyproject.toml", "setup.py", "setup.cfg")
# Sources of a package in uv.lock that are folders of the app.
_LOCAL = ("source = { editable", "source = { virtual", "source = { directory")


class UvSettings(Settings):
    """What may be chosen of a lock, and of a workspace."""

    package = Option.text("BP_UV_PACKAGE", help="The member of a workspace that becomes the image")

    @property
    def member(self) -> str:
        """What BP_UV_PACKAGE says."""
        return self.package


class Uv(FrontEnd):
    """Turns uv.lock into the lock that the pip buildpack installs."""

    triggers = Triggers("uv.lock")
    config = UvSettings
    file = "uv.lock"
    relock = "uv lock"

    def inputs(self, ctx: BuildContext) -> list[str]:
        """The lock and all files it is checked against."""
        names = [self.file, *_PROJECT_FILES, "uv.toml"]
        for line in ctx.app.text(self.file).splitlines():
            kind, _, rest = line.partition(' = "')
            if kind in _LOCAL:
                folder = rest.partition('"')[0]
                names += [f"{folder}/{name}" for name in _PROJECT_FILES]
        return names

    def export(self, ctx: BuildContext, selection: Selection, path: str) -> str:
        """By `uv export`, after `uv lock --check`."""
        # Imported here: a build that changes nothing does without them.
        from cnbkit_lock_front_end.selection import known
        from cnbkit_uv.export import check, export
        from cnbkit_uv.lock import Lock

        lock = Lock.read(ctx)
        check(ctx)
        member = selection.member
        known([member] if member else [], lock.members, "member", "BP_UV_PACKAGE", self.file)
        groups, extras = lock.groups(member), lock.extras(member)
        known(selection.groups, groups, "group", "BP_PYTHON_GROUPS", self.file)
        known(selection.extras, extras, "extra", "BP_PYTHON_EXTRAS", self.file)
        chosen = selection.taken([*selection.groups, *selection.tests(groups)], selection.extras)
        count = export(ctx, chosen, path)
        return f"{Log.counted(count, 'package')} for Python {selection.python}{chosen}"
