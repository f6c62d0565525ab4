"""What earlier buildpacks tell, for a buildpack that is tried without them."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cnbkit import PythonBuild
from cnbkit.python_build import VARIABLE

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["heard", "telling"]

_FOLDER = tempfile.TemporaryDirectory(prefix="told-", dir=os.environ.get("TMPDIR"))


def telling(env: Mapping[str, str] | None = None, **fields: Any) -> dict[str, str]:
    """The variable that names a document with these fields.

    Args:
        env: what this adds to: the document that it names is taken over, with its fields.
        fields: those of `PythonBuild`.
    """
    before = heard(env) if env and VARIABLE in env else PythonBuild()
    folder = tempfile.mkdtemp(dir=_FOLDER.name)
    return {VARIABLE: before.replace(**fields).write(folder)}


def heard(env: Mapping[str, str]) -> PythonBuild:
    """What a build's environment tells; nothing, if it has no such variable."""
    path = env.get(VARIABLE)
    return PythonBuild.loads(Path(path).read_text(), where=path) if path else PythonBuild()
