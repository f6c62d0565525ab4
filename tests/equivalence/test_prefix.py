"""One prefix: what is below `sys.prefix` in a plain environment is below ours."""

from __future__ import annotations

import base64
import hashlib
import io
import random
import subprocess
import sysconfig
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .harness import Buildpacks, Case, plain, prepared
from .prefix import Prefix, differences

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Both = Callable[[Case], tuple[Prefix, Prefix]]

INSTALL = (("uv", "pip", "install", "--quiet", "--python", "{venv}", "-r", "requirements.txt"),)
# Too heavy to share a layer with others.
HEAVY = random.Random(0).randbytes(4_100_000)
TELLS = (
    "import sys\ndef main():\n    print(sys.prefix)\n"
    "    print(open(f'{sys.prefix}/share/papers/first.txt').read())\n"
)
SCRIPT = "#!python\nimport sys\nprint(sys.prefix)\n"


@pytest.fixture
def both(buildpacks: Buildpacks, tmp_path: Path) -> Both:
    """Install a case both ways: the plain environment, and ours."""

    def both(case: Case) -> tuple[Prefix, Prefix]:
        app = prepared(case, tmp_path / "prepared")
        theirs = plain(case, app, tmp_path / "venv")
        assert theirs.code == 0, theirs.log
        ours = buildpacks.build(case, app, tmp_path / "build")
        assert ours.code == 0, ours.log
        assert ours.packages == theirs.packages
        own = tmp_path / "build/layers/pip/site/venv"
        return Prefix(tmp_path / "venv/bin/python"), Prefix(own / "bin/python")

    return both


def wheel(name: str, files: Mapping[str, bytes | str]) -> dict[str, bytes]:
    """A wheel as a file of an app; `data/`, `scripts/` and `headers/` are its folders for these."""
    info = f"{name}-1.0.dist-info"
    kinds = ("data/", "scripts/", "headers/")
    members = {
        (f"{name}-1.0.data/{path}" if path.startswith(kinds) else path): (
            content.encode() if isinstance(content, str) else content
        )
        for path, content in files.items()
    }
    members[f"{info}/METADATA"] = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n".encode()
    members[f"{info}/WHEEL"] = (
        b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    )
    if "main" in str(files.get(f"{name}.py", "")):
        members[f"{info}/entry_points.txt"] = f"[console_scripts]\n{name}={name}:main\n".encode()
    lines = [f"{path},{_hash(data)},{len(data)}\n" for path, data in members.items()]
    members[f"{info}/RECORD"] = f"{''.join(lines)}{info}/RECORD,,\n".encode()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for path, data in members.items():
            entry = zipfile.ZipInfo(path, (2020, 1, 1, 0, 0, 0))
            entry.external_attr = 0o100755 << 16 if data[:4] == b"\x7fELF" else 0o100644 << 16
            archive.writestr(entry, data)
    return {f"vendor/{name}-1.0-py3-none-any.whl": packed.getvalue()}


def _hash(data: bytes) -> str:
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")


def library(folder: Path, name: str, *needed: str, places: str = "") -> bytes:
    """A shared library that needs others of the folder, and looks for them in places."""
    path = folder / name
    subprocess.run(
        [
            *("cc", "-shared", "-o", path, f"-Wl,-soname,{name}", "-Wl,--no-as-needed"),
            *(f"-Wl,-rpath,{places}", "-x", "c", "/dev/null", "-x", "none", f"-L{folder}"),
            *(f"-l:{each}" for each in needed),
        ],
        check=True,
    )
    return path.read_bytes()


def installing(wheels: Mapping[str, bytes], *lines: str) -> Case:
    """An app that needs these wheels, and what the lines say."""
    text = "".join(f"{line}\n" for line in (*lines, *(f"./{path}" for path in wheels)))
    return Case("", {"requirements.txt": text, **wheels}, INSTALL)


def test_data_headers_scripts_and_configuration_are_below_the_prefix(both: Both) -> None:
    case = installing(
        {
            **wheel(
                "papers",
                {
                    "papers.py": TELLS,
                    "data/share/papers/first.txt": "first",
                    "data/share/papers/deep/second.txt": "second",
                    "data/etc/papers/papers.d/one.conf": "one",
                    "data/lib64/papers/plain.txt": "in lib",
                    "data/top.txt": "top",
                    "headers/papers.h": "#pragma once\n",
                    "scripts/whereami": SCRIPT,
                },
            ),
            # In another layer, with folders that both have.
            **wheel(
                "journals",
                {
                    "journals.py": TELLS,
                    "journals.bin": HEAVY,
                    "data/share/papers/deep/third.txt": "third",
                    "data/share/journals/a/b/c.txt": "c",
                    "data/etc/papers/papers.d/two.conf": "two",
                    "data/lib/papers/more.txt": "in lib",
                    "headers/journals.h": "#pragma once\n",
                },
            ),
        },
        "greenlet",
    )
    theirs, ours = both(case)
    assert differences(theirs, ours) == {}
    # A plain environment's own list is the oracle's; these show that it has what is meant.
    assert {"share/papers/deep/third.txt", "lib/papers/plain.txt"} <= {*theirs.files()}
    assert Path(f"{ours.root}/share/journals").is_symlink()
    for each in (theirs, ours):
        for script in ("papers", "journals"):
            assert programs(each, script) == f"{each.root}\nfirst\n"
        assert programs(each, "whereami") == f"{each.root}\n"


