"""The apt buildpack with the real apt, on a small signed repository of its own."""

from __future__ import annotations

import importlib
import inspect
import json
import os
import shutil
import stat
import subprocess
import tempfile
from email.utils import formatdate
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cnbkit import Target
from cnbkit_apt import Apt
from cnbkit_apt.faults import similar
from cnbkit_aptfile import Inputs
from cnbkit_aptfile.declared import _words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from cnbkit import Buildpack
    from cnbkit.testing import BuildpackRun, Result

    from .conftest import Unchanged

HEAVY = {"typing", "re", "pathlib", "tomllib", "json", "pydantic", "dataclasses", "subprocess"}
LIB = "usr/lib/x86_64-linux-gnu"
ALL = "Architecture: all\n"
INSTALLED = """Package: {}
Status: install ok installed
Architecture: all
Version: 1
Maintainer: T
Description: there
"""


class Repository:
    """A folder apt can install from."""

    def __init__(self, root: Path, gnupg: Path, name: str = "T") -> None:
        self.root = root
        self.key = root / "key.asc"
        self._gnupg = gnupg
        self._name = name
        self._packages: list[str] = []
        (root / "pool").mkdir(parents=True)

    def gpg(self, *arguments: str) -> bytes:
        base = ["gpg", "--homedir", str(self._gnupg), "--batch", "--yes"]
        options = ["--pinentry-mode=loopback", "--passphrase", ""]
        return subprocess.run([*base, *options, *arguments], check=True, capture_output=True).stdout

    def add(
        self,
        control: str,
        files: Mapping[str, str] | None = None,
        *,
        links: Mapping[str, str] | None = None,
        postinst: str = "",
        prepare: Callable[[Path], None] = lambda _folder: None,
    ) -> Path:
        """A package; a control file without Maintainer and Description, and files by path."""
        fields = dict(line.split(": ", 1) for line in control.splitlines())
        fields = {"Architecture": "amd64", "Version": "1.0", **fields}
        fields |= {"Maintainer": "T <t@example.com>", "Description": "made for a test"}
        text = "".join(f"{name}: {value}\n" for name, value in fields.items())
        folder = self.root / f"work-{fields['Package']}"
        for path, content in {**(files or {}), "DEBIAN/control": text}.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(content)
        for path, target in (links or {}).items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).symlink_to(target)
        if postinst:
            (folder / "DEBIAN/postinst").write_text(f"#!/bin/sh\n{postinst}")
            (folder / "DEBIAN/postinst").chmod(0o755)
        prepare(folder)
        version = fields["Version"].partition(":")[2] or fields["Version"]
        deb = self.root / "pool" / f"{fields['Package']}_{version}_{fields['Architecture']}.deb"
        subprocess.run(
            ["dpkg-deb", "--root-owner-group", "-Znone", "--build", folder, deb],
            check=True,
            capture_output=True,
        )
        shutil.rmtree(folder)
        self._packages.append(
            f"{text}Filename: pool/{deb.name}\nSize: {deb.stat().st_size}\n"
            f"SHA256: {sha256(deb.read_bytes()).hexdigest()}\n\n"
        )
        return deb

    def publish(self) -> None:
        """Sign what there is."""
        dist = self.root / "dists" / "stable"
        sums = ""
        for arch in ("amd64", "arm64"):
            name = f"main/binary-{arch}/Packages"
            data = "".join(
                each for each in self._packages if f"Architecture: {arch}\n" in each or ALL in each
            ).encode()
            (dist / name).parent.mkdir(parents=True, exist_ok=True)
            (dist / name).write_bytes(data)
            sums += f" {sha256(data).hexdigest()} {len(data)} {name}\n"
        (dist / "Release").write_text(
            f"Origin: T\nSuite: stable\nCodename: stable\nDate: {formatdate(usegmt=True)}\n"
            f"Components: main\nArchitectures: amd64 arm64\nSHA256:\n{sums}"
        )
        self.gpg("--local-user", f"={self._name}", "--output", f"{dist}/InRelease",
                 "--clearsign", f"{dist}/Release")  # fmt: skip
        self.key.write_bytes(self.gpg("--armor", "--export", f"={self._name}"))


