"""One prefix: what is below `sys.prefix` in a plain environment is below ours."""

from __future__ import annotations

import subprocess
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING

from .prefix import differences
from .wheels import HEAVY, installing, library, wheel

if TYPE_CHECKING:
    from collections.abc import Callable

    from .harness import Case
    from .prefix import Prefix

    Both = Callable[[Case], tuple[Prefix, Prefix]]

TELLS = (
    "import sys\ndef main():\n    print(sys.prefix)\n"
    "    print(open(f'{sys.prefix}/share/papers/first.txt').read())\n"
)
SCRIPT = "#!python\nimport sys\nprint(sys.prefix)\n"


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
