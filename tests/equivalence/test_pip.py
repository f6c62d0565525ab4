"""Requirements files and pip's projects: what is installed is what `pip install` installs."""

from __future__ import annotations

import dataclasses
import hashlib
from typing import TYPE_CHECKING

import pytest

from ..e2e.index import sdist, wheel, wheel_name
from .cases import tiered
from .harness import Case, in_folder, pip_install

if TYPE_CHECKING:
    from collections.abc import Callable

    from cnbkit.testing.inputs import Files

    from .harness import Outcome

FROM_FILE = pip_install("-r", "requirements.txt")
PROJECT = pip_install("-e", ".")
SETUPTOOLS = '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'
DEMO, DEMO_FILE = wheel("demo", "1.0"), wheel_name("demo", "1.0")
OTHER, OTHER_FILE = wheel("other", "2.0"), wheel_name("other", "2.0")
VENDOR = {f"vendor/{DEMO_FILE}": DEMO, f"vendor/{OTHER_FILE}": OTHER}
SHA256, SHA384, SHA512, SHA1, MD5 = (
    f"{kind}:{hashlib.new(kind, DEMO).hexdigest()}"
    for kind in ("sha256", "sha384", "sha512", "sha1", "md5")
)
WRONG = f"sha256:{'0' * 64}"
NO_MODULES = "[tool.setuptools]\npy-modules = []\n"
PLAIN = '[project]\nname = "app"\nversion = "1"\ndependencies = ["six"]\n' + NO_MODULES
SETUP_CFG = (
    "[metadata]\nname = cfg\nversion = 1.2\n[options]\ninstall_requires = six\npy_modules =\n"
)
KEYS = "name = 'app'\nversion = '1'\ndependencies = ['six']\n"
EXTRA = '[project.optional-dependencies]\nx = ["six"]\n'
SETUP_PY = "from setuptools import setup\nsetup(name='plain', version='3.1', py_modules=['a'])\n"


def requirements(
    name: str, text: str | bytes, files: Files | None = None, *, refused: bool = False
) -> Case:
    """A requirements.txt, and further files."""
    return Case(name, {"requirements.txt": text, **(files or {})}, FROM_FILE, refused=refused)


def project(name: str, text: str, files: Files | None = None) -> Case:
    """A pyproject.toml, and further files."""
    return Case(name, {"pyproject.toml": text, **(files or {})}, PROJECT)


def library(name: str, *dependencies: str) -> str:
    """A pyproject.toml of a package without code."""
    return (
        f'[project]\nname = "{name}"\nversion = "1.0"\ndependencies = {[*dependencies]!r}\n'
        f"{SETUPTOOLS}[tool.setuptools]\npy-modules = []\n"
    )


