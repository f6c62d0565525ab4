"""Inputs a Python repository may hold, good ones and bad ones, through the real lifecycle."""

from __future__ import annotations

import io
import subprocess
import tarfile
from typing import TYPE_CHECKING

import pytest
from tests.e2e.conftest import cnbkit

from cnbkit_engine.base.suites import DEFAULT
from cnbkit_engine.testing import free_port

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Project

IMPORTS = "import sys\nfor name in sys.argv[1:] or {names!r}: print(__import__(name).__name__)\n"


def script(*names: str) -> str:
    return IMPORTS.format(names=list(names))


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=Test", "-c", "user.email=test@example.com")
    done = subprocess.run(
        ["git", *identity, *arguments], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def test_pinned_flask_answers_over_http_from_a_procfile(project: Project) -> None:
    project.write(
        {
            "requirements.txt": "flask==3.1.3\n",
            "hello.py": "from flask import Flask\napp = Flask(__name__)\n"
            "@app.get('/')\ndef hello(): return 'hello from flask'\n",
            "Procfile": "web: flask --app hello run --port $PORT\n",
        }
    )
    project.build()
    port = free_port()
    with project.start("web", env={"PORT": str(port)}) as web:
        assert web.http_get(port) == "hello from flask"


def test_a_c_extension_is_compiled_from_its_source(project: Project) -> None:
    files = {
        "spam-1.0/pyproject.toml": '[build-system]\nrequires = ["setuptools"]\n'
        'build-backend = "setuptools.build_meta"\n[project]\nname = "spam"\nversion = "1.0"\n',
        "spam-1.0/setup.py": "from setuptools import Extension, setup\n"
        "setup(ext_modules=[Extension('spam', ['spam.c'])])\n",
        "spam-1.0/PKG-INFO": "Metadata-Version: 2.1\nName: spam\nVersion: 1.0\n",
        "spam-1.0/spam.c": "#include <Python.h>\nstatic struct PyModuleDef m ="
        ' {PyModuleDef_HEAD_INIT, "spam", 0, -1, 0};\n'
        "PyMODINIT_FUNC PyInit_spam(void) { return PyModule_Create(&m); }\n",
    }
    sdist = io.BytesIO()
    with tarfile.open(fileobj=sdist, mode="w:gz") as archive:
        for name, text in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(text)
            archive.addfile(info, io.BytesIO(text.encode()))
    project.write(
        {
            "vendor/spam-1.0.tar.gz": sdist.getvalue(),
            "requirements.txt": "./vendor/spam-1.0.tar.gz\n",
            "app.py": script("spam"),
        }
    )
    project.build()
    assert project.run() == "spam\n"


def test_requirements_with_hashes_install_and_a_wrong_hash_does_not(project: Project) -> None:
    right = "sha256:1021f241d5fb1b6abe4f36c9ce4d6a18c7f3a8ba4a2d2a0fb8ea3cf0f28ea4d0"
    project.write({"app.py": script("six"), "requirements.txt": "six==1.17.0 \\\n"})
    hashes = (
        "4721f391ed90541fddacab5acf947aa0d3dc7d27b2e1e8eda2be8970586c3274",
        "ff70335d468e7eb6ec65b95b99d3a2836546063f63acc5171de367e834932a81",
    )
    lines = " \\\n".join(f"    --hash=sha256:{each}" for each in hashes)
    project.write({"requirements.txt": f"six==1.17.0 \\\n{lines}\n"})
    project.build()
    assert project.run() == "six\n"
    digest = project.image().digest

    project.write({"requirements.txt": f"six==1.17.0 --hash={right}\n"})
    failed = project.build(code=51)
    assert "no file of six 1.17.0 in the index has an allowed hash" in failed.output
    assert "where: requirements.txt:1" in failed.output
    assert project.image().digest == digest


def test_included_files_are_part_of_the_key(project: Project) -> None:
    project.write(
        {
            "requirements.txt": "-r deps/base.txt\n-c constraints.txt\n",
            "deps/base.txt": "-r more.txt\nsix\n",
            "deps/more.txt": "iniconfig\n",
            "constraints.txt": "six==1.16.0\n",
            "app.py": "import importlib.metadata as m, iniconfig; print(m.version('six'))\n",
        }
    )
    project.build()
    assert project.run() == "1.16.0\n"
    project.write({"constraints.txt": "six==1.17.0\n"})
    rebuilt = project.build()
    assert "constraints.txt" in rebuilt.output
    assert project.run() == "1.17.0\n"


def test_a_git_dependency_from_a_local_repository(project: Project, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "eggs.py").write_text("TASTE = 'good'\n")
    (source / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'
        '[project]\nname = "eggs"\nversion = "2.0"\n[tool.setuptools]\npy-modules = ["eggs"]\n'
    )
    git(source, "init", "-q")
    git(source, "add", ".")
    git(source, "commit", "-qm", "eggs")
    git(tmp_path, "clone", "-q", "--bare", "source", str(project.app / "vendor" / "eggs"))
    project.write(
        {
            "requirements.txt": "eggs @ git+file:///workspace/vendor/eggs\n",
            "app.py": "import eggs; print(eggs.TASTE)\n",
        }
    )
    project.build()
    assert project.run() == "good\n"


def test_an_empty_requirements_file_gives_an_image_without_packages(project: Project) -> None:
    project.write({"requirements.txt": "", "app.py": "print('nothing needed')\n"})
    project.build()
    assert project.run() == "nothing needed\n"


def test_an_app_without_requirements_runs_on_the_base_image(project: Project) -> None:
    project.write({"app.py": "print('just python')\n"})
    project.build()
    assert project.run() == "just python\n"


GOOD = {"requirements.txt": "six==1.17.0\n", "app.py": "print('still here')\n"}


@pytest.mark.parametrize(
    ("requirements", "what", "where"),
    [
        pytest.param(
            b"six\nflask==99.9\n",
            "there is no flask==99.9",
            "requirements.txt:2",
            id="unresolvable pin",
        ),
        pytest.param(
            b"six\n\nno-such-package-cnbkit-1\n",
            "there is no package no-such-package-cnbkit-1 in the index",
            "requirements.txt:3",
            id="unknown package",
        ),
        pytest.param(
            b"six\n# fine\nflask = = 3\n",
            "'flask = = 3' is not a requirement",
            "requirements.txt:3",
            id="syntax error",
        ),
        pytest.param(
            b"six\n# caf\xe9\n",
            "requirements.txt is not UTF-8 (byte 0xe9)",
            "requirements.txt:2",
            id="not UTF-8",
        ),
        pytest.param(
            b"six\n-r missing.txt\n",
            "there is no file missing.txt",
            "requirements.txt:2",
            id="missing include",
        ),
    ],
)
def test_a_bad_file_is_explained_and_the_last_image_stays(
    project: Project, requirements: bytes, what: str, where: str
) -> None:
    project.write(GOOD)
    project.build()
    digest = project.image().digest

    project.write({"requirements.txt": requirements})
    failed = project.build(code=51)
    assert f"Error: {what}" in failed.output
    assert f"where: {where}" in failed.output
    assert "to do: " in failed.output
    assert "Traceback" not in failed.output

    assert project.image().digest == digest
    assert project.run() == "still here\n"
    project.write(GOOD)
    project.build()
    assert project.image().digest == digest


def test_a_misspelt_file_name_is_explained(project: Project) -> None:
    project.write({"requirments.txt": "six\n", "app.py": "print(1)\n"})
    failed = project.build(code=51)
    assert "there is no requirements.txt, but a requirments.txt" in failed.output


def test_no_app_at_all_says_what_was_looked_for(project: Project) -> None:
    project.write({"notes.md": "hello\n"})
    failed = project.build(code=20)
    assert "no buildpack recognises this app" in failed.output
    assert "skip: none of requirements.txt" in failed.output
    assert "Traceback" not in failed.output


def test_an_app_in_a_folder_is_found_in_twelve_lines_and_built_as_they_say(
    project: Project,
) -> None:
    project.write({"web/app.py": "print('found')\n", "Dockerfile": "FROM scratch\n", "a.md": ""})
    options = ("--tag", project.name, "--env", f"BP_PYTHON_VERSIONS={DEFAULT.python}")
    failed = cnbkit("build", str(project.app), *options)
    assert failed.code == 20, failed.output
    assert len(failed.output.splitlines()) <= 12, failed.output
    [line] = failed.lines("  to do: cnbkit build ")
    built = cnbkit("build", line.removeprefix("  to do: cnbkit build "), *options)
    assert built.code == 0, built.output
    assert project.run() == "found\n"
    warning = "Warning: no buildpack of the builder reads BP_PYTHON_VERSIONS, from --env"
    assert built.lines(warning) == [f"{warning}; the nearest is BP_PYTHON_VERSION"]


def test_another_tools_file_is_named_before_the_buildpacks_speak(project: Project) -> None:
    project.write({"app.py": "print(1)\n", "Dockerfile": "FROM scratch\n"})
    lines = project.build().output.splitlines()
    [note] = [line for line in lines if line.startswith("Not used: Dockerfile (")]
    assert lines.index("===> RESTORING") < lines.index(note) < lines.index("python 0.1.0")