@pytest.fixture(scope="module")
def gnupg() -> Iterator[Path]:
    """Keys of T, and of Other."""
    # A socket's path must be short.
    with tempfile.TemporaryDirectory(prefix="gpg") as folder:
        Path(folder).chmod(0o700)
        base = ["gpg", "--homedir", folder, "--batch", "--pinentry-mode=loopback"]
        for name in ("T", "Other"):
            subprocess.run(
                [*base, "--passphrase", "", "--quick-gen-key", name, "ed25519", "sign", "never"],
                check=True,
                capture_output=True,
            )
        yield Path(folder)
        subprocess.run(["gpgconf", "--homedir", folder, "--kill", "all"], check=True)


def linked_tool(folder: Path) -> None:
    tool = folder / "usr/bin/tool"
    tool.chmod(0o4755)
    os.link(tool, folder / "usr/bin/same-tool")


@pytest.fixture(scope="module")
def repository(gnupg: Path, tmp_path_factory: pytest.TempPathFactory) -> Repository:
    made = Repository(tmp_path_factory.mktemp("repository") / "r", gnupg)
    made.add(
        "Package: libtop1\nDepends: libdeep (>= 2:1), base, debconf | debconf-2.0",
        {
            f"{LIB}/libtop.so.1.2": "top",
            f"{LIB}/fast/libkernel.so.3": "fast",
            "lib/x86_64-linux-gnu/libold.so.1": "old",
            "usr/bin/tool": "#!/bin/sh\necho tool\n",
            "usr/share/doc/libtop1/copyright": "free",
            "usr/share/doc/libtop1/changelog": "long",
            "usr/share/man/man1/tool.1": "long",
        },
        links={
            f"{LIB}/libtop.so.1": "libtop.so.1.2",
            f"{LIB}/libold.so": "/lib/x86_64-linux-gnu/libold.so.1",
            f"{LIB}/libz.so": "libz.so.1",
            "usr/share/top": "../lib/x86_64-linux-gnu/fast",
        },
        postinst=f"update-alternatives --install /{LIB}/libkernel.so.3 libkernel.so.3 \\\n"
        f"    /{LIB}/fast/libkernel.so.3 90\n"
        "update-alternatives --install $x y /usr/bin/tool 10\nexit 1\n",
        prepare=linked_tool,
    )
    made.add(
        "Package: libdeep\nVersion: 2:1.5",
        {
            f"{LIB}/libdeep.so.2": "deep",
            "usr/share/doc/libdeep/copyright": "Files: *\nLicense: Expat\n Permission\n\n"
            "Files: x\nLicense: BSD-3-clause\n\nLicense: Expat\n",
        },
    )
    made.add("Package: debconf", {"usr/bin/debconf": "asks"})
    made.add(
        "Package: libtop-dev\nDepends: libtop1",
        {
            "usr/include/top.h": "",
            f"{LIB}/libtop-1.2.so": "",
            f"{LIB}/pkgconfig/top.pc": "prefix=/usr\nlibdir=${prefix}/lib\nName: top\n",
        },
    )
    made.add(
        "Package: fonts\nArchitecture: all",
        {
            "etc/fonts/fonts.conf": "<fontconfig/>",
            "usr/share/doc/fonts/copyright": "See /usr/share/common-licenses/GPL-2.\n",
        },
    )
    made.add(
        "Package: speak",
        {
            "usr/bin/speak": "\x7fELF\0/usr/share/speak/voices/en\0/etc/speak.conf\0/usr/share\0",
            "usr/bin/say": "#!/usr/bin/speak\n",
            "usr/share/speak/voices/en": "",
            "etc/speak.conf": "",
        },
    )
    made.add("Package: locales\nDepends: speak", postinst="locale-gen", files={"usr/share/l": "x"})
    made.add("Package: mailer-a\nProvides: mailer")
    made.add("Package: mailer-b\nProvides: mailer")
    made.add("Package: only\nProvides: one-of-a-kind")
    made.add("Package: libtime0t64\nProvides: libtime0 (= 1.0)")
    made.add("Package: other-time\nProvides: libtime0")
    made.add("Package: quarrel-a\nConflicts: quarrel-b")
    made.add("Package: quarrel-b")
    made.add(
        "Package: libtop1\nArchitecture: arm64\nVersion: 1.1\nDepends: base, fonts",
        {"usr/lib/aarch64-linux-gnu/libtop.so.1": "arm"},
    )
    made.publish()
    return made


