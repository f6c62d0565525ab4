"""Programs of a layer find their own files: what is written anew in them, and what is told."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cnbkit_apt.alternatives import link_alternatives
from cnbkit_apt.java import key_store
from cnbkit_apt.layout import Layout
from cnbkit_apt.relocate import relocate
from cnbkit_apt.report import worth_telling

if TYPE_CHECKING:
    from collections.abc import Iterator

LIB = "usr/lib/x86_64-linux-gnu"
SITE = Path(relocate.__code__.co_filename).parent / "launch"


@pytest.fixture
def root() -> Iterator[Path]:
    """A layer with a path as short as a build's: programs hold no longer one."""
    with tempfile.TemporaryDirectory(prefix="l") as folder:
        yield Path(folder)


@pytest.fixture
def layout(root: Path, tmp_path: Path) -> Layout:
    """The layer, on an image that has the package `base` with /usr/share/base and /etc/base."""
    info = tmp_path / "system/var/lib/dpkg/info"
    info.mkdir(parents=True)
    (info / "base.list").write_text("/.\n/usr\n/usr/share\n/usr/share/base\n/etc/base\n/bin/sh\n")
    status = tmp_path / "status"
    status.write_text("Package: base\nStatus: install ok installed\n")
    return Layout(str(root), "amd64", str(tmp_path / "system"), str(status))


def put(root: Path, path: str, content: str | bytes = "") -> Path:
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return file


@pytest.mark.parametrize(
    ("text", "moved"),
    [
        ("#!/usr/bin/perl -w\n", "#!ROOT/usr/bin/perl -w\n"),
        ("#!/bin/perl\n", "#!ROOT/usr/bin/perl\n"),  # /usr is merged
        ("#!/bin/sh\n", "#!/bin/sh\n"),
        ("use lib '/usr/share/own';", "use lib 'ROOT/usr/share/own';"),
        ('bin="/usr/lib/own/"$1"/bin"', 'bin="ROOT/usr/lib/own/"$1"/bin"'),
        ("see /usr/share/own.", "see ROOT/usr/share/own."),
        ("-I/usr/share/own -L/usr/lib/own", "-IROOT/usr/share/own -LROOT/usr/lib/own"),
        ("a=/usr/share/own:/usr/share/base", "a=ROOT/usr/share/own:/usr/share/base"),
        ("/usr/share/base/x /usr/share /usr/share/else", None),
        ("${ROOT}/usr/share/own ../usr/share/own x/usr/share/own", None),
        ("/usr/share/ownership", None),
        ("N=own\ncd /usr/lib/$N/15\n", "N=own\ncd ROOT/usr/lib/$N/15\n"),
        ('export N="own"\nls "/usr/lib/${N}"\n', 'export N="own"\nls "ROOT/usr/lib/${N}"\n'),
        ("N=else\ncd /usr/lib/$N\n", None),
        ("/usr/share/own/made-later", "ROOT/usr/share/own/made-later"),
    ],
)  # fmt: skip
def test_text_names_the_layer_for_what_only_the_layer_has(
    root: Path, layout: Layout, text: str, moved: str | None
) -> None:
    put(root, "usr/bin/perl")
    put(root, "usr/share/own/data")
    put(root, "usr/share/base/data")
    put(root, "usr/lib/own/15/bin/x")
    file = put(root, "usr/libexec/script", text)
    file.chmod(0o755)
    assert relocate(layout, {}) == []
    expected = text if moved is None else moved.replace("ROOT", str(root))
    assert file.read_text() == expected
    assert file.stat().st_mode & 0o777 == 0o755


