"""Repositories made for Binder: what repo2docker reads is handed to the buildpacks that do it."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from cnbkit import LayerEnv
from cnbkit_apt import Apt
from cnbkit_binder import Binder
from cnbkit_conda import Conda
from cnbkit_hooks import PostBuild
from cnbkit_pip import Pip
from cnbkit_python import Python
from cnbkit_start import Start

if TYPE_CHECKING:
    from tests.buildpacks.conftest import Phases

    from cnbkit.testing import DetectGroup
    from cnbkit.testing.group import Member

# As in the reference builder, as far as it matters here.
ORDER: tuple[list[Member], ...] = (
    [Binder, (Apt, True), Python, Pip, (PostBuild, True)],
    [Binder, (Apt, True), Conda, (Pip, True), (PostBuild, True)],
    [(Apt, True), Conda, (Pip, True), (PostBuild, True), Start],
    [(Apt, True), Python, (Pip, True), (PostBuild, True), Start],
)


def group(found: tuple[str, ...]) -> list[str]:
    return [each.rpartition("/")[2] for each in found]


@pytest.mark.parametrize(
    ("files", "env", "expected"),
    [
        (["binder/requirements.txt"], {}, "binder python pip"),
        ([".binder/requirements.txt", "binder.md"], {}, "binder python pip"),
        (["binder/apt.txt", "binder/requirements.txt"], {}, "binder apt python pip"),
        (["binder/postBuild"], {}, "binder python pip postbuild"),
        (["binder/environment.yml"], {}, "binder conda pip"),
        # The root's does not count.
        (["binder/requirements.txt", "environment.yml"], {}, "binder python pip"),
        (["start"], {}, "binder python pip"),
        (["postBuild", "requirements.txt"], {}, "binder python pip postbuild"),
        (["apt.txt", "index.ipynb"], {}, "binder apt python pip"),
        (["index.ipynb"], {"BP_BINDER": "true"}, "binder python pip"),
        (["environment.yml", "a.ipynb", "postBuild"], {}, "binder conda pip postbuild"),
        # An app besides: nothing changes for it.
        (["binder/environment.yml", "app.py"], {}, "python pip start"),
        (["binder/apt.txt", "app.py", "requirements.txt"], {}, "python pip start"),
        (["start", "Procfile"], {}, "python pip start"),
        (["binder/apt.txt", "app.py"], {"BP_BINDER": "true"}, "binder apt python pip"),
        (["start", "app.py"], {"BP_BINDER": "false"}, "python pip start"),
        (["apt.txt", "app.py"], {}, "apt python pip start"),
        (["environment.yml", "app.py", "binder/x"], {}, "conda pip start"),
    ],
)
def test_who_takes_part(
    detect_group: DetectGroup, files: list[str], env: dict[str, str], expected: str
) -> None:
    texts = {"Procfile": "web: python3 -V\n", "app.py": "print()\n", "apt.txt": "git\n"}
    app = {name: texts.get(name.rpartition("/")[2], "") for name in files}
    found = detect_group(*ORDER, app=app, env=env)
    assert found.code == 0, found.log
    assert group(found.group) == expected.split()


def told(phases: Phases) -> dict[str, str]:
    """What the buildpacks behind it get."""
    layer = phases.layers / "told"
    return LayerEnv.read(str(layer)).apply_layer({}, str(layer), phase="build")


def build(phases: Phases, **files: str) -> dict[str, str]:
    for name, text in files.items():
        (phases.app / name).parent.mkdir(parents=True, exist_ok=True)
        phases.write(name, text)
    ran = phases.build(Binder())
    assert ran.fault is None
    assert ran.err == ""
    return told(phases)


def test_the_folders_files_are_told_and_jupyter_is_added(phases: Phases) -> None:
    found = build(
        phases,
        **{
            ".binder/requirements.txt": "numpy\n",
            ".binder/apt.txt": "git\n",
            ".binder/postBuild": "#!/bin/sh\n",
            ".binder/runtime.txt": "python-3.11\n",
            "requirements.txt": "no-such\n",
            "apt.txt": "no-such\n",
        },
    )
    assert found == {
        "BP_PYTHON_INPUT": ".binder/requirements.txt,.cnbkit/binder/requirements.txt",
        "BP_APT_INPUT": ".binder/apt.txt",
        "BP_POST_BUILD": ".binder/postBuild",
        "BP_PYTHON_VERSION": "3.11",
    }
    made = (phases.app / ".cnbkit/binder/requirements.txt").read_text().splitlines()
    assert made == ["jupyterlab", "notebook", "jupyterhub"]
    assert os.access(phases.app / ".binder/postBuild", os.X_OK)


def test_who_builds_may_say_otherwise(phases: Phases) -> None:
    build(phases, **{"binder/requirements.txt": "numpy\n"})
    layer = phases.layers / "told"
    mine = {"BP_PYTHON_INPUT": "mine.txt"}
    assert LayerEnv.read(str(layer)).apply_layer(mine, str(layer), phase="build") == mine


@pytest.mark.parametrize("name", ["pyproject.toml", "setup.py"])
def test_a_project_is_installed_where_nothing_else_says_what(phases: Phases, name: str) -> None:
    found = build(phases, **{name: "", "postBuild": "#!/bin/sh\n"})
    assert found["BP_PYTHON_INPUT"] == ".cnbkit/binder/requirements.txt"
    made = (phases.app / ".cnbkit/binder/requirements.txt").read_text().splitlines()
    assert made[-1] == "-e ."


@pytest.mark.parametrize(
    ("text", "made"),
    [
        (
            "name: x\ndependencies:\n  # said\n  - numpy\n  - pip:\n      - six\n",
            (
                "name: x\ndependencies:\n  # said\n  - jupyterlab\n  - notebook\n  - jupyterhub\n"
                "  - numpy\n  - pip:\n      - six\n"
            ),
        ),
        (
            "dependencies:\n- numpy\n",
            "dependencies:\n- jupyterlab\n- notebook\n- jupyterhub\n- numpy\n",
        ),
        # It has it, or is written in another way.
        ("dependencies:\n  - jupyterlab=4\n", None),
        ("dependencies: [numpy]\n", None),
    ],
)
def test_jupyter_is_added_to_an_environment(phases: Phases, text: str, made: str | None) -> None:
    found = build(phases, **{"binder/environment.yml": text})
    copy = phases.app / ".cnbkit/binder/environment.yml"
    assert found["BP_CONDA_INPUT"] == (
        ".cnbkit/binder/environment.yml" if made else "binder/environment.yml"
    )
    assert (copy.read_text() if copy.exists() else None) == made
    assert (phases.app / "binder/environment.yml").read_text() == text


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("binder/Pipfile", "what to write into binder/requirements.txt"),
        ("binder/Pipfile.lock", "what to write into binder/requirements.txt"),
        ("Pipfile", "what to write into requirements.txt"),
        (".binder/install.R", "write the packages into .binder/environment.yml, as r-NAME"),
        ("binder/Project.toml", "write `julia` into binder/environment.yml"),
        ("binder/default.nix", "write the packages into binder/environment.yml"),
        ("binder/Dockerfile", "`cnbkit adopt binder/Dockerfile` says what that is"),
    ],
)
def test_an_image_without_what_the_repository_asks_for_is_not_made(
    phases: Phases, name: str, change: str
) -> None:
    (phases.app / name).parent.mkdir(exist_ok=True)
    for file in (name, "postBuild", "setup.py"):
        phases.write(file, "")
    fault = phases.build(Binder()).fault
    assert fault is not None
    assert (fault.what, fault.where) == (f"{name} says what to install, and is not read here", name)
    assert change in (fault.remedy or "")


def test_of_two_that_say_what_to_install_the_one_that_is_not_read_is_told(phases: Phases) -> None:
    (phases.app / "binder").mkdir()
    phases.write("binder/Pipfile", "")
    phases.write("binder/requirements.txt", "numpy\n")
    ran = phases.build(Binder())
    assert ran.fault is None
    said = "binder/Pipfile is not read: the packages are those of binder/requirements.txt"
    assert said in ran.out + ran.err


@pytest.mark.parametrize("setting", ["BP_PYTHON_INPUT", "BP_PYTHON_FOLDER", "BP_CONDA_INPUT"])
def test_whoever_says_what_to_install_need_not_say_it_twice(phases: Phases, setting: str) -> None:
    (phases.app / "binder").mkdir()
    phases.write("binder/Pipfile", "")
    phases.env[setting] = "binder"
    assert phases.build(Binder()).fault is None


def test_two_folders_are_refused(phases: Phases) -> None:
    for name in ("binder", ".binder"):
        (phases.app / name).mkdir()
    ran = phases.build(Binder())
    assert "a folder binder and a folder .binder" in str(ran.fault)


START = '#!/bin/bash\nexport SAID=hello\nexec "$@"\n'


def start(phases: Phases, *arguments: str) -> str:
    """What the image's program prints, with a `jupyter` that prints its arguments."""
    programs = phases.app.parent / "programs"
    programs.mkdir()
    (programs / "jupyter").write_text('#!/bin/sh\necho jupyter "$@"\n')
    (programs / "jupyter").chmod(0o755)
    layer = phases.layers / "entry"
    env = LayerEnv.read(str(layer)).apply_layer({}, str(layer), phase="launch")
    path = f"{env.pop('PATH', '')}:{layer}/bin:{programs}:/usr/bin:/bin"
    done = subprocess.run(
        [layer / "bin/binder-start", *arguments],
        env={**env, "PATH": path, "HOME": "/home/x", "PORT": "1234"},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_jupyter_starts_if_nothing_is_named(phases: Phases) -> None:
    build(phases, **{"binder/requirements.txt": ""})
    assert start(phases) == "jupyter lab --ip 0.0.0.0 --port 1234 --no-browser\n"


def test_what_is_named_starts_in_the_repository_behind_its_start(phases: Phases) -> None:
    build(phases, **{"binder/start": START})
    said = start(phases, "sh", "-c", 'echo "$SAID|$PWD|$REPO_DIR|$PATH"').strip().split("|")
    assert said[:3] == ["hello", str(phases.app), str(phases.app)]
    assert said[3].startswith(f"/home/x/.local/bin:{phases.app}/.local/bin:")


def test_apt_reads_the_file_that_is_named(phases: Phases) -> None:
    from cnbkit.app import App
    from cnbkit_aptfile import Inputs

    (phases.app / "binder").mkdir()
    phases.write("binder/apt.txt", "git\n")
    phases.write("Aptfile", "ffmpeg\n")
    app = App(str(phases.app))
    assert Inputs.find(app, "binder/apt.txt").texts == {"binder/apt.txt": "git\n"}
    assert Inputs.find(app).texts == {"Aptfile": "ffmpeg\n"}