@pytest.fixture
def apt(repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> type[Apt]:
    """The buildpack on a system whose only source is the repository."""
    root = tmp_path / "system"
    sources = f"deb [signed-by={repository.key}] file:{repository.root} stable main\n"
    status = {
        "usr/share/cnbkit/run-image/status": INSTALLED.format("base"),
        "var/lib/dpkg/status": INSTALLED.format("base") + "\n" + INSTALLED.format("libtop1"),
        "etc/apt/sources.list": sources,
    }
    for name, text in status.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)

    monkeypatch.setattr(Apt, "system", str(root))
    return Apt


def packages(result: Result, layer: str = "debs") -> list[str]:
    return [each.partition(" #")[0] for each in result.layer(layer).key.get("packages", [])]


def test_what_the_run_image_lacks_is_in_a_layer_where_programs_find_it(
    buildpack_run: BuildpackRun, apt: type[Apt]
) -> None:
    result = buildpack_run(apt, app={"Aptfile": "# why\nlibtop1  # so\nfonts\n"})
    assert result.code == 0, result.log
    assert packages(result) == ["fonts 1.0", "libdeep 2:1.5", "libtop1 1.0"]
    layer = result.layer("debs")
    assert layer.types == {"launch"}
    root = result.layers_dir / "debs"
    lib = root / LIB
    assert layer.text(f"{LIB}/libold.so.1") == "old"  # /usr is merged
    assert (lib / "libold.so").readlink() == Path("libold.so.1")
    assert (lib / "libtop.so.1").read_text() == "top"
    assert (lib / "libz.so").readlink() == Path(f"/{LIB}/libz.so.1")  # the run image's
    assert (lib / "libkernel.so.3").readlink() == Path("fast/libkernel.so.3")
    assert (root / "usr/share/top/libkernel.so.3").read_text() == "fast"
    assert not stat.S_IMODE((root / "usr/bin/tool").stat().st_mode) & 0o7000
    # A second name of a file is a link: archives would have it twice.
    assert (root / "usr/bin/tool").readlink() == Path("same-tool")
    assert layer.text("usr/bin/same-tool") == "#!/bin/sh\necho tool\n"
    assert "usr/share/doc/libtop1/copyright" in layer.files
    assert not [each for each in layer.files if "changelog" in each or "/man" in each]
    assert "usr/bin/debconf" not in layer.files  # serves configuring only
    env = result.launch_env()
    assert env["PATH"].startswith(result_path(result, "usr/bin"))
    assert env["LD_LIBRARY_PATH"].split(":") == [
        result_path(result, LIB),
        result_path(result, f"{LIB}/fast"),
    ]
    assert env["FONTCONFIG_PATH"] == result_path(result, "etc/fonts")


ASKED = ["detect", "decide"]


def named(result: Result) -> list[tuple[str, str]]:
    return [(each["name"], each["version"]) for each in result.decision["packages"]]


def test_a_plan_has_what_the_last_build_came_to(
    buildpack_run: BuildpackRun, apt: type[Apt]
) -> None:
    built = buildpack_run(apt, app={"Aptfile": "libtop1\n"})
    asked = built.rebuild(phases=ASKED)
    assert named(asked) == [("libdeep", "2:1.5"), ("libtop1", "1.0")]
    assert asked.decision["rest"] == ""
    changed = built.rebuild(app={"Aptfile": "libtop1\nfonts=1.0\nbase\n"}, phases=ASKED)
    assert named(changed) == [("libtop1", ""), ("fonts", "1.0")]
    assert changed.decision["rest"] == "which packages these need besides, with versions"
    assert "In the run image already: base" in changed.decision["notes"]


