"""A repository made for Binder, built by the reference builder as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
