"""All that an image is made of, as one digest: what builds are compared by.

| in the digest | by |
|---|---|
| the app's files, and the files that choose among them | names, contents, links, the right to run |
| variables, those of project.toml included, and options | their values |
| volumes, bindings among them | contents |
| buildpacks, extensions, order, the builder's settings | their folder, named by a digest |
| build image, lifecycle | folders named by their recipe, or their version |
| run image | its digest, of one in a registry the one it has now |
| proxies, certificates that builds see | values; contents |
| cnbkit | sizes and times of its files |

Not in it is what buildpacks fetch: each of them that is said to be repeatable keeps what it has
resolved until its inputs change, so a build would take the same. Nor are the times of files.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from cnbkit_engine.build.file_states import NotPlain
from cnbkit_engine.builder.folder import file_states

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from cnbkit_engine.build.app_files import AppFiles
    from cnbkit_engine.build.file_states import FileStates
    from cnbkit_engine.build.kit import Kit
    from cnbkit_engine.build.request import BuildRequest

__all__ = ["engine_state", "inputs_digest"]

_FORMAT = 1
# How a build is told of, and what is in the digest by contents.
_LEFT_OUT = {"app", "builder", "detection", "force", "show", "verbose", "volumes"}
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")


def inputs_digest(
    request: BuildRequest,
    kit: Kit,
    files: AppFiles,
    run_image: str,
    certificates: Path | None,
    engine: str,
    states: FileStates,
    environment: Mapping[str, str] = os.environ,
) -> str:
    """The digest; empty if something among the inputs cannot be compared.

    Args:
        request: what to build.
        kit: what it is built with.
        files: the choice of the app's files.
        run_image: digest of the image the app is put on.
        certificates: the bundle that builds see.
        engine: `engine_state`.
        states: knows contents of files.
        environment: of this process.
    """
    if not run_image or any(volume.writable for volume in request.volumes):
        return ""
    try:
        told: dict[str, Any] = {
            "format": _FORMAT,
            "engine": engine,
            "app": states.tree(request.app, files),
            "choice": files.texts,
            "options": {
                each.name: getattr(request, each.name)
                for each in fields(request)
                if each.name not in _LEFT_OUT
            },
            "variables": files.variables,
            "volumes": [(volume.target, states.tree(volume.source)) for volume in request.volumes],
            "kit": [str(kit.root), str(kit.lifecycle), str(kit.launcher), str(kit.builder)],
            "run image": run_image,
            "proxies": {name: environment.get(name, "") for name in _PROXIES},
            "certificates": states.tree(certificates) if certificates else "",
        }
    except (NotPlain, OSError):
        return ""
    return hashlib.sha256(json.dumps(told, sort_keys=True, default=dict).encode()).hexdigest()


def engine_state() -> str:
    """Stands for this program's own code, which a version does not in a checkout."""
    import cnbkit_engine

    total = hashlib.sha256()
    for folder in cnbkit_engine.__path__:
        for line in sorted(file_states(folder)):
            total.update(line.encode())
    return total.hexdigest()