def test_a_plan_takes_the_lists_that_the_build_image_has(
    buildpack_run: BuildpackRun, apt: type[Apt]
) -> None:
    built = buildpack_run(apt, app={"Aptfile": "libtop1\n"})
    lists = Path(apt.system) / "var/lib/apt/lists"
    shutil.copytree(built.layers_dir / ".scratch/apt/state/lists", lists)
    before = sorted(path.name for path in lists.rglob("*"))
    app = {"Aptfile": "libtop1\nfonts\n:build: libtop-dev\n"}
    asked = built.rebuild(app=app, phases=ASKED)
    assert named(asked) == [("fonts", "1.0"), ("libdeep", "2:1.5"), ("libtop1", "1.0")]
    assert min(each["size"] for each in asked.decision["packages"]) > 0
    left = "whether there are newer lists of packages than the build image's"
    assert asked.decision["rest"] == left
    assert sorted(path.name for path in lists.rglob("*")) == before
    assert named(asked) == [tuple(each.split()) for each in packages(built.rebuild(app=app))]

    unknown = built.rebuild(app={"Aptfile": "libtop1\nno-such\n"}, phases=ASKED)
    assert unknown.code == 0
    assert named(unknown) == [("libtop1", ""), ("no-such", "")]
    [warning] = unknown.decision["warnings"]
    assert warning.startswith("by the build image's lists of packages: ")
    assert "no-such" in warning


def test_a_plan_says_of_a_file_what_it_is_called(
    buildpack_run: BuildpackRun, apt: type[Apt], repository: Repository
) -> None:
    deb = (repository.root / "pool" / "fonts_1.0_all.deb").read_bytes()
    app: dict[str, str | bytes | None] = {"vendor/fonts_1.0_all.deb": deb}
    app["Aptfile"] = "vendor/fonts_1.0_all.deb\n"
    asked = buildpack_run(apt, app=app, phases=ASKED)
    assert named(asked) == [("vendor/fonts_1.0_all.deb", "1.0")]


def test_a_plan_names_packages_for_the_images_themselves(
    buildpack_run: BuildpackRun, apt: type[Apt]
) -> None:
    env = {"BP_APT_MODE": "image"}
    asked = buildpack_run(apt, app={"Aptfile": "libtop1=1.0\n"}, env=env, phases=ASKED)
    assert named(asked) == [("libtop1", "1.0")]
    assert asked.decision["layers"] == []


def result_path(result: Result, path: str) -> str:
    """Where the lifecycle has it."""
    place = result.launch_env()["LD_LIBRARY_PATH"].partition("/debs/")[0]
    return f"{place}/debs/{path}"


def test_unchanged_nothing_is_run_and_another_word_for_the_same_keeps_the_layer(
    buildpack_run: BuildpackRun,
    apt: type[Apt],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    unchanged_build: Callable[[type[Buildpack], Result], Unchanged],
) -> None:
    first = buildpack_run(apt, app={"Aptfile": "libtop1\n"})
    same = first.rebuild()
    assert {same.layer(name).state for name in ("debs", "resolution")} == {"reuse"}
    # The same in a process of its own, which has to find the class.
    module = tmp_path / "path" / "local_apt" / "__init__.py"
    module.parent.mkdir(parents=True)
    module.write_text(
        f"from cnbkit_apt import Apt\nclass Local(Apt):\n    system = {apt.system!r}\n"
    )
    for found in (Path(inspect.getfile(each)).parent for each in (Apt, Inputs)):
        (tmp_path / "path" / found.name).symlink_to(found)
    monkeypatch.syspath_prepend(str(tmp_path / "path"))
    unchanged = unchanged_build(importlib.import_module("local_apt").Local, first)
    assert "Aptfile unchanged: packages as in the previous image" in unchanged.log
    assert unchanged.imported.isdisjoint(HEAVY)
    other = first.rebuild(app={"Aptfile": "libtop1 libdeep # said\n"})
    assert other.layer("resolution").why == ["inputs changed: Aptfile"]
    assert other.layer("debs").state == "reuse"
    more = first.rebuild(app={"Aptfile": "libtop1\nfonts\n"})
    assert more.layer("debs").why == ["packages changed: +fonts 1.0"]
    again = first.rebuild(env={"BP_APT_REFRESH": "2"})
    assert again.layer("resolution").why == ["settings changed: +BP_APT_REFRESH=2"]
    assert again.layer("debs").state == "reuse"


