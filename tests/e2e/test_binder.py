"""A repository made for Binder, built by the reference builder as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cnbkit_engine.base.images import BaseImages
from cnbkit_engine.oci.store import ImageStore
from cnbkit_engine.state.home import Home

from .channel import PYTHON, Channel, Server, python_package, wheel_package
from .conftest import cnbkit

if TYPE_CHECKING:
    from .conftest import Project

FILES = {
    "binder/requirements.txt": "six==1.17.0\n",
    "binder/postBuild": "#!/bin/bash\npython3 -c 'import six; print(six.__version__)' >made\n",
    "binder/start": '#!/bin/bash\nexport SAID=hello\nexec "$@"\n',
    "index.ipynb": '{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}\n',
    # Nothing of the root counts beside the folder.
    "environment.yml": "dependencies:\n  - no-such-package\n",
    "requirements.txt": "no-such-package==999\n",
}


def test_it_has_its_packages_and_starts_what_a_hub_names(project: Project) -> None:
    project.write(FILES)
    planned = cnbkit("plan", str(project.app)).output
    assert "found binder/requirements.txt, binder/postBuild, binder/start" in planned
    said = project.build().output
    assert "Packages from binder/requirements.txt, and Jupyter (BP_PYTHON_INPUT)" in said
    program = "import jupyterlab, jupyterhub, six; print(open('made').read().strip())"
    # What is unpacked once is said before it.
    assert project.run("--", "python3", "-c", program).splitlines()[-1] == "1.17.0"
    assert project.run("--", "sh", "-c", 'echo "$SAID $REPO_DIR"').strip() == "hello /workspace"
    assert "jupyterlab" in project.run("--", "jupyter", "--version")
    [web] = [each for each in project.image().processes if each.default]
    assert (web.type, web.command) == ("web", ("binder-start",))


@pytest.fixture(scope="module")
def channel(tmp_path_factory: pytest.TempPathFactory) -> Channel:
    """conda-forge, as far as a repository asks it; small packages stand for Jupyter's."""
    work = tmp_path_factory.mktemp("channels")
    made = Channel(work / "conda-forge")
    home = Home.default()
    python_package(made, BaseImages(home, ImageStore(home.images)).ensure_build_root())
    wheel_package(made, "numpy", "2.2.0", work)
    for name in ("jupyterlab", "notebook", "jupyterhub", "pip"):
        made.add_pure(name, "1.0")
    made.index()
    return made


@pytest.mark.parametrize(
    "place", ["environment.yml", "environment.yaml", ".binder/environment.yml"]
)
def test_an_environment_gets_jupyter_from_conda_and_its_pip_section(
    place: str, project: Project, channel: Channel
) -> None:
    project.write(
        {
            place: f"dependencies:\n  - python={PYTHON}\n  - numpy\n  - pip\n"
            "  - pip:\n      - six==1.17.0\n",
            "requirements.txt": "no-such-package==999\n",  # the environment counts
            "index.ipynb": FILES["index.ipynb"],
        }
    )
    with Server(channel.folder.parent) as server:
        options = ("--env", "BP_BINDER=true", "--env", f"BP_CONDA_MIRROR={server.url}")
        said = project.build(*options).output
    assert f"Packages from {place}, and Jupyter (BP_CONDA_INPUT)" in said
    program = (
        "import sys, numpy, six, jupyterlab, notebook, jupyterhub; print(sys.version_info[:2])"
    )
    minor = tuple(map(int, PYTHON.split(".")))
    assert project.run("--", "python", "-c", program).splitlines()[-1] == str(minor)
    assert [each.command for each in project.image().processes] == [("binder-start",)]
