"""The `pipenv` buildpack: Pipfile.lock → pylock.toml, checked against Pipfile."""

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

__all__ = ["Pipenv"]

_LOCK = "Pipfile.lock"
_PROJECT = "Pipfile"


class Settings(Config):
    """What may be chosen of a lock."""

    groups = Option.words(
        "BP_PYTHON_GROUPS", help="Categories besides `packages`; `dev` is `dev-packages`"
    )
    extras = Option.words("BP_PYTHON_EXTRAS", help="None: a Pipfile has no extras")


class Wanted(LayerKey):
    """Everything the exported lock depends on."""

    files: list[str] = key("inputs")
    groups: list[str] = key("groups")
    purpose: str = key("execution environment")
    python: str = key("Python")
    target: str = key("target")


class Pipenv(Buildpack):
    """Turns Pipfile.lock into the lock that the pip buildpack installs."""

    triggers = Triggers(_LOCK, _PROJECT)
    plan = Plan().requires("python")
    config = Settings

    lock = Layer.cached("lock", build=True)

    def build(self, ctx: BuildContext) -> Built:
        """Export the lock, unless the last build's is still right."""
        chosen = ctx.env.get("CNBKIT_INPUT") or _LOCK
        if chosen not in (_LOCK, _PROJECT):
            there = _LOCK if ctx.app.has(_LOCK) else _PROJECT
            ctx.log.info(f"{there} is left alone: dependencies come from {chosen}")
            return Built()
        version, _, path = ctx.env.get("CNBKIT_PYTHON", "").partition(" ")
        if not path:
            raise UserFault(
                "there is no Python to read the lock for",
                where="CNBKIT_PYTHON",
                remedy="put the buildpack cnbkit/python before this one",
            )
        for name, other, remedy in (
            (_LOCK, _PROJECT, f"run `pipenv lock` and commit {_LOCK}"),
            (_PROJECT, _LOCK, f"add {_PROJECT}, or delete {_LOCK}"),
        ):
            if not ctx.app.has(name):
                raise UserFault(
                    f"there is a {other} without its {name}", where=other, remedy=remedy
                )
        settings = Settings.read(ctx.settings)
        if settings.extras:
            raise UserFault(
                f"a Pipfile has no extras, so none {', '.join(settings.extras)}",
                where="BP_PYTHON_EXTRAS",
                remedy="unset BP_PYTHON_EXTRAS; categories of a Pipfile are groups",
            )
        wanted = Wanted(
            files=[_digest(ctx, _LOCK), _digest(ctx, _PROJECT)],
            groups=list(settings.groups),
            purpose=ctx.exec_env,
            python=version,
            target=str(ctx.target),
        )
        with ctx.layer(self.lock, wanted) as lock:
            path = f"{lock.directory}/pylock.toml"
            if lock.rebuild:
                # Imported here: a build that changes nothing does without it.
                from cnbkit_pipenv.export import export

                ctx.log.info(f"Reading {_LOCK}: {'; '.join(lock.why)}")
                done = export(ctx, wanted.groups, version, path, tests=ctx.exec_env == "test")
                ctx.log.info(done)
                lock.env.build.override("CNBKIT_LOCK", path)
            else:
                ctx.log.info(f"{_LOCK} unchanged: its packages are known")
        return Built()


def _digest(ctx: BuildContext, name: str) -> str:
    import hashlib

    return f"{name} #{hashlib.sha256(ctx.app.bytes(name)).hexdigest()}"