FORMS = [
    requirements("pins", "six==1.16.0\niniconfig==2.0.0\n"),
    requirements("ranges", "six>=1.10,<1.17\nidna~=3.4\n"),
    requirements("extras", "requests[socks]==2.32.3\nrequests\n"),
    requirements("markers", "six\ncolorama; sys_platform == 'win32'\ntoml; python_version > '3'\n"),
    requirements("continued lines", "six==1.16.0 \\\n  # no\niniconfig \\\n ==2.0.0\n"),
    requirements(
        "includes",
        "-r deps/base.txt\n",
        {"deps/base.txt": "--requirement more.txt\n", "deps/more.txt": "six\n"},
    ),
    requirements(
        "include, tab, comment", "-r base.txt\t# c\niniconfig\t# d\n", {"base.txt": "six\n"}
    ),
    requirements("include, quoted", '-r "my base.txt"\n', {"my base.txt": "six\n"}),
    requirements("include of a variable", "-r ${DIR}/b.txt\n", {"deps/b.txt": "six\n"}),
    requirements("constraints", "six\n-c limits.txt\n", {"limits.txt": "six<1.17\ntoml==0.10.1\n"}),
    requirements("pre-releases", "--pre\nflask-session<1.0\n"),
    requirements("prefer binary", "--prefer-binary\nsix\n"),
    requirements("trusted host", "--trusted-host example.com\nsix\n"),
    requirements("UTF-16 of PowerShell", "six==1.16.0\r\niniconfig\r\n".encode("utf-16")),
    requirements("UTF-16 big endian", b"\xfe\xff" + "six==1.16.0\n".encode("utf-16-be")),
    requirements("UTF-8 with a mark", "\ufeffsix==1.16.0\n"),
    requirements(
        "mark in an included file", "-r b.txt\n", {"b.txt": "six==1.16.0\n".encode("utf-16")}
    ),
    requirements("Latin-1 that says so", b"# -*- coding: latin-1 -*-\n# caf\xe9\nsix\n"),
    requirements("wheel by path", f"./vendor/{DEMO_FILE}\n", VENDOR),
    requirements("wheel by bare path", f"vendor/{DEMO_FILE}\n", VENDOR),
    requirements("wheel beside", f"{DEMO_FILE}\n", {DEMO_FILE: DEMO}),
    requirements("wheel by file URL", f"file://{{app}}/vendor/{DEMO_FILE}\n", VENDOR),
    requirements("named wheel by file URL", f"demo @ file://{{app}}/vendor/{DEMO_FILE}\n", VENDOR),
    requirements("find-links", "--no-index\n--find-links vendor\ndemo\nother\n", VENDOR),
    requirements("find-links to nothing", "-f ./absent\n--find-links vendor\ndemo\nsix\n", VENDOR),
    requirements("editable folder", "-e lib\n", {"lib/pyproject.toml": library("lib", "six")}),
    requirements("editable folder, dotted", "-e ./lib\n", {"lib/pyproject.toml": library("lib")}),
    requirements("folder", "./lib\n", {"lib/pyproject.toml": library("lib", "six")}),
    requirements("folder by bare path", "src/lib\n", {"src/lib/pyproject.toml": library("lib")}),
    requirements(
        "folder with an extra", "./lib[x]\n", {"lib/pyproject.toml": library("lib") + EXTRA}
    ),
    requirements(
        "folder of an included file",
        "-r deps/r.txt\n",
        {
            "deps/r.txt": "./lib\n",
            "lib/pyproject.toml": library("lib"),
            "deps/lib/pyproject.toml": library("inner"),
        },
    ),
    requirements("app with build-system", "-e .\n", {"pyproject.toml": library("app", "six")}),
    requirements("app without build-system", "-e .\n", {"pyproject.toml": PLAIN}),
    requirements("app as a copy", ".\n", {"pyproject.toml": PLAIN}),
    requirements("app with an extra", "-e .[x]\n", {"pyproject.toml": library("app") + EXTRA}),
    requirements(
        "app with setup.cfg", ".\n", {"pyproject.toml": SETUPTOOLS, "setup.cfg": SETUP_CFG}
    ),
    requirements("app with setup.py", "-e .\n", {"setup.py": SETUP_PY, "a.py": ""}),
    requirements("no-binary", "--no-binary six\nsix==1.16.0\n"),
    requirements("only-binary", "--only-binary :all:\nsix\n"),
    requirements(
        "sdist of the app", "./demo-1.0.tar.gz\n", {"demo-1.0.tar.gz": sdist("demo", "1.0")}
    ),
    requirements("settings of a backend", "six --config-settings='a=b'\n"),
]
HASHES = [
    requirements("sha256", f"./vendor/{DEMO_FILE} --hash={SHA256}\n", VENDOR),
    requirements("sha384", f"./vendor/{DEMO_FILE} --hash={SHA384}\n", VENDOR),
    requirements("sha512", f"./vendor/{DEMO_FILE} --hash={SHA512}\n", VENDOR),
    requirements(
        "several",
        f"./vendor/{DEMO_FILE} --hash={WRONG} --hash={SHA512} \\\n --hash={SHA256}\n",
        VENDOR,
    ),
    requirements("with a space", f"./vendor/{DEMO_FILE} --hash {SHA256}\n", VENDOR),
    requirements("named", f"demo @ file://{{app}}/vendor/{DEMO_FILE} --hash={SHA256}\n", VENDOR),
    requirements("of an index", f"--no-index\n-f vendor\ndemo==1.0 --hash={SHA256}\n", VENDOR),
    requirements(
        "of an index, sha512", f"--no-index\n-f vendor\ndemo==1.0 --hash={SHA512}\n", VENDOR
    ),
    requirements(
        "of a constraint",
        "--no-index\n-f vendor\ndemo\n-c c.txt\n",
        {**VENDOR, "c.txt": f"demo==1.0 --hash={SHA256}\n"},
    ),
    requirements(
        "in a URL", f"demo @ file://{{app}}/vendor/{DEMO_FILE}#sha256={SHA256[7:]}\n", VENDOR
    ),
]
WRONG_HASHES = [
    requirements("by path", f"./vendor/{DEMO_FILE} --hash={WRONG}\n", VENDOR, refused=True),
    requirements("by bare path", f"vendor/{DEMO_FILE} --hash={WRONG}\n", VENDOR, refused=True),
    requirements(
        "by file URL", f"file://{{app}}/vendor/{DEMO_FILE} --hash={WRONG}\n", VENDOR, refused=True
    ),
    requirements(
        "named", f"demo @ file://{{app}}/vendor/{DEMO_FILE} --hash={WRONG}\n", VENDOR, refused=True
    ),
    requirements(
        "sha512", f"./vendor/{DEMO_FILE} --hash=sha512:{'0' * 128}\n", VENDOR, refused=True
    ),
    requirements(
        "of an index", f"--no-index\n-f vendor\ndemo==1.0 --hash={WRONG}\n", VENDOR, refused=True
    ),
    requirements(
        "of an index, sha512",
        f"--no-index\n-f vendor\ndemo==1.0 --hash=sha512:{'0' * 128}\n",
        VENDOR,
        refused=True,
    ),
    requirements(
        "of a constraint",
        "--no-index\n-f vendor\ndemo\n-c c.txt\n",
        {**VENDOR, "c.txt": f"demo==1.0 --hash={WRONG}\n"},
        refused=True,
    ),
    requirements(
        "in a URL",
        f"demo @ file://{{app}}/vendor/{DEMO_FILE}#sha256={WRONG[7:]}\n",
        VENDOR,
        refused=True,
    ),
    requirements(
        "in a URL of no name",
        f"file://{{app}}/vendor/{DEMO_FILE}#sha256={WRONG[7:]}\n",
        VENDOR,
        refused=True,
    ),
    requirements(
        "some without",
        f"--no-index\n-f vendor\ndemo==1.0 --hash={SHA256}\nother==2.0\n",
        VENDOR,
        refused=True,
    ),
    requirements(
        "path beside hashes",
        f"--no-index\n-f vendor\ndemo==1.0 --hash={SHA256}\n./vendor/{OTHER_FILE}\n",
        VENDOR,
        refused=True,
    ),
    requirements(
        "folder beside hashes",
        f"--no-index\n-f vendor\ndemo==1.0 --hash={SHA256}\n./lib\n",
        {**VENDOR, "lib/pyproject.toml": library("lib")},
        refused=True,
    ),
    requirements("sha1", f"./vendor/{DEMO_FILE} --hash={SHA1}\n", VENDOR, refused=True),
    requirements("md5", f"./vendor/{DEMO_FILE} --hash={MD5}\n", VENDOR, refused=True),
]
PROJECTS = [
    project("comment behind a table", f"[project]  # comment\n{KEYS}{SETUPTOOLS}{NO_MODULES}"),
    project("spaces in a table's name", f"[ project ]\n{KEYS}{SETUPTOOLS}{NO_MODULES}"),
    project("quoted table", f"['project']\n{KEYS}{SETUPTOOLS}{NO_MODULES}"),
    project(
        "dotted keys",
        f"project.name = 'app'\nproject.version = '1'\nproject.dependencies = ['six']\n"
        f"{SETUPTOOLS}{NO_MODULES}",
    ),
    project(
        "inline table",
        f"project = {{name = 'app', version = '1', dependencies = ['six']}}\n"
        f"{SETUPTOOLS}{NO_MODULES}",
    ),
    project("build-system and setup.cfg", SETUPTOOLS, {"setup.cfg": SETUP_CFG}),
    project("build-system and setup.py", SETUPTOOLS, {"setup.py": SETUP_PY, "a.py": ""}),
    Case("setup.py alone", {"setup.py": SETUP_PY, "a.py": ""}, PROJECT),
    project(
        "extras of itself",
        library("app") + '[project.optional-dependencies]\nx = ["six"]\nall = ["app[x]"]\n',
    ),
]
IN_FOLDER = {"BP_PYTHON_FOLDER": "services/api"}
SHARED = {"libs/shared/pyproject.toml": library("shared", "idna")}
FOLDERS = [
    Case(
        "a project in a folder, with a library beside",
        {
            "services/api/requirements.txt": "-r ../../base.txt\n-e ../../libs/shared\n",
            "base.txt": "six\n",
            "requirements.txt": "toml\n",
            **SHARED,
        },
        in_folder("services/api", *FROM_FILE),
        env=IN_FOLDER,
    ),
    Case(
        "a package in a folder",
        {
            "services/api/pyproject.toml": library("api", "six"),
            "pyproject.toml": library("whole", "toml"),
        },
        in_folder("services/api", *PROJECT),
        env=IN_FOLDER,
    ),
]
CASES = [
    *FORMS,
    *FOLDERS,
    *(dataclasses.replace(each, name=f"hash: {each.name}") for each in HASHES),
    *(dataclasses.replace(each, name=f"refused hash: {each.name}") for each in WRONG_HASHES),
    *PROJECTS,
]


@pytest.mark.parametrize("case", tiered(CASES))
def test_the_image_has_what_pip_installs(case: Case, compare: Callable[..., Outcome]) -> None:
    variables = {"DIR": "deps"}
    case = dataclasses.replace(case, env={**variables, **case.env}, own_env=variables)
    compare(case, variants=[{"BP_PIP_ENGINE": "uv"}, {"BP_PIP_ENGINE": "pip"}])