def programs(prefix: Prefix, name: str) -> str:
    """What a program prints that is found on PATH."""
    env = {"PATH": f"{prefix.root}/bin:/usr/bin:/bin"}
    return subprocess.run([name], env=env, capture_output=True, text=True, check=True).stdout


def test_libraries_find_those_of_other_packages_by_their_own_place(
    both: Both, tmp_path: Path
) -> None:
    base = library(tmp_path, "libbase.so.1")
    core = library(tmp_path, "libcore.so.4", "libbase.so.1", places="$ORIGIN")
    more = library(tmp_path, "libmore.so.1")
    math = library(tmp_path, "libmath.so.1", "libmore.so.1", places="$ORIGIN/../../more/lib")
    own = library(tmp_path, "libown.so.1")
    outer = library(
        *(tmp_path, "libouter.so", "libcore.so.4", "libmath.so.1", "libown.so.1"),
        places="$ORIGIN/../../../..:$ORIGIN/../../vendor/math/lib:$ORIGIN/../../alpha.libs",
    )
    top = library(tmp_path, "top.so", "libcore.so.4", places="${ORIGIN}/../..")
    case = installing(
        {
            **wheel(
                "alpha",
                {
                    "alpha/__init__.py": "from alpha.sub import NAME",
                    "alpha/sub/__init__.py": "NAME = 'alpha'",
                    "alpha/lib/libouter.so": outer,
                    "alpha.libs/libown.so.1": own,
                    "alpha/data.bin": HEAVY,
                },
            ),
            # As torch and the accelerator's packages: parts of one namespace.
            **wheel(
                "vendor_math",
                {"vendor/math/lib/libmath.so.1": math, "vendor/math/data.bin": HEAVY},
            ),
            **wheel("vendor_more", {"vendor/more/lib/libmore.so.1": more}),
            **wheel("core", {"core.py": "", "data/lib/libcore.so.4": core, "x.bin": HEAVY}),
            **wheel("base", {"base.py": "", "data/lib/libbase.so.1": base}),
            **wheel("top", {"top.so": top, "top.bin": HEAVY}),
        }
    )
    theirs, ours = both(case)
    assert theirs.not_loading([f"{theirs.site}/alpha/lib/libouter.so"]) == {}
    assert differences(theirs, ours) == {}
    for each in (theirs, ours):
        told = each.run("-c", "import alpha, vendor.math; print(alpha.NAME, alpha.__file__)")
        assert told == f"alpha {each.root}/{each.site}/alpha/__init__.py\n"


def test_a_program_with_an_interpreter_in_itself_finds_the_packages(
    both: Both, tmp_path: Path
) -> None:
    program = tmp_path / "embedding"
    # Its own place is what the kernel says: behind links, as uWSGI has it.
    source = (
        "#include <Python.h>\n#include <unistd.h>\n"
        "int main(void) { static char own[4096]; PyConfig config; PyStatus status;\n"
        'if (readlink("/proc/self/exe", own, sizeof own - 1) < 0) return 2;\n'
        "PyConfig_InitPythonConfig(&config);\n"
        "PyConfig_SetBytesString(&config, &config.program_name, own);\n"
        "status = Py_InitializeFromConfig(&config);\n"
        "if (PyStatus_Exception(status)) return 3;\n"
        'int failed = PyRun_SimpleString("import journals, sys; print(sys.prefix)");\n'
        "Py_Finalize();\nreturn failed; }\n"
    )
    kind = sysconfig.get_config_var
    flags = [f"-I{sysconfig.get_path('include')}", "-x", "c", "-", "-x", "none"]
    own = Path(kind("LIBDIR")) / (kind("LDLIBRARY") or "")
    linked = [str(own), *f"{kind('LIBS')} {kind('SYSLIBS')} {kind('LINKFORSHARED')}".split()]
    command = ["cc", "-o", str(program), *flags, *linked, f"-Wl,-rpath,{kind('LIBDIR')}"]
    subprocess.run(command, input=source, text=True, check=True)
    case = installing(
        {
            **wheel("embedding", {"embedding.py": "", "scripts/embedding": program.read_bytes()}),
            **wheel("journals", {"journals.py": "", "journals.bin": HEAVY}),
        }
    )
    theirs, ours = both(case)
    assert differences(theirs, ours) == {}
    for each in (theirs, ours):
        assert programs(each, "embedding") == f"{each.root}\n"


@pytest.mark.full
@pytest.mark.parametrize(
    "packages",
    [
        pytest.param(("jupyterlab", "ipywidgets", "notebook", "numpy"), id="jupyter"),
        pytest.param(("black", "pytest", "pytest-cov", "pytest-xdist", "pandas"), id="plug-ins"),
        pytest.param(
            ("google-cloud-storage", "google-cloud-pubsub", "zope.interface", "zope.component"),
            id="namespaces",
        ),
        pytest.param(("scikit-learn-intelex", "scikit-learn"), id="libraries-in-lib"),
        pytest.param(("streamlit", "opencv-python-headless", "Pillow"), id="streamlit"),
        pytest.param(("azure-identity", "azure-storage-blob", "dask", "nltk"), id="azure"),
        pytest.param(("ansible-core", "uvicorn", "gunicorn", "greenlet", "pybind11"), id="tools"),
    ],
)
def test_a_popular_package_has_all_its_files_below_the_prefix(
    both: Both, packages: tuple[str, ...]
) -> None:
    theirs, ours = both(installing({}, *packages))
    assert differences(theirs, ours) == {}