def test_what_will_not_be_found_is_named_with_the_program_that_looks_for_it(
    buildpack_run: BuildpackRun, apt: type[Apt]
) -> None:
    result = buildpack_run(apt, app={"Aptfile": "speak\n"})
    warnings = [line.strip() for line in result.log.splitlines() if "looks for" in line]
    assert [each.partition(", which")[0] for each in warnings] == [
        "Warning: usr/bin/speak looks for /etc/speak.conf",
        "Warning: usr/bin/speak looks for /usr/share/speak",
    ]
    assert result.layer("debs").text("usr/bin/say").endswith("/debs/usr/bin/speak\n")
    # Of a package that was not asked for, its configuration matters less.
    other = buildpack_run(apt, app={"Aptfile": "locales\n"})
    assert "looks for /etc/speak.conf" not in other.log
    assert "looks for /usr/share/speak" in other.log
    assert "Warning: locales: unpacked, not configured: no language is made ready" in other.log


def test_headers_are_for_later_buildpacks_upon_what_the_build_image_has(
    buildpack_run: BuildpackRun, apt: type[Apt]
) -> None:
    result = buildpack_run(apt, app={"Aptfile": "only\n:build: libtop-dev\n"})
    assert packages(result) == ["only 1.0"]
    assert packages(result, "dev") == ["libtop-dev 1.0"]
    assert result.layer("dev").types == {"build", "cache"}
    env = result.build_env()
    assert env["CPATH"].endswith("/dev/usr/include")
    assert env["LIBRARY_PATH"].endswith(f"/dev/{LIB}")
    pc = result.layer("dev").text(f"{LIB}/pkgconfig/top.pc")
    prefix = env["CPATH"].removesuffix("/include")
    assert pc.startswith(f"prefix={prefix}\nlibdir=${{prefix}}/lib\n")
    assert result.rebuild().layer("dev").state == "keep"
    both = buildpack_run(apt, app={"Aptfile": "libtop-dev\n"})
    assert packages(both) == ["libdeep 2:1.5", "libtop-dev 1.0", "libtop1 1.0"]
    assert packages(both, "dev") == ["libtop-dev 1.0"]
    assert "write `:build:` before it" in both.log


TABLE = """
[tool.cnbkit.apt]
install = ["libdeep"]  # [a remark]
build = ["libtop-dev"]
[tool.other]
x = 1
"""


@pytest.mark.parametrize("file", ["pyproject.toml", "project.toml"])
def test_a_table_declares_packages_and_only_its_own_lines_count(
    buildpack_run: BuildpackRun, apt: type[Apt], file: str
) -> None:
    result = buildpack_run(apt, app={file: TABLE})
    assert packages(result) == ["libdeep 2:1.5"]
    assert packages(result, "dev") == ["libtop-dev 1.0"]
    other = result.rebuild(app={file: TABLE.replace("x = 1", "x = 2")})
    assert other.layer("resolution").state == "reuse"
    hidden = buildpack_run(apt, app={file: 'tool.cnbkit.apt.install = ["fonts"]\n'})
    assert packages(hidden) == ["fonts 1.0"]


@pytest.mark.parametrize(
    "files",
    [
        {"pyproject.toml": "[project]\nname = 'apt-cnbkit'\n"},
        {"pyproject.toml": "[tool.cnbkit.processes]\nweb = 'adapt'\n"},
        {"Procfile": "web: x"},
    ],
)
def test_other_apps_are_left_alone(
    buildpack_run: BuildpackRun, apt: type[Apt], files: dict[str, str]
) -> None:
    assert not buildpack_run(apt, app=files, phases=["detect"]).detected


