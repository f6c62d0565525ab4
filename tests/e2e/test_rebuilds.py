"""What a change rebuilds, by digests of layers: what depends on it, and the log says why."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from cnbkit_engine.state.home import Home
from cnbkit_pip.layers.partition import light_layer

from .conftest import CNBKIT, Project

if TYPE_CHECKING:
    from pathlib import Path

APP = "import idna, numpy, six\nprint(numpy.__version__, six.__version__)\n"
REQUIREMENTS = "numpy==2.2.6\nsix==1.16.0\nidna\n"
# The venv's layer has the key of everything, and the same contents as long as the layers do.
LIGHT, OTHER = (f"cnbkit/pip:{light_layer(name)}" for name in ("six", "idna"))
HEAVY = "cnbkit/pip:wheels-numpy"


@pytest.mark.smoke
def test_each_change_rebuilds_what_depends_on_it_and_nothing_else(project: Project) -> None:
    def changed(*options: str) -> tuple[set[str], str]:
        """Layers whose digest changes, and what the build said."""
        before = project.layers()
        output = project.build(*options).output
        after = project.layers()
        return {what for what in {*before, *after} if before.get(what) != after.get(what)}, output

    project.write({"app.py": APP, "requirements.txt": REQUIREMENTS})
    project.build()
    first = project.layers()

    layers, output = changed()
    assert layers == set()
    assert "requirements.txt unchanged" in output

    project.write({"app.py": f"{APP}# a comment\n"})
    layers, output = changed()
    assert layers == {"app"}
    assert "Resolving" not in output

    # A package without a version stays where it is although the file changed.
    project.write({"requirements.txt": REQUIREMENTS.replace("1.16.0", "1.17.0")})
    layers, output = changed()
    assert layers == {LIGHT, "app", "sbom"}
    assert "inputs changed: requirements.txt" in output
    assert "-six 1.16.0 +six 1.17.0" in output
    assert "idna" not in output.partition("packages changed")[2].partition("\n")[0]
    assert f"Reusing layer '{HEAVY}'" in output
    # So is another light one, whose layer does not depend on what the first is.
    assert f"Reusing layer '{OTHER}'" in output
    assert project.run() == "2.2.6 1.17.0\n"

    project.write({"requirements.txt": "numpy==2.2.5\nsix==1.17.0\nidna\n"})
    layers, output = changed()
    assert layers == {HEAVY, "app", "sbom"}
    assert "-numpy 2.2.6 +numpy 2.2.5" in output
    assert f"Reusing layer '{LIGHT}'" in output
    assert project.run() == "2.2.5 1.17.0\n"

    # What was before is made again, to the byte.
    project.write({"app.py": APP, "requirements.txt": REQUIREMENTS})
    changed()
    assert project.layers() == first


def test_a_second_machine_and_another_day_give_the_same_layers(
    project: Project, tmp_path: Path
) -> None:
    """Two homes with no cache; clock, umask, locale, time zone, cores and user's home differ."""
    project.write({"app.py": APP, "requirements.txt": REQUIREMENTS.replace("idna", "idna==3.10")})
    own = Home.default()
    found = []
    for number, (umask, cores, variables) in enumerate(
        [
            (0o022, "0", {"LC_ALL": "C", "TZ": "UTC"}),
            (0o077, "0-1", {"LC_ALL": "C.UTF-8", "TZ": "Asia/Tokyo", "PYTHONHASHSEED": "7"}),
        ]
    ):
        home = tmp_path / f"home-{number}"
        home.mkdir()
        # Base images and tools are not part of the question; the app's image and cache are new.
        for name in ("base", "tools", "buildpacks", "requirements"):
            (home / name).symlink_to(own.root / name)
        shutil.copytree(own.images, home / "images", copy_function=os.link)
        (home / "images" / "index.json").unlink()
        shutil.copy(own.images / "index.json", home / "images")
        for path in project.app.iterdir():
            os.utime(path, (number * 10**9, number * 10**9))
        folder = tmp_path / f"place-{number}"
        subprocess.run(["cp", "-r", project.app, folder], check=True)
        done = subprocess.run(
            ["taskset", "-c", cores, CNBKIT, "build", folder, "--tag", project.name],
            capture_output=True,
            text=True,
            umask=umask,
            env={**os.environ, "CNBKIT_HOME": str(home), **variables},
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        found.append(Project(folder, Home(home)))
        found[-1].name = project.name
    assert found[0].layers() == found[1].layers()
    assert found[0].image().digest == found[1].image().digest
