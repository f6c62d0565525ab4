"""The environment tests run in: of a person's shell only what says where things are.

What is set there for that person's own work would change what tests see: options for pytest, which
it has read by now and a test's own pytest must not; a virtual environment, modules on PYTHONPATH,
settings for buildpacks, messages in their language. Proxies are `tests.downloads`' subject.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["plain"]

_PERSONAL = {
    *("PYTEST_ADDOPTS", "PYTEST_PLUGINS", "PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP"),
    *("PYTHONWARNINGS", "PYTHONSAFEPATH", "PYTHONOPTIMIZE", "PYTHONUTF8", "PYTHONIOENCODING"),
    *("VIRTUAL_ENV", "VIRTUAL_ENV_PROMPT", "CONDA_PREFIX", "CONDA_DEFAULT_ENV", "LANGUAGE"),
    *("BASH_ENV", "ENV", "CDPATH", "GREP_OPTIONS", "NO_COLOR", "FORCE_COLOR", "CLICOLOR_FORCE"),
    *("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "DOCKER_HOST", "DOCKER_CONFIG", "TZ"),
}
_SETTINGS = ("BP_", "BPE_", "CNB_", "LC_", "VCAP_", "POETRY_", "PDM_", "PIPENV_", "HATCH_")


def plain(environment: Mapping[str, str]) -> dict[str, str]:
    """An environment without what is a person's own."""
    kept = {
        name: value
        for name, value in environment.items()
        if name not in _PERSONAL and not name.startswith(_SETTINGS)
    }
    return {**kept, "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}