def test_packages_that_are_files_of_the_app(
    buildpack_run: BuildpackRun, apt: type[Apt], repository: Repository, gnupg: Path, tmp_path: Path
) -> None:
    own = Repository(tmp_path / "own", gnupg)
    deb = own.add("Package: own\nDepends: libdeep", {"usr/bin/own": "1"}).read_bytes()
    result = buildpack_run(apt, app={"Aptfile": "./deb/own.deb\n", "deb/own.deb": deb})
    assert packages(result) == ["libdeep 2:1.5", "own 1.0"]
    changed = own.add("Package: own\nDepends: libdeep", {"usr/bin/own": "2"}).read_bytes()
    again = result.rebuild(app={"Aptfile": "./deb/own.deb\n", "deb/own.deb": changed})
    assert again.layer("debs").text("usr/bin/own") == "2"
    foreign = own.add("Package: own\nArchitecture: arm64").read_bytes()
    for data, what in (
        (foreign, "own.deb is for arm64, and the image for amd64"),
        (deb[:100], "own.deb is not a Debian package, or damaged"),
    ):
        broken = buildpack_run(apt, app={"Aptfile": "\nown.deb\n", "own.deb": data})
        assert broken.fault is not None
        assert (broken.fault.what, broken.fault.where) == (what, "Aptfile:2")
    url = f"file://{repository.root}/pool/only_1.0_amd64.deb"
    fetched = buildpack_run(apt, app={"Aptfile": f"{url}\n"})
    assert packages(fetched) == ["only 1.0"]
    wrong = buildpack_run(apt, app={"Aptfile": f"{url}#sha256={'0' * 64}\n"})
    assert wrong.fault is not None
    assert "is another file than it should be" in wrong.fault.what


def test_a_repository_of_the_app_is_used_with_its_key_only(
    buildpack_run: BuildpackRun, apt: type[Apt], gnupg: Path, tmp_path: Path
) -> None:
    other = Repository(tmp_path / "other", gnupg, "Other")
    other.add("Package: special")
    other.publish()
    line = f":repo:deb [signed-by=keys/o.asc] file:{other.root} stable main\nspecial\n"
    files: dict[str, str | bytes] = {"Aptfile": line, "keys/o.asc": other.key.read_bytes()}
    result = buildpack_run(apt, app=files)
    assert packages(result) == ["special 1.0"]
    inline = (
        f"[[tool.cnbkit.apt.repositories]]\nuri = 'file:{other.root}'\nsuite = 'stable'\n"
        f"components = ['main']\nsigned-by = '''\n{other.key.read_text()}'''\n"
        "[tool.cnbkit.apt]\ninstall = ['special']\n"
    )
    assert packages(buildpack_run(apt, app={"project.toml": inline})) == ["special 1.0"]
    system_key = (Path(apt.system) / "etc/apt/sources.list").read_text()
    key = Path(system_key.partition("signed-by=")[2].partition("]")[0]).read_bytes()
    unknown = buildpack_run(apt, app={**files, "keys/o.asc": key})
    assert unknown.fault is not None
    assert unknown.fault.what.endswith("is not signed with the key given for it")
    assert unknown.fault.where == "Aptfile:1"
    missing = buildpack_run(apt, app={"Aptfile": line})
    assert missing.fault is not None
    assert "there is no file keys/o.asc" in missing.fault.what
    bare = buildpack_run(apt, app={"Aptfile": line.replace("[signed-by=keys/o.asc] ", "")})
    assert bare.fault is not None
    assert "has no key" in bare.fault.what


