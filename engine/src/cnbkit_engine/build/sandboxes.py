"""The sandboxes of the phases, from what all builds share and what one request names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnbkit_engine.build.app_copy import make_mount_point
from cnbkit_engine.lifecycle.phase_sandbox import PhaseSandboxes
from cnbkit_engine.sandbox.process_limit import process_limit

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from cnbkit_engine.build.kit import Kit
    from cnbkit_engine.sandbox.sandbox import Bind
    from cnbkit_engine.sandbox.view import NetworkNamespace
    from cnbkit_engine.state.home import Home

__all__ = ["phase_sandboxes"]


def phase_sandboxes(
    home: Home,
    kit: Kit,
    space: Path,
    *,
    cache: Path,
    volumes: Sequence[Bind],
    store: tuple[str, str],
    exec_env: str,
    network: tuple[bool, NetworkNamespace | None],
    tls: bool = False,
    created: str = "",
) -> PhaseSandboxes:
    """Make them, and in the copy of the app the places where volumes are mounted.

    Args:
        home: has a folder for what they write meanwhile.
        kit: what every build needs.
        space: this build's own folder, with the copy of the app.
        cache: the lifecycle's cache folder.
        volumes: files and folders of the host to show to the buildpacks.
        store: host and address of the store's registry.
        exec_env: what the image is for.
        network: as `network_for` answers.
        tls: whether another registry is spoken to.
        created: seconds since 1970 that the image says it was made at; the lifecycle's if empty.

    Raises:
        UserFault: the app has something in a volume's way, or the number of processes is none.
    """
    for volume in volumes:
        make_mount_point(volume, space)
    host, address = store
    allowed, namespace = network
    return PhaseSandboxes(
        home.tmp,
        root=kit.root,
        lifecycle=kit.lifecycle,
        launcher=kit.launcher,
        builder=kit.builder,
        space=space,
        cache=cache,
        volumes=tuple(volumes),
        store_host=host,
        store_address=address,
        tls=tls,
        exec_env=exec_env,
        network=allowed,
        namespace=namespace,
        created=created,
        processes=process_limit(),
    )
