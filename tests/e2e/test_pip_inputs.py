"""What Python projects declare besides requirements.txt, built by the real lifecycle and run."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cnbkit_pip.layers.partition import LIGHT

from .index import wheel, wheel_name

if TYPE_CHECKING:
    from .conftest import Project

UV = Path(sys.executable).with_name("uv")
VERSIONS = (
    "import importlib.metadata as m\n"
    "print(*sorted(f'{d.name.lower()}=={d.version}' for d in m.distributions()"
    " if '/layers/' in str(d.locate_file(''))), sep='\\n')\n"
)
SETUPTOOLS = '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools.build_meta"\n'


def uv(folder: Path, *arguments: str) -> None:
    subprocess.run([UV, *arguments, "--quiet"], cwd=folder, check=True, env=os.environ)


def installed(project: Project) -> list[str]:
    """`name==version` of what an app that prints VERSIONS has."""
    return project.run().splitlines()


def test_a_project_is_installed_with_its_extras_and_groups_and_its_code_stays_in_the_app(
    project: Project,
) -> None:
    pyproject = (
        '[project]\nname = "hello-app"\nversion = "1.0"\ndependencies = ["six"]\n'
        '[project.optional-dependencies]\nmore = ["iniconfig"]\n'
        '[dependency-groups]\ntrain = ["toml"]\ndev = ["pluggy"]\n'
        '[project.scripts]\nhello = "hello:main"\n'
        f'{SETUPTOOLS}[tool.setuptools.packages.find]\nwhere = ["src"]\n'
    )
    code = f"def main():\n    print('hello', end=' ')\n    exec({VERSIONS!r})\n"
    project.write(
        {"pyproject.toml": pyproject, "src/hello/__init__.py": code, "Procfile": "web: hello\n"}
    )
    plain = project.build()
    assert "Dependencies from pyproject.toml" in plain.output
    output = project.run()
    assert output.startswith("hello hello-app==1.0\nsix==")
    assert "toml" not in output
    assert not list(project.app.glob("src/*.egg-info"))

    options = ("--env", "BP_PYTHON_GROUPS=train", "--env", "BP_PYTHON_EXTRAS=more")
    more = project.build(*options)
    assert "+BP_PYTHON_GROUPS=train" in more.output
    names = [line.partition("==")[0] for line in project.run().split()[1:]]
    assert names == ["hello-app", "iniconfig", "six", "toml"]

    # Code of the project is the app's, not a layer's.
    before = project.layers()
    project.write({"src/hello/__init__.py": code.replace("'hello'", "'goodbye'")})
    project.build(*options)
    assert project.run().startswith("goodbye hello-app")
    after = project.layers()
    assert {what for what in after if after[what] != before[what]} == {"app"}

    # An image to run tests in has what they need.
    project.build("--exec-env", "test")
    assert "pluggy" in project.run()

    wrong = project.build("--env", "BP_PYTHON_GROUPS=trian", code=51)
    assert "pyproject.toml has no dependency group trian" in wrong.output
    assert "it has train, dev" in wrong.output


def test_a_setup_py_with_compiled_code_is_installed_as_a_copy(project: Project) -> None:
    project.write(
        {
            "setup.py": "from setuptools import Extension, setup\n"
            "setup(name='fast', version='2.0', install_requires=['six'], py_modules=['slow'],\n"
            "      ext_modules=[Extension('fast', ['fast.c'])])\n",
            "fast.c": "#include <Python.h>\nstatic struct PyModuleDef m ="
            ' {PyModuleDef_HEAD_INIT, "fast", 0, -1, 0};\n'
            "PyMODINIT_FUNC PyInit_fast(void) { return PyModule_Create(&m); }\n",
            "slow.py": "",
            "app.py": "import fast, six; print(fast.__file__.split('/')[1])\n",
        }
    )
    built = project.build()
    assert "app has code to compile: installed as a copy, not editable" in built.output
    assert project.run() == "layers\n"
    assert not list(project.app.glob("*.so"))

    # Then a change of code is a change of the layer.
    project.write({"fast.c": (project.app / "fast.c").read_text() + "/* changed */\n"})
    again = project.build()
    assert "inputs changed: setup.py" in again.output
    assert "Installing 1 package," in again.output


def test_requirements_of_groups_are_added_and_what_is_removed_leaves_the_image(
    project: Project,
) -> None:
    project.write(
        {
            "requirements.in": "six\niniconfig\n",
            "requirements-train.txt": "toml==0.10.2\n",
            "app.py": VERSIONS,
        }
    )
    built = project.build("--env", "BP_PYTHON_GROUPS=train")
    assert "Dependencies from requirements.in" in built.output
    names = [each.partition("==")[0] for each in installed(project)]
    assert names == ["iniconfig", "six", "toml"]

    project.write({"requirements.in": "six\n"})
    again = project.build()
    assert "iniconfig is gone" in again.output
    assert [each.partition("==")[0] for each in installed(project)] == ["six"]

    # What pip-compile makes of it is its lock.
    project.write({"requirements.txt": "six==1.16.0\n"})
    project.build()
    assert installed(project) == ["six==1.16.0"]


def test_a_pylock_for_many_platforms_is_installed_as_it_is(project: Project) -> None:
    project.write(
        {
            "requirements.in": "flask\nnumpy==2.2.6\ncolorama ; sys_platform == 'win32'\n",
            "app.py": VERSIONS,
        }
    )
    lock = ("--universal", "--python-version", "3.10", "--format", "pylock.toml")
    uv(project.app, "pip", "compile", "requirements.in", *lock, "-o", "pylock.toml")
    built = project.build()
    assert "Dependencies from pylock.toml" in built.output
    assert "wheels-numpy: numpy 2.2.6 (1" in built.output
    found = installed(project)
    assert "numpy==2.2.6" in found
    assert not [each for each in found if each.startswith("colorama")]
    digest = project.image().digest

    text = (project.app / "pylock.toml").read_text()
    project.write({"pylock.toml": text.replace('version = "2.2.6"', 'version = "2.2.6', 1)})
    assert "pylock.toml is not TOML" in project.build(code=51).output
    project.write({"pylock.toml": text.replace("[[packages]]", "[[package]]")})
    assert "pylock.toml has no [[packages]]" in project.build(code=51).output
    project.write({"pylock.toml": text.replace('lock-version = "1.0"', 'lock-version = "9.0"')})
    assert "pylock.toml is not a lock" in project.build(code=51).output
    narrow = text.replace('requires-python = ">=3.10"', 'requires-python = ">=3.12"', 1)
    project.write({"pylock.toml": narrow})
    asked = ("--env", "BP_PYTHON_VERSION=3.11")
    assert "pylock.toml does not fit Python 3.11.2" in project.build(*asked, code=51).output
    wrong = re.sub('sha256 = ".', lambda m: m[0][:-1] + ("1" if m[0][-1] == "0" else "0"), text)
    project.write({"pylock.toml": wrong})
    assert "its hash differs" in project.build(code=51).output
    assert project.image().digest == digest
    project.write({"pylock.toml": text})
    project.build()
    assert project.image().digest == digest


def test_vendored_wheels_are_installed_without_any_index(project: Project) -> None:
    project.write(
        {
            "requirements.txt": "--no-index\n--find-links vendor\nspam\n",
            f"vendor/{wheel_name('spam', '1.0')}": wheel("spam", "1.0"),
            "app.py": "import spam; print(spam.VERSION)\n",
        }
    )
    project.build()
    assert project.run() == "1.0\n"
    project.write({f"vendor/{wheel_name('spam', '1.1')}": wheel("spam", "1.1")})
    again = project.build("--env", "BP_PIP_REFRESH=1")
    assert "vendor" in again.output
    assert project.run() == "1.1\n"


def test_local_packages_have_a_layer_of_their_own(project: Project) -> None:
    library = f'[project]\nname = "mylib"\nversion = "1"\ndependencies = ["six"]\n{SETUPTOOLS}'
    project.write(
        {
            "requirements.txt": "iniconfig\n./copied\n-e ./linked\n",
            "copied/pyproject.toml": library,
            "copied/mylib.py": "WORD = 'one'\n",
            "linked/pyproject.toml": library.replace("mylib", "theirs"),
            "linked/theirs.py": "WORD = 'two'\n",
            "app.py": "import mylib, six, theirs; print(mylib.WORD, theirs.WORD)\n",
        }
    )
    project.build()
    assert project.run() == "one two\n"
    before = project.layers()

    project.write({"linked/theirs.py": "WORD = 'three'\n"})
    project.build()
    assert project.run() == "one three\n"
    linked = project.layers()
    assert {what for what in linked if linked[what] != before[what]} == {"app"}

    project.write({"copied/mylib.py": "WORD = 'four'\n"})
    project.build()
    assert project.run() == "four three\n"
    copied = project.layers()
    changed = {what for what in copied if copied[what] != linked[what]}
    assert "cnbkit/pip:local-wheels" in changed
    assert [each for each in changed if each.startswith(f"cnbkit/pip:{LIGHT}")] == []


def test_uv_and_pip_install_the_same_set(project: Project) -> None:
    listing = (
        "import os, sys\n"
        "for root in sorted(p for p in sys.path if '/layers/' in p):\n"
        "    for folder, folders, files in os.walk(root):\n"
        "        for name in files:\n"
        "            path = os.path.relpath(os.path.join(folder, name), root)\n"
        "            print(path) if '.pyc' not in name else None\n"
    )
    # A wheel, one that is only there as source, an extra with a marker, a local project.
    project.write(
        {
            "requirements.txt": "flask[dotenv]==3.1.3\ndocopt==0.6.2\nnumpy==2.2.6\n"
            "tomli ; python_version < '3.11'\n./lib\n",
            "lib/pyproject.toml": f'[project]\nname = "mine"\nversion = "1"\n{SETUPTOOLS}',
            "lib/mine.py": "",
            "app.py": VERSIONS,
            "list.py": listing,
            "Procfile": "web: python app.py\nlist: python list.py\n",
        }
    )

    def files() -> set[str]:
        paths = project.run("--process", "list").splitlines()
        # Each notes who installed, and from where, in its own way.
        own = (
            "INSTALLER",
            "REQUESTED",
            "direct_url.json",
            "uv_cache.json",
            "uv_build.json",
            "RECORD",
            "cnbkit.pth",
        )
        assert len(paths) > 500
        return {path for path in paths if not path.endswith(own)}

    project.build()
    versions, by_uv = installed(project), files()
    assert "docopt==0.6.2" in versions
    built = project.build("--env", "BP_PIP_ENGINE=pip")
    assert "Settings: BP_PIP_ENGINE=pip" in built.output
    assert installed(project) == versions
    assert files() == by_uv


def big(name: str, *extra: tuple[str, str]) -> bytes:
    """A wheel heavy enough for a layer of its own."""
    noise = os.urandom(9_000_000).hex()
    return wheel(name, "1.0", extra={f"{name}_data.txt": noise, **dict(extra)})


def test_packages_that_share_an_import_package_share_a_layer(project: Project) -> None:
    project.write(
        {
            "requirements.txt": "--no-index\n--find-links vendor\nbase-pkg\nplugin-pkg\n",
            f"vendor/{wheel_name('base_pkg', '1.0')}": big("base_pkg", ("base/__init__.py", "")),
            f"vendor/{wheel_name('plugin_pkg', '1.0')}": big(
                "plugin_pkg", ("base/plugin.py", "WORD = 'found'\n")
            ),
            "app.py": "import base.plugin; print(base.plugin.WORD)\n",
        }
    )
    built = project.build()
    assert "base-pkg, plugin-pkg share folders, so they get one layer" in built.output
    assert project.run() == "found\n"
    wheels = [what for what in project.layers() if "wheels" in what]
    assert len(wheels) == 1

    # Known from now on.
    again = project.build("--env", "BP_PIP_REFRESH=1")
    assert "share folders" not in again.output
    assert [what for what in project.layers() if "wheels" in what] == wheels


@pytest.mark.parametrize(("setting", "code"), [("warn", 0), ("fail", 51)])
def test_contradictions_of_a_lock_are_said(project: Project, setting: str, code: int) -> None:
    metadata = "Metadata-Version: 2.1\nName: needy\nVersion: 1.0\nRequires-Dist: {}\n"
    needs = "spam>=2\nRequires-Dist: absent\nRequires-Dist: windows; sys_platform == 'win32'"
    info = "needy-1.0.dist-info/METADATA"
    entries = []
    for name, data in (
        ("needy", wheel("needy", "1.0", extra={info: metadata.format(needs)})),
        ("spam", wheel("spam", "1.0")),
    ):
        file = f"vendor/{wheel_name(name, '1.0')}"
        project.write({file: data})
        entries.append(
            f'[[packages]]\nname = "{name}"\nversion = "1.0"\n[[packages.wheels]]\n'
            f'path = "{file}"\nhashes = {{ sha256 = "{hashlib.sha256(data).hexdigest()}" }}\n'
        )
    project.write(
        {
            "pylock.toml": 'lock-version = "1.0"\ncreated-by = "test"\n' + "".join(entries),
            "app.py": "import needy; print('runs')\n",
        }
    )
    built = project.build("--env", f"BP_PIP_CONFLICTS={setting}", code=code)
    assert "needy 1.0 needs spam>=2, but spam 1.0 is there" in built.output
    assert "needy 1.0 needs absent, which is not there" in built.output
    assert "windows" not in built.output
