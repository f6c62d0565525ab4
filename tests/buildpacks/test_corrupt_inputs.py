"""Every file that says what to install, corrupted in six ways: one clear fault, no traceback."""

from __future__ import annotations

import inspect
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cnbkit import UserFault
from cnbkit_pdm import Pdm
from cnbkit_pip import Pip
from cnbkit_pipenv import Pipenv
from cnbkit_poetry import Poetry
from cnbkit_uv import Uv

from ..fetching import trust
from .told import telling

if TYPE_CHECKING:
    from cnbkit import Buildpack
    from cnbkit.testing import BuildpackRun

# Of libraries that Poetry and PDM import.
pytestmark = [
    pytest.mark.filterwarnings("ignore:open_text is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:open_binary is deprecated:DeprecationWarning"),
]

PYPROJECT = '[project]\nname = "demo"\nversion = "1"\nrequires-python = ">=3.11"\n'
PYPROJECT += 'dependencies = ["six==1.17.0"]\n'

HASH = "sha256:" + "ab" * 32
LOCKS: dict[str, tuple[type[Buildpack], dict[str, str], str]] = {
    "uv.lock": (
        Uv,
        {"pyproject.toml": PYPROJECT},
        """\
version = 1
requires-python = ">=3.11"
[[package]]
name = "demo"
version = "1"
source = { virtual = "." }
dependencies = [{ name = "six" }]
[[package]]
name = "six"
version = "1.17.0"
source = { registry = "https://index.example/simple" }
wheels = [{ url = "https://index.example/six-1.17.0-py3-none-any.whl", hash = "HASH" }]
""",
    ),
    "poetry.lock": (
        Poetry,
        {"pyproject.toml": PYPROJECT},
        """\
[[package]]
name = "six"
version = "1.17.0"
description = "six"
optional = false
python-versions = ">=3.8"
groups = ["main"]
files = [
    {file = "six-1.17.0-py3-none-any.whl", hash = "HASH"},
]
[metadata]
lock-version = "2.1"
python-versions = ">=3.11"
content-hash = "abababab"
""",
    ),
    "pdm.lock": (
        Pdm,
        {"pyproject.toml": PYPROJECT},
        """\
[metadata]
groups = ["default"]
strategy = ["inherit_metadata"]
lock_version = "4.5.0"
content_hash = "HASH"
[[package]]
name = "six"
version = "1.17.0"
groups = ["default"]
files = [
    {file = "six-1.17.0-py3-none-any.whl", hash = "HASH"},
]
""",
    ),
    "Pipfile.lock": (
        Pipenv,
        {"Pipfile": '[packages]\nsix = "==1.17.0"\n'},
        """\
{
    "_meta": {
        "hash": {"sha256": "abab"},
        "pipfile-spec": 6,
        "requires": {},
        "sources": []
    },
    "default": {
        "six": {
            "hashes": ["HASH"],
            "version": "==1.17.0"
        }
    },
    "develop": {}
}
""",
    ),
    "pylock.toml": (
        Pip,
        {},
        """\
lock-version = "1.0"
created-by = "somebody"
[[packages]]
name = "six"
version = "1.17.0"
[[packages.wheels]]
url = "https://index.example/six-1.17.0-py3-none-any.whl"
hashes = { sha256 = "HASH" }
""",
    ),
    "pyproject.toml": (Pip, {}, PYPROJECT),
    "requirements.txt": (Pip, {}, "six==1.17.0 \\\n    --hash=HASH\nidna==3.10\n"),
    "requirements.in": (Pip, {}, "six>=1.17.0\nidna\n"),
}
# The same key with a value of another type, in each format's own words.
WRONG_TYPES = {
    "uv.lock": b'version = 1\nrequires-python = ">=3.11"\npackage = "six"\n',
    "poetry.lock": b'package = "six"\n[metadata]\nlock-version = "2.1"\n',
    "pdm.lock": b'package = "six"\n[metadata]\nlock_version = "4.5.0"\n',
    "Pipfile.lock": b'{"_meta": [], "default": ["six"], "develop": 3}\n',
    "pylock.toml": b'lock-version = "1.0"\ncreated-by = "uv"\npackages = "six"\n',
    "pyproject.toml": b'project = "demo"\n',
    "requirements.txt": b"six = 1.17.0\n",
    "requirements.in": b"six: 1.17.0\n",
}
PAGE = b"<!DOCTYPE html>\n<html><head><title>404</title></head><body>Not found</body></html>\n"


def corrupted(name: str, good: bytes, how: str) -> bytes:
    middle = len(good) // 2
    match how:
        case "cut":
            return good[:middle].rstrip(b"\n\"'}]") + b'["'
        case "merge conflict":
            line = good.rfind(b"\n", 0, middle) + 1
            return good[:line] + b"<<<<<<< HEAD\n" + good[line:] + b"=======\n>>>>>>> main\n"
        case "binary":
            return b"\x1f\x8b\x00\xff" + good
        case "page":
            return PAGE
        case "UTF-16":
            return good.decode().encode("utf-16")
        case _:
            return WRONG_TYPES[name]


HOW = ("cut", "merge conflict", "binary", "page", "UTF-16", "wrong types")


@pytest.fixture(scope="module")
def pip_with_uv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pip buildpack's folder as it is packaged: with the uv that reads requirements."""
    folder = tmp_path_factory.mktemp("pip")
    source = Path(inspect.getfile(Pip)).parents[1]
    (folder / "buildpack.toml").write_bytes((source / "buildpack.toml").read_bytes())
    (folder / "lib/bin").mkdir(parents=True)
    (folder / "lib/bin/uv").symlink_to(Path(sys.executable).with_name("uv"))
    return folder


@pytest.mark.parametrize(
    ("name", "how"),
    # pip reads requirements in UTF-16, as PowerShell's `>` writes them.
    [
        # Of requirements that are cut, the lines before are resolved.
        pytest.param(name, how, marks=[pytest.mark.fetches] if how in ("cut", "UTF-16") else [])
        if name.startswith("requirements")
        else (name, how)
        for name in LOCKS
        for how in HOW
        if (name, how) != ("requirements.in", "UTF-16")
    ],
)
def test_it_is_explained(
    buildpack_run: BuildpackRun, pip_with_uv: Path, name: str, how: str
) -> None:
    buildpack, beside, good = LOCKS[name]
    content = corrupted(name, good.replace("HASH", HASH).encode(), how)
    result = buildpack_run(
        pip_with_uv if buildpack is Pip else buildpack,
        app={**beside, name: content},
        env=trust() | telling(python=sys.executable, python_version="3.11.2", inputs=[name]),
    )
    assert isinstance(result.fault, UserFault), result.log
    assert (result.fault.where or "").startswith(name), result.fault
    assert result.fault.remedy
    assert "Traceback" not in result.log
