"""Where programs that tests start put their temporary files: a folder that ends with the session.

uv leaves a lock for each folder that it builds, Pipenv its requests, and a killed test whatever it
had. What such tools keep for a person (environments of projects that are gone by then, caches) is
there, too. This process and its workers have their own where it always is, beside pytest's folders.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["begin", "end"]

_PREFIX = "cnbkit-tests-"
_LONGEST = 24 * 3600  # that a session lasts
_KEPT = {
    "PDM_CACHE_DIR": "pdm",
    "PIPENV_CACHE_DIR": "pipenv",
    "POETRY_CACHE_DIR": "poetry",  # with its environments
    "VIRTUALENV_OVERRIDE_APP_DATA": "virtualenv",
    "WORKON_HOME": "environments",  # Pipenv's
}
_folder = pytest.StashKey[Path]()


def begin(config: pytest.Config) -> None:
    """Let all that is started from here on use the folder; make it, if this is not a worker."""
    if hasattr(config, "workerinput"):
        tempfile.tempdir = str(Path(os.environ["TMPDIR"]).parent)
        return
    tempfile.tempdir = tempfile.gettempdir()
    for left in _left(Path(tempfile.tempdir)):
        shutil.rmtree(left, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=tempfile.tempdir))
    folder.chmod(0o1777)  # some are started as another user
    os.environ["TMPDIR"] = str(folder)
    os.environ.update({variable: f"{folder}/{name}" for variable, name in _KEPT.items()})
    config.stash[_folder] = folder


def end(config: pytest.Config) -> None:
    """Remove it."""
    if folder := config.stash.get(_folder, None):
        shutil.rmtree(folder, ignore_errors=True)


def _left(place: Path) -> Iterator[Path]:
    """Folders of sessions that were killed."""
    for each in place.glob(f"{_PREFIX}*"):
        with suppress(FileNotFoundError):  # of one that ends now
            status = each.lstat()
            if status.st_uid == os.geteuid() and time.time() - status.st_mtime > _LONGEST:
                yield each