def test_answers_of_config_programs_begin_with_the_layer(root: Path, layout: Layout) -> None:
    pc = put(root, f"{LIB}/pkgconfig/a.pc", "prefix=/usr\nlibdir=${prefix}/lib\nprefixes=/usr/x\n")
    program = put(root, "usr/bin/a-config", "#!/bin/sh\nprefix=/usr\necho $prefix\n")
    other = put(root, "usr/bin/other", "prefix=/usr\n")
    relocate(layout, {})
    assert pc.read_text() == f"prefix={root}/usr\nlibdir=${{prefix}}/lib\nprefixes=/usr/x\n"
    assert subprocess.check_output(["sh", program], text=True) == f"{root}/usr\n"
    assert other.read_text() == "prefix=/usr\n"


PROGRAM = f"""
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
static void show(const char *path) {{
    char line[99] = "none\\n";
    FILE *file = fopen(path, "r");
    if (file) fgets(line, 99, file);
    printf("%s", line);
}}
int main(void) {{
    show("/{LIB}/own/plugin.txt");
    printf("%zu\\n", strlen("/{LIB}/own/plugin.txt"));
    show("/usr/share/own/data");
    const char *told = getenv("OWN_DATA");
    if (told) show(told);
    puts("/{LIB}/base/plugin.txt");
    return 0;
}}
"""


@pytest.fixture
def program(root: Path, tmp_path: Path) -> Path:
    """A real program that opens what is written in it."""
    source = tmp_path / "program.c"
    source.write_text(PROGRAM)
    target = root / "usr/bin/program"
    target.parent.mkdir(parents=True)
    subprocess.run(["cc", "-O2", "-w", "-o", target, source], check=True)
    put(root, f"{LIB}/own/plugin.txt", "found\n")
    put(root, "usr/share/own/data", "data\n")
    return target


def test_a_program_opens_plugins_in_the_layer_and_is_as_long_as_before(
    root: Path, layout: Layout, program: Path
) -> None:
    size = program.stat().st_size
    before = subprocess.check_output([program], text=True).splitlines()
    assert before[0] == "none"
    relocate(layout, {})
    after = subprocess.check_output([program], text=True).splitlines()
    assert after[0] == "found"
    assert after[1:] == before[1:]  # the length too; and what the layer has not stays where it is
    assert program.stat().st_size == size
    assert (root / "l").readlink() == Path(LIB)


@pytest.mark.usefixtures("layout", "program")
def test_a_layer_whose_path_is_too_long_changes_no_program(tmp_path: Path, root: Path) -> None:
    far = tmp_path / "a-folder-with-a-long-name"
    shutil.copytree(root, far)
    before = (far / "usr/bin/program").read_bytes()
    left = relocate(Layout(str(far), "amd64", "", str(tmp_path / "status")), {})
    assert (far / "usr/bin/program").read_bytes() == before
    assert f"{LIB}/own/plugin.txt" in {each.place for each in left}


@pytest.mark.usefixtures("program")
def test_what_a_program_will_not_find_is_told_unless_it_knows_the_variable(
    root: Path, layout: Layout
) -> None:
    (left,) = relocate(layout, {})
    assert (left.file, left.place) == ("usr/bin/program", "usr/share/own/data")
    assert worth_telling([left]) == [left]
    (root / "l").unlink()
    assert relocate(layout, {"usr/share/own": "OWN_DATA"}) == []
    (root / "l").unlink()
    assert len(relocate(layout, {"usr/share/own": "ANOTHER_VARIABLE"})) == 1


LOOP = """for prog in convert identify gone; do
  update-alternatives --install /usr/bin/$prog \\
    $prog /usr/bin/${prog}-im6 10
done
"""
TOOLS = """basedir=/usr/lib/jvm/j
priority=1711
tools='java keytool'
for i in $tools; do
  update-alternatives --install /usr/bin/$i $i $basedir/bin/$i $priority
done
"""


def test_alternatives_in_loops_and_variables_are_made(root: Path) -> None:
    for name in ("usr/bin/convert-im6", "usr/bin/identify-im6", "usr/lib/jvm/j/bin/java"):
        put(root, name)
    link_alternatives(
        str(root),
        [
            LOOP,
            TOOLS,
        ],
    )
    found = {
        path.name: path.readlink() for path in (root / "usr/bin").iterdir() if path.is_symlink()
    }
    assert found == {
        "convert": Path("convert-im6"),
        "identify": Path("identify-im6"),
        "java": Path("../lib/jvm/j/bin/java"),
    }


