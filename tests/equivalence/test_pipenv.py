"""Projects with a Pipfile.lock: what is installed is what `pipenv sync` installs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .cases import tiered
from .harness import Case
from .projects import library, vendored

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from ..e2e.index import PackageIndex
    from .harness import Outcome

ENV = {"PIPENV_QUIET": "1", "PIPENV_NOSPIN": "1", "PIPENV_YES": "1"}
PACKAGES = """[packages]
six = "*"
colorama = { version = "*", markers = "sys_platform == 'win32'" }
"""


def locked(
    name: str,
    pipfile: str,
    *options: str,
    files: Mapping[str, str | bytes] | None = None,
    exec_env: str = "production",
    **env: str,
) -> Case:
    """A project that Pipenv locks."""
    return Case(
        name,
        {"Pipfile": pipfile, **(files or {})},
        own=(("pipenv", "sync", *options),),
        lock=(("pipenv", "lock", "--python", "{tools}/python"),),
        buildpacks=("python", "pipenv", "pip"),
        env=env,
        own_env=ENV,
        exec_env=exec_env,
    )


LIBRARY = {"lib/pyproject.toml": library("lib", "idna")}
CASES = [
    locked("packages", PACKAGES),
    locked("dev-packages left out", f'{PACKAGES}[dev-packages]\ntoml = "*"\n'),
    locked(
        "dev-packages", f'{PACKAGES}[dev-packages]\ntoml = "*"\n', "--dev", BP_PYTHON_GROUPS="dev"
    ),
    locked("for tests", f'{PACKAGES}[dev-packages]\ntoml = "*"\n', "--dev", exec_env="test"),
    locked(
        "a category",
        f'{PACKAGES}[train]\niniconfig = "*"\n',
        *("--categories", "packages train"),
        BP_PYTHON_GROUPS="train",
    ),
    locked(
        "names in any spelling",
        '[packages]\nSix = "*"\n"Flask_Session" = "<1"\n"zope.interface" = "*"\n',
    ),
    locked("ranges", '[packages]\nsix = ">=1.10,<1.17"\nidna = "~=3.4"\ntoml = "==0.10.*"\n'),
    locked("extras", '[packages]\nrequests = { version = "==2.32.3", extras = ["socks"] }\n'),
    locked(
        "a pre-release", '[packages]\nattrs = "*"\nsix = "*"\n[pipenv]\nallow_prereleases = true\n'
    ),
    locked("a path", '[packages]\nlib = { path = "./lib" }\n', files=LIBRARY),
    locked(
        "an editable path", '[packages]\nlib = { path = "./lib", editable = true }\n', files=LIBRARY
    ),
    locked(
        "the app itself",
        '[packages]\napp = { path = ".", editable = true }\n',
        files={"pyproject.toml": library("app", "six")},
    ),
    locked(
        "a wheel",
        '[packages]\ndemo = { path = "./vendor/demo-1.0-py3-none-any.whl" }\nsix = "*"\n',
        files=vendored("demo", "1.0"),
    ),
    locked(
        "keys that are markers", f"{PACKAGES}toml = {{ version = '*', os_name = \"== 'nt'\" }}\n"
    ),
    locked("requires", f'{PACKAGES}[requires]\npython_version = "3.11"\n'),
    locked("scripts", f'{PACKAGES}[scripts]\nstart = "python app.py"\n'),
]


@pytest.mark.parametrize("case", tiered(CASES))
def test_the_image_has_what_pipenv_syncs(case: Case, compare: Callable[..., Outcome]) -> None:
    compare(case)


@pytest.mark.full
def test_a_git_dependency(git_library: Path, compare: Callable[..., Outcome]) -> None:
    source = f'{{ git = "file://{git_library}", subdirectory = "py", ref = "main" }}'
    compare(locked("git", f"[packages]\neggs = {source}\n"))


@pytest.mark.full
def test_a_package_of_a_second_source(
    private_index: PackageIndex, default_index: str, compare: Callable[..., Outcome]
) -> None:
    text = f'[[source]]\nname = "main"\nurl = "{default_index}"\nverify_ssl = true\n'
    text += f'[[source]]\nname = "own"\nurl = "{private_index.url}"\nverify_ssl = false\n'
    compare(locked("sources", f'{text}{PACKAGES}corplib = {{ version = "*", index = "own" }}\n'))