@pytest.mark.parametrize(
    ("aptfile", "told"),
    [
        ("libTop", "there is no package libTop. Did you mean libtop1?"),
        ("libtop.so.1", "there is no package libtop.so.1. Did you mean libtop1?"),
        ("libdep", "there is no package libdep. Did you mean libdeep?"),
        ("mailer", "choose one that provides it: mailer-a, mailer-b"),
        ("only=3", "only has no version 3; there is 1.0"),
        ("quarrel-a quarrel-b", "quarrel-a : Conflicts: quarrel-b"),
        ("pandas==2.1\n-r a.txt\nopencv[x]\n", "Aptfile:3: `opencv[x]` is a line of requirements"),
        ("sudo apt-get install -y only", "is a command"),
        ("RUN apt-get update", "is a command"),
        ("apt install only", "is a command"),
        ("libTop1", "Did you mean libtop1?"),
        ("./gone.deb", "there is no file gone.deb in the app"),
        (":ppa: x", "`:ppa:` is unknown; there are :build: and :repo:"),
    ],
)
def test_what_cannot_be_installed_is_explained(
    buildpack_run: BuildpackRun, apt: type[Apt], aptfile: str, told: str
) -> None:
    result = buildpack_run(apt, app={"Aptfile": aptfile})
    assert result.code == 65
    assert result.fault is not None
    assert told in str(result.fault)
    assert "Aptfile" in str(result.fault.where)
    assert result.layers == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[tool.cnbkit.apt]\ninstal = []\n", "has no instal"),
        ("[tool.cnbkit.apt]\ninstall = 'x'\nbuild = [1]\n", "has 2 faults"),
        ("[tool.cnbkit]\napt = 1\n", "is not a table"),
        ("[tool.cnbkit.apt]\nrepositories = [{uri = 'x'}]\n", "a repository has uri"),
        ("[tool.cnbkit.apt]\ninstall = [\n", "project.toml"),
    ],
)
def test_a_wrong_table_is_explained(
    buildpack_run: BuildpackRun, apt: type[Apt], text: str, told: str
) -> None:
    result = buildpack_run(apt, app={"project.toml": text})
    assert result.code == 65
    assert told in str(result.fault)


@pytest.mark.parametrize("line", ["sudo", "apt", "apt-utils", "apt-transport-https", "sudo apt"])
def test_what_is_also_a_command_is_a_package_where_it_stands_alone(line: str) -> None:
    assert _words(line) == line.split()


def test_a_virtual_package_of_one_needs_no_choice(
    buildpack_run: BuildpackRun, apt: type[Apt]
) -> None:
    assert packages(buildpack_run(apt, app={"Aptfile": "one-of-a-kind\n"})) == ["only 1.0"]


def test_a_library_that_was_renamed_for_64_bit_times_is_understood_by_its_old_name(
    buildpack_run: BuildpackRun, apt: type[Apt]
) -> None:
    result = buildpack_run(apt, app={"Aptfile": "only\nlibtime0:amd64\n"})
    assert packages(result) == ["libtime0t64 1.0", "only 1.0"]
    assert "Aptfile:2: libtime0 is libtime0t64 in this release" in result.log


def test_a_library_is_understood_by_its_later_name_in_an_older_release(
    buildpack_run: BuildpackRun, apt: type[Apt]
) -> None:
    result = buildpack_run(apt, app={"Aptfile": "onlyt64\n"})
    assert packages(result) == ["only 1.0"]
    assert "Aptfile:1: onlyt64 is only in this release" in result.log


def test_sources_that_cannot_be_reached_leave_what_was_built(
    buildpack_run: BuildpackRun, apt: type[Apt]
) -> None:
    first = buildpack_run(apt, app={"Aptfile": "only\n"})
    # Nobody listens on port 9.
    sources = Path(apt.system) / "etc/apt/sources.list"
    sources.write_text("deb http://127.0.0.1:9/x stable main\n")
    assert first.rebuild().layer("debs").state == "reuse"
    failed = first.rebuild(app={"Aptfile": "libdeep\n"})
    assert failed.code == 69
    assert failed.fault is not None
    assert failed.fault.what == "the lists of packages cannot be fetched"
    assert "BP_APT_MIRROR" in str(failed.fault.remedy)


