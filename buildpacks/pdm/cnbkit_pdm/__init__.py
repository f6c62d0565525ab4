"""The `pdm` buildpack: pdm.lock → pylock.toml, checked against pyproject.toml."""

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

__all__ = ["Pdm"]

_LOCK = "pdm.lock"
_PROJECT = "pyproject.toml"


class Settings(Config):
    """What may be chosen of a lock."""

    groups = Option.words("BP_PYTHON_GROUPS", help="Dependency groups besides the project's own")
    extras = Option.words("BP_PYTHON_EXTRAS", help="Extras of the project")


class Wanted(LayerKey):
    """Everything the exported lock depends on."""

    files: list[str] = key("inputs")
    groups: list[str] = key("groups")
    extras: list[str] = key("extras")
    purpose: str = key("execution environment")
    python: str = key("Python")
    target: str = key("target")


class Pdm(Buildpack):
    """Turns pdm.lock into the lock that the pip buildpack installs."""

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
        if not ctx.app.has(_PROJECT):
            raise UserFault(
                f"there is a {_LOCK} without its {_PROJECT}",
                where=_LOCK,
                remedy=f"add {_PROJECT}, or delete {_LOCK}",
            )
        settings = Settings.read(ctx.settings)
        wanted = Wanted(
            files=_digests(ctx),
            groups=list(settings.groups),
            extras=list(settings.extras),
            purpose=ctx.exec_env,
            python=version,
            target=str(ctx.target),
        )
        with ctx.layer(self.lock, wanted) as lock:
            path = f"{lock.directory}/pylock.toml"
            if lock.rebuild:
                # Imported here: a build that changes nothing does without PDM.
                from cnbkit_pdm.export import Selection, export

                ctx.log.info(f"Reading {_LOCK}: {'; '.join(lock.why)}")
                selection = Selection(
                    wanted.groups, wanted.extras, for_tests=ctx.exec_env == "test"
                )
                ctx.log.info(export(ctx, selection, version, path))
                lock.env.build.override("CNBKIT_LOCK", path)
            else:
                ctx.log.info(f"{_LOCK} unchanged: its packages are known")
        return Built()


def _digests(ctx: BuildContext) -> list[str]:
    """`name #sha256…` of the lock and of all files it is checked against."""
    import hashlib

    names = [_LOCK, _PROJECT]
    for line in ctx.app.text(_LOCK).splitlines():
        # Of members of a workspace and local packages, as PDM writes them: `path = "./lib"`.
        if line.startswith('path = "'):
            folder = line.split('"')[1].removeprefix("./")
            names.append(f"{folder}/{_PROJECT}")
    files = {name: ctx.app.bytes(name) for name in dict.fromkeys(names) if ctx.app.has(name)}
    return [f"{name} #{hashlib.sha256(data).hexdigest()}" for name, data in files.items()]
