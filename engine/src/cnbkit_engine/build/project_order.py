"""Buildpacks that project.toml asks for, as pack takes them: in place of, before or after others.

They have to be the builder's own. pack can also fetch some, and take scripts; here an app's file
does not bring code of its own into a builder.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnbkit.errors import PlatformFault, UserFault
from cnbkit_engine.builder.elsewhere import kept_elsewhere
from cnbkit_engine.spec.builder import BuilderDescriptor, BuilderEntry, BuilderOrder

if TYPE_CHECKING:
    from pathlib import Path

    from cnbkit_engine.spec.project import Project, ProjectBuildpack
    from cnbkit_engine.state.home import Home

__all__ = ["builder_for"]

_URN = "urn:cnb:builder:"


def builder_for(home: Home, builder: Path, project: Project) -> Path:
    """The builder with the order that a project asks for; the same one if it asks for none.

    Args:
        home: gets the changed builder.toml.
        builder: path of builder.toml.
        project: the app's project.toml.

    Raises:
        UserFault: it asks for a buildpack that is not the builder's.
        PlatformFault: the builder cannot be read.
        InvalidDocument: it is wrong.
    """
    wanted = project.io.buildpacks
    group = [_entry(each) for each in wanted.group]
    pre = [_entry(each) for each in (wanted.pre.group if wanted.pre else [])]
    post = [_entry(each) for each in (wanted.post.group if wanted.post else [])]
    if not (group or pre or post):
        return builder
    try:
        text = builder.read_bytes()
    except OSError as error:
        raise PlatformFault(
            f"cannot read the builder: {error.strerror}",
            where=str(builder),
            remedy="name a builder.toml",
        ) from None
    found = BuilderDescriptor.loads(text, name=builder.name, where=str(builder))
    known = {each.id for order in found.order for each in order.group}
    if found.system:
        known |= {each.id for each in (*found.system.pre.buildpacks, *found.system.post.buildpacks)}
    unknown = sorted({each.id for each in (*group, *pre, *post)} - known)
    if unknown:
        raise UserFault(
            f"project.toml asks for buildpacks that the builder has not: {', '.join(unknown)}",
            where="project.toml",
            remedy=f"name some of its own ({', '.join(sorted(known))}), or use --engine pack",
        )
    orders = [BuilderOrder(group=group)] if group else found.order
    changed = found.replace(
        order=[BuilderOrder(group=[*pre, *order.group, *post]) for order in orders]
    )
    return kept_elsewhere(home, builder, changed)


def _entry(asked: ProjectBuildpack) -> BuilderEntry:
    identity = asked.id or ""
    version = asked.version or ""
    if asked.uri and asked.uri.startswith(_URN):
        identity, _, version = asked.uri.removeprefix(_URN).partition("@")
    elif asked.uri or asked.script:
        what = asked.uri or f"the script {identity}"
        raise UserFault(
            f"project.toml brings a buildpack of its own: {what}",
            where="project.toml",
            remedy="add it to a builder.toml (--builder), or use --engine pack",
        )
    return BuilderEntry(id=identity, version=version)
