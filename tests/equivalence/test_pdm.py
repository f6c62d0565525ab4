"""Projects with a pdm.lock: what is installed is what `pdm sync` installs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ..e2e.test_frontends import PDM as TOOL
from .cases import tiered
from .harness import Case
from .projects import SETUPTOOLS, library, vendored

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ..e2e.index import PackageIndex
    from .harness import Outcome

# Not that of these tests' environment, which lacks what PDM needs to lock.
PDM = ("uv", "tool", "run", "--quiet", "--python", "{tools}/python", "--from", TOOL, "pdm")
HEAD = '[project]\nname = "app"\nversion = "1.0"\nrequires-python = ">=3.11"\n'
PROJECT = f"""{HEAD}dependencies = ["six", "colorama; sys_platform == 'win32'"]
[project.optional-dependencies]
Web_UI = ["idna"]
[dependency-groups]
dev = ["toml"]
Train = ["iniconfig"]
test = ["pluggy"]
"""
ENV = {"PDM_CHECK_UPDATE": "0", "PDM_IGNORE_ACTIVE_VENV": "0", "PDM_NON_INTERACTIVE": "1"}


pytestmark = [
    # PDM alone needs ten seconds for a case.
    pytest.mark.full,
    # Of libraries that PDM imports.
    pytest.mark.filterwarnings("ignore:open_text is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:open_binary is deprecated:DeprecationWarning"),
]


def locked(
    name: str,
    pyproject: str,
    *options: str,
    files: Mapping[str, str | bytes] | None = None,
    lock: tuple[str, ...] = (),
    exec_env: str = "production",
    **env: str,
) -> Case:
    """A project that PDM locks."""
    return Case(
        name,
        {"pyproject.toml": pyproject, **(files or {})},
        own=(
            (*PDM, "use", "--quiet", "-f", "{python}"),
            (*PDM, "sync", "--quiet", *(options or ("--prod",))),
        ),
        lock=((*PDM, "use", "--quiet", "-f", "{tools}/python"), (*PDM, "lock", "--quiet", *lock)),
        buildpacks=("python", "pdm", "pip"),
        env=env,
        own_env=ENV,
        exec_env=exec_env,
    )


def with_dependency(text: str, more: str = "") -> str:
    """A project with one more dependency."""
    return f"{HEAD}dependencies = ['six', {text!r}]\n{more}"


LIBRARY = {"lib/pyproject.toml": library("lib", "idna")}
ALL = ("--group", ":all")
CASES = [
    locked("production", PROJECT, lock=ALL),
    # PDM's --without is all that is locked, extras too, but for these.
    locked("a group", PROJECT, "--without", "dev,test,Web_UI", lock=ALL, BP_PYTHON_GROUPS="train"),
    locked("an extra", PROJECT, "--prod", "--group", "Web_UI", lock=ALL, BP_PYTHON_EXTRAS="web-ui"),
    locked("for tests", PROJECT, "--without", "Train,Web_UI", lock=ALL, exec_env="test"),
    locked("locked with the default groups", PROJECT),
    locked(
        "dev-dependencies",
        f'{HEAD}dependencies = ["six"]\n[tool.pdm.dev-dependencies]\nlint = ["toml"]\n',
        *("--group", "lint"),
        lock=ALL,
        BP_PYTHON_GROUPS="lint",
    ),
    locked("no distribution", f"{PROJECT}{SETUPTOOLS}[tool.pdm]\ndistribution = false\n"),
    locked(
        "a distribution",
        f"{PROJECT}{SETUPTOOLS}[tool.setuptools]\npy-modules = []\n"
        "[tool.pdm]\ndistribution = true\n",
    ),
    locked("static addresses", PROJECT, lock=("--strategy", "static_urls")),
    locked("without hashes of other platforms", PROJECT, lock=("--strategy", "no_cross_platform")),
    locked(
        "direct minimal versions",
        with_dependency("idna>=3"),
        lock=("--strategy", "direct_minimal_versions"),
    ),
    locked("extras of a dependency", with_dependency("requests[socks]==2.32.3")),
    locked("a path", with_dependency("lib @ file:///${PROJECT_ROOT}/lib"), files=LIBRARY),
    locked(
        "an editable path",
        f'{HEAD}dependencies = ["six"]\n[tool.pdm.dev-dependencies]\nown = ["-e file:///${{PROJECT_ROOT}}/lib#egg=lib"]\n',
        *("--group", "own"),
        files=LIBRARY,
        lock=ALL,
        BP_PYTHON_GROUPS="own",
    ),
    locked(
        "a wheel",
        with_dependency("demo @ file:///${PROJECT_ROOT}/vendor/demo-1.0-py3-none-any.whl"),
        files=vendored("demo", "1.0"),
    ),
    locked(
        "overrides",
        with_dependency("requests==2.32.3", '[tool.pdm.resolution.overrides]\nidna = "2.10"\n'),
    ),
    locked("odd toml", PROJECT.replace("[project]\n", "[ project ] # app\n")),
    locked("pythons for two", PROJECT, lock=("--python", ">=3.11")),
]


@pytest.mark.parametrize("case", tiered(CASES))
def test_the_image_has_what_pdm_syncs(case: Case, compare: Callable[..., Outcome]) -> None:
    compare(case)


def test_a_package_of_a_source(
    private_index: PackageIndex, compare: Callable[..., Outcome]
) -> None:
    source = f'[[tool.pdm.source]]\nname = "own"\nurl = "{private_index.url}"\n'
    source += 'verify_ssl = false\ninclude_packages = ["corplib"]\n'
    compare(locked("source", with_dependency("corplib", source)))
