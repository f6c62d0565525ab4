"""The `uv` buildpack: uv.lock → pylock.toml, checked against pyproject.toml."""

from __future__ import annotations

from cnbkit import (
    BuildContext,
    Buildpack,
    Built,
    Config,
    Layer,
    LayerKey,
    Option,
    Plan,
    Triggers,
    UserFault,
    key,
)

__all__ = ["Uv"]

_LOCK = "uv.lock"
# Where they exist.
_FOR_TESTS = ("dev", "test")
_PROJECT_FILES = ("pyproject.toml", "setup.cfg", "setup.py")
# How uv writes members and local packages: `source = { editable = "lib" }`.
_LOCAL = tuple(f"source = {{ {kind}" for kind in ("editable", "directory", "virtual"))


class Settings(Config):
    """What may be chosen of a lock."""

    groups = Option.words("BP_PYTHON_GROUPS", help="Dependency groups besides the project's own")
    extras = Option.words("BP_PYTHON_EXTRAS", help="Extras of the project")
    package = Option.text("BP_UV_PACKAGE", help="Member of the workspace; the root if not set")


class Wanted(LayerKey):
    """Everything the exported lock depends on."""

    files: list[str] = key("inputs")
    groups: list[str] = key("groups")
    extras: list[str] = key("extras")
    member: str = key("member of the workspace")
    purpose: str = key("execution environment")
    python: str = key("Python")
    target: str = key("target")


class Uv(Buildpack):
    """Turns uv.lock into the lock that the pip buildpack installs."""

    triggers = Triggers(_LOCK)
    plan = Plan().requires("python")
    config = Settings

    lock = Layer.cached("lock", build=True)

    def build(self, ctx: BuildContext) -> Built:
        """Export the lock, unless the last build's is still right."""
        chosen = ctx.env.get("CNBKIT_INPUT") or _LOCK
        if chosen != _LOCK:
            ctx.log.info(f"{_LOCK} is left alone: dependencies come from {chosen}")
            return Built()
        version, _, path = ctx.env.get("CNBKIT_PYTHON", "").partition(" ")
        if not path:
            raise UserFault(
                "there is no Python to read the lock for",
                where="CNBKIT_PYTHON",
                remedy="put the buildpack cnbkit/python before this one",
            )
        settings = Settings.read(ctx.settings)
        wanted = Wanted(
            files=_digests(ctx),
            groups=list(settings.groups),
            extras=list(settings.extras),
            member=settings.package,
            purpose=ctx.exec_env,
            python=version,
            target=str(ctx.target),
        )
        with ctx.layer(self.lock, wanted) as lock:
            path = f"{lock.directory}/pylock.toml"
            if lock.rebuild:
                ctx.log.info(f"Reading {_LOCK}: {'; '.join(lock.why)}")
                _export(ctx, wanted, path)
                lock.env.build.override("CNBKIT_LOCK", path)
            else:
                ctx.log.info(f"{_LOCK} unchanged: its packages are known")
        return Built()


def _export(ctx: BuildContext, wanted: Wanted, path: str) -> None:
    # Imported here: a build that changes nothing does without them.
    from cnbkit_uv.diagnose import missing
    from cnbkit_uv.export import check, export
    from cnbkit_uv.lock import Lock

    lock = Lock.read(ctx)
    check(ctx)
    groups = lock.groups(wanted.member)
    extras = lock.extras(wanted.member)
    for asked, known, what, setting in (
        ([wanted.member] if wanted.member else [], lock.members, "member", "BP_UV_PACKAGE"),
        (wanted.groups, groups, "group", "BP_PYTHON_GROUPS"),
        (wanted.extras, extras, "extra", "BP_PYTHON_EXTRAS"),
    ):
        if fault := missing(asked, known, what, setting):
            raise fault
    for_tests = [name for name in _FOR_TESTS if wanted.purpose == "test" and name in groups]
    chosen = [*wanted.groups, *for_tests]
    count = export(ctx, chosen, wanted.extras, wanted.member, path)
    parts = [f"group {name}" for name in chosen] + [f"extra {name}" for name in wanted.extras]
    with_parts = f", with {', '.join(parts)}" if parts else ""
    ctx.log.info(f"{count} packages for Python {wanted.python}{with_parts}")


def _digests(ctx: BuildContext) -> list[str]:
    """`name #sha256…` of the lock and of all files it is checked against."""
    import hashlib

    names = [_LOCK, *_PROJECT_FILES, "uv.toml"]
    for line in ctx.app.text(_LOCK).splitlines():
        kind, _, rest = line.partition(' = "')
        if kind in _LOCAL:
            folder = rest.partition('"')[0]
            names += [f"{folder}/{name}" for name in _PROJECT_FILES]
    files = {name: ctx.app.bytes(name) for name in dict.fromkeys(names) if ctx.app.has(name)}
    return [f"{name} #{hashlib.sha256(data).hexdigest()}" for name, data in files.items()]