def test_a_mirror_stands_in_for_the_sources_hosts(
    buildpack_run: BuildpackRun, apt: type[Apt], repository: Repository
) -> None:
    sources = Path(apt.system) / "etc/apt/sources.list"
    sources.write_text(f"deb [signed-by={repository.key}] http://debian.example/x stable main\n")
    (repository.root.parent / "x").symlink_to(repository.root)
    mirror = f"file:{repository.root.parent}"
    result = buildpack_run(apt, app={"Aptfile": "only\n"}, env={"BP_APT_MIRROR": mirror})
    assert packages(result) == ["only 1.0"]
    assert "[redacted]" in str(result.layer("resolution").key)
    login = {"BP_APT_MIRROR": "http://ann:s3cretword@127.0.0.1:9"}
    failed = buildpack_run(apt, app={"Aptfile": "only\n"}, env=login)
    assert "127.0.0.1" in str(failed.fault)
    assert "s3cretword" not in failed.log + str(failed.fault)


def test_another_architecture_has_packages_of_its_own(
    buildpack_run: BuildpackRun, apt: type[Apt]
) -> None:
    arm = Target(arch="arm64")
    result = buildpack_run(apt, app={"Aptfile": "libtop1\n"}, target=arm)
    assert packages(result) == ["fonts 1.0", "libtop1 1.1"]
    assert result.launch_env()["LD_LIBRARY_PATH"].endswith("/debs/usr/lib/aarch64-linux-gnu")
    other = buildpack_run(apt, app={"Aptfile": "only\n"}, target=arm)
    assert other.fault is not None
    assert "there is no package only" in str(other.fault)


def test_a_run_image_with_other_packages_gets_what_it_lacks(
    buildpack_run: BuildpackRun, apt: type[Apt]
) -> None:
    first = buildpack_run(apt, app={"Aptfile": "libtop1\n"})
    assert packages(first) == ["libdeep 2:1.5", "libtop1 1.0"]
    status = Path(apt.system) / "usr/share/cnbkit/run-image/status"
    deep = INSTALLED.format("libdeep").replace("Version: 1", "Version: 2:1.7")
    deep = deep.replace("Architecture: all", "Architecture: amd64")
    status.write_text(f"{INSTALLED.format('base')}\n{deep}")
    again = first.rebuild()
    assert again.layer("resolution").why == ["packages of the run image changed"]
    assert packages(again) == ["libtop1 1.0"]
    # Unknown: what the build image has counts.
    status.rename(Path(apt.system) / "var/lib/dpkg/status")
    assert "what the run image has is unknown" not in again.log
    unknown = first.rebuild()
    assert packages(unknown) == ["libtop1 1.0"]
    assert "Warning: what the run image has is unknown" in unknown.log


def test_the_bill_names_each_package_with_its_licences(
    buildpack_run: BuildpackRun, apt: type[Apt], repository: Repository
) -> None:
    result = buildpack_run(apt, app={"Aptfile": "libdeep\nfonts\n"})
    fonts, deep = json.loads(result.sbom("debs")["cdx.json"])["components"]
    assert deep["purl"] == "pkg:deb/debian/libdeep@2:1.5?arch=amd64"
    assert fonts["purl"] == "pkg:deb/debian/fonts@1.0?arch=all"
    data = (repository.root / "pool/libdeep_1.5_amd64.deb").read_bytes()
    assert deep["hashes"] == [{"alg": "SHA-256", "content": sha256(data).hexdigest()}]
    assert deep["licenses"] == [{"license": {"name": n}} for n in ("BSD-3-clause", "Expat")]
    assert fonts["licenses"] == [{"license": {"name": "GPL-2"}}]


def test_similar_names_prefer_what_goes_on_with_a_number_or_a_part() -> None:
    known = {"libgl1", "libgl1-mesa-dri", "libglx0", "libigl-dev", "ffmpeg"}
    assert similar("libGL", known) == ["libgl1"]
    assert similar("libGL1", known) == ["libgl1"]
    assert similar("libgl1-mesa", known) == ["libgl1-mesa-dri"]
    assert similar("ffmpg", known) == ["ffmpeg"]
    assert similar("zzzzz", known) == []