def test_the_alternative_of_the_highest_priority_brings_its_slaves(root: Path) -> None:
    scripts = []
    for name, priority in (("vim", 30), ("nano", 40), ("ed", -100), ("gone", 90)):
        if name != "gone":
            put(root, f"usr/bin/{name}")
            put(root, f"usr/share/man/{name}.1.gz")
        scripts.append(
            f"update-alternatives --install /usr/bin/editor editor /usr/bin/{name} {priority} \\\n"
            f"  --slave /usr/share/man/editor.1.gz editor.1.gz /usr/share/man/{name}.1.gz\n"
        )
    link_alternatives(str(root), scripts)
    assert (root / "usr/bin/editor").readlink() == Path("nano")
    assert (root / "usr/share/man/editor.1.gz").readlink() == Path("nano.1.gz")


@pytest.mark.parametrize(
    "link", [".toml", "-beside/tool", "../beside", "/../beside", "/usr/bin/\0", "/usr/bin/\x1b[2J"]
)
def test_an_alternative_that_leads_out_of_the_layer_or_has_no_name_is_not_made(
    tmp_path: Path, link: str
) -> None:
    layer = tmp_path / "debs"
    put(layer, "usr/bin/tool")
    link_alternatives(str(layer), [f"update-alternatives --install {link} t /usr/bin/tool 10\n"])
    made = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")}
    assert made == {"debs", "debs/usr", "debs/usr/bin", "debs/usr/bin/tool"}


def python(code: str, *paths: Path, **env: str) -> str:
    """What Python prints with these in PYTHONPATH, without compiler and linker."""
    found = {"PYTHONPATH": ":".join(map(str, paths)), "PATH": "/nonexistent", **env}
    return subprocess.check_output([sys.executable, "-c", code], env=found, text=True).strip()


FIND = "import ctypes.util; print(ctypes.util.find_library('own'), ctypes.util.find_library('c'))"


def test_ctypes_finds_a_layers_library_without_a_compiler(tmp_path: Path) -> None:
    for name in ("libown.so.1", "libown.so.1.2.3", "libown.so.9.1", "libown.so", "libowner.so.3"):
        put(tmp_path, f"lib/{name}")
    path = f"/nonexistent:{tmp_path / 'lib'}"
    assert python(FIND, LD_LIBRARY_PATH=path).split()[0] == "None"
    assert python(FIND, SITE, LD_LIBRARY_PATH=path) == "libown.so.1 libc.so.6"
    (tmp_path / "lib/libown.so.1").unlink()
    (tmp_path / "lib/libown.so.2").touch()
    assert python(FIND, SITE, LD_LIBRARY_PATH=path) == "libown.so.2 libc.so.6"
    assert python(FIND, SITE) == "None libc.so.6"


def test_another_sitecustomize_still_runs_and_little_is_imported(tmp_path: Path) -> None:
    put(tmp_path, "sitecustomize.py", "import sys\nsys.other = __file__\n")
    told = python("import sys; print(sys.other, 'ctypes' in sys.modules)", SITE, tmp_path)
    assert told == f"{tmp_path}/sitecustomize.py False"
    modules = "import sys; print(*sorted(sys.modules))"
    more = {*python(modules, SITE).split()} - {*python(modules).split()}
    assert more <= {"sitecustomize", "__future__"}


def test_java_reads_the_certificates_it_is_given() -> None:
    bundle = Path("/etc/ssl/certs/ca-certificates.crt").read_text()
    store = key_store(bundle)
    count = bundle.count("BEGIN CERTIFICATE")
    assert count > 0
    assert int.from_bytes(store[8:12]) == count
    assert store == key_store(bundle)
    assert key_store("") != store
