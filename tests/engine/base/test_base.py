"""The base images hold what they promise, no more, and come out the same for everybody."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import subprocess
import tarfile
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from cnbkit.errors import PlatformFault
from cnbkit_engine.base.images import BaseImages
from cnbkit_engine.base.recipe import RECIPES, BaseRecipe, Kind
from cnbkit_engine.base.suites import DEFAULT, SUITES, Suite
from cnbkit_engine.oci.store import ImageStore
from cnbkit_engine.sandbox.owner import sandbox_user
from cnbkit_engine.state.home import Home
from cnbkit_engine.state.locks import made_once


@pytest.fixture(scope="module")
def home() -> Home:
    """The user's own: what a build made before need not be made again for its tests."""
    return Home.default()


# The second base takes minutes to make, so what is true of both is asked of it in the full tier.
@pytest.fixture(
    scope="module",
    params=[
        pytest.param(suite, id=name, marks=() if suite is DEFAULT else pytest.mark.full)
        for name, suite in SUITES.items()
    ],
)
def suite(request: pytest.FixtureRequest) -> Suite:
    found: Suite = request.param
    return found


@pytest.fixture(scope="module")
def images(home: Home, suite: Suite) -> BaseImages:
    return BaseImages(home, ImageStore(home.images), suite=suite)


@pytest.fixture(scope="module")
def build_root(images: BaseImages) -> Path:
    return images.prepare()[0]


@pytest.fixture(scope="module")
def run_root(images: BaseImages, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run image's one layer, unpacked."""
    folder = tmp_path_factory.mktemp("run")
    manifest = _document(images.store, images.ensure_run_image())
    (layer,) = manifest["layers"]
    blob = images.store.blob_path(layer["digest"])
    subprocess.run(["tar", "-xzf", blob, "-C", folder], check=True)
    return folder


def _document(store: ImageStore, name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(store.read_blob(store.resolve(name).digest))
    return document


def _config(images: BaseImages) -> dict[str, Any]:
    manifest = _document(images.store, images.ensure_run_image())
    config: dict[str, Any] = json.loads(images.store.read_blob(manifest["config"]["digest"]))
    return config


def _inside(root: Path, *command: str) -> str:
    """What a command prints in a root file system, run as user 1000 without a network."""
    done = subprocess.run(
        [
            *("bwrap", "--unshare-all", "--uid", "1000", "--gid", "1000", "--ro-bind", root, "/"),
            *("--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--clearenv"),
            *("--setenv", "PATH", "/usr/sbin:/usr/bin", *command),
        ],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def _packages(root: Path) -> dict[str, dict[str, str]]:
    found = {}
    for text in (root / "var/lib/dpkg/status").read_text().split("\n\n"):
        fields = dict(re.findall(r"^([A-Z]\S+): (.*)", text, re.MULTILINE))
        if fields:
            found[fields["Package"]] = fields
    return found


def test_python_with_its_whole_standard_library_runs_in_both(
    build_root: Path, run_root: Path, suite: Suite
) -> None:
    program = (
        "import asyncio, bz2, ctypes.util, dbm.ndbm, decimal, lzma, readline, sqlite3, ssl, uuid\n"
        "import zoneinfo, curses, multiprocessing, unittest, xml.sax, warnings, platform, sys\n"
        "warnings.simplefilter('ignore')\n"
        "if sys.version_info < (3, 12): import distutils.version\n"
        "zoneinfo.ZoneInfo('US/Eastern')\n"
        "print(platform.python_version(), ctypes.util.find_library('stdc++'),\n"
        "      zoneinfo.ZoneInfo('Europe/Berlin'),\n"
        "      ssl.create_default_context().cert_store_stats()['x509_ca'] > 50)\n"
    )
    for root in (build_root, run_root):
        assert _inside(root, "python3", "-c", program) == (
            f"{suite.full_python} libstdc++.so.6 Europe/Berlin True\n"
        )
    record = build_root / "usr/share/cnbkit/run-image/python-version"
    assert record.read_text() == f"{suite.full_python}\n"


def test_the_standard_library_is_compiled_so_that_file_times_do_not_matter(
    build_root: Path, run_root: Path, suite: Suite
) -> None:
    for root in (build_root, run_root):
        stdlib = root / f"usr/lib/python{suite.python}"
        sources = set(stdlib.rglob("*.py"))
        compiled = {
            path.parent.parent / f"{path.name.split('.')[0]}.py"
            for path in stdlib.rglob(f"*.cpython-{suite.python.replace('.', '')}.pyc")
        }
        assert sources == compiled
        for path in stdlib.glob("__pycache__/*.pyc"):
            assert path.read_bytes()[4] == 0b01, path  # hash-based, unchecked (PEP 552)


def test_the_user_is_cnb_with_a_home(build_root: Path, run_root: Path) -> None:
    for root in (build_root, run_root):
        assert _inside(root, "id") == "uid=1000(cnb) gid=1000(cnb) groups=1000(cnb)\n"
        assert "cnb:x:1000:1000::/home/cnb:/bin/bash\n" in (root / "etc/passwd").read_text()
        assert (root / "home/cnb").is_dir()


def test_the_build_root_compiles_c_against_python(build_root: Path) -> None:
    program = (
        "cd /tmp && printf '#include <Python.h>\\nint main() { return PY_MAJOR_VERSION; }' > a.c &&"
        " gcc $(pkg-config --cflags python3) -c a.c && g++ --version > /dev/null &&"
        " git --version && echo compiled"
    )
    assert _inside(build_root, "sh", "-c", program).endswith("compiled\n")


def test_the_build_root_links_programs_with_python_in_them(build_root: Path) -> None:
    program = (
        "cd /tmp && printf '#include <Python.h>\\nint main() { Py_Initialize();"
        ' return PyRun_SimpleString("import ssl; print(ssl.__name__, flush=True)"); }\' > a.c &&'
        " gcc $(python3-config --includes) a.c -o a $(python3-config --ldflags --embed) && ./a"
    )
    assert _inside(build_root, "sh", "-c", program) == "ssl\n"


def test_the_build_root_belongs_to_its_user_and_can_be_read_to_the_last_file(
    build_root: Path,
) -> None:
    user = sandbox_user()
    owners = {os.geteuid(), user.uid if user else os.geteuid()}
    for folder, _, names in os.walk(build_root, onerror=_reraise):
        for path in [Path(folder), *(Path(folder, name) for name in names)]:
            status = path.lstat()
            # Root gives it to the user that its sandboxes run as when the first one shows it.
            assert status.st_uid in owners, path
            assert not stat.S_ISBLK(status.st_mode), path
            assert not stat.S_ISCHR(status.st_mode), path
            if not stat.S_ISLNK(status.st_mode):
                wanted = 0o700 if path.is_dir() else 0o600
                assert status.st_mode & wanted == wanted, path
                assert not status.st_mode & (stat.S_ISUID | stat.S_ISGID), path


def _reraise(error: OSError) -> None:
    raise error


def test_the_build_root_has_the_places_a_build_mounts_things_at(build_root: Path) -> None:
    for place in ("cnb", "layers", "platform", "workspace", "home/cnb", "proc", "dev", "tmp"):
        assert (build_root / place).is_dir(), place


def test_the_run_image_holds_nothing_that_installs_or_explains(run_root: Path) -> None:
    for gone in ("apt-get", "dpkg", "perl", "gcc", "man", "su", "mount", "passwd"):
        assert not (run_root / "usr/bin" / gone).exists(), gone
    assert not list((run_root / "usr/share").glob("man/*"))
    assert not list((run_root / "usr/share").glob("locale/*"))
    explained = (path for path in run_root.glob("usr/share/doc/**/*") if path.is_file())
    assert {path.name for path in explained} == {"copyright"}
    assert not list((run_root / "var/cache").iterdir())


def test_no_link_in_the_run_image_leads_nowhere(run_root: Path) -> None:
    told = _inside(run_root, "find", "/usr", "/etc", "-xtype", "l")

    assert told == ""


def test_every_program_and_library_of_the_run_image_finds_its_libraries(run_root: Path) -> None:
    program = (
        "find /usr/bin /usr/sbin /usr/lib -type f -size +1k | while read -r f; do"
        " case $(head -c 4 \"$f\" | tr -d '\\0') in ?ELF) ldd \"$f\" 2>&1 | grep 'not found' &&"
        ' echo "$f";; esac; done; true'
    )
    assert _inside(run_root, "bash", "-c", program) == ""


def test_dpkgs_database_names_exactly_the_packages_whose_files_are_there(
    run_root: Path, suite: Suite
) -> None:
    packages = _packages(run_root)
    lists = {
        path.name.rpartition(".")[0].partition(":")[0]
        for path in (run_root / "var/lib/dpkg/info").glob("*.list")
    }
    assert set(packages) == lists
    ssl = {"bookworm": "libssl3", "trixie": "libssl3t64"}[suite.name]
    assert {f"python{suite.python}", ssl, "libc6", "tzdata"} <= set(packages)
    assert not {"dpkg", "perl-base", "debconf", "util-linux"} & set(packages)
    # Versions stay, for scanners.
    assert packages["base-files"]["Version"].startswith(suite.version)
    for path in (run_root / "var/lib/dpkg/info").glob("*.list"):
        for line in path.read_text().splitlines():
            if line.startswith("/usr/lib/") and line.endswith(".so.6"):
                assert (run_root / line[1:]).exists(), line


def test_apt_can_resolve_upon_the_run_images_database(
    build_root: Path, run_root: Path, tmp_path: Path
) -> None:
    """The apt buildpack asks apt what the run image lacks; a gap in it would stop apt at once."""
    for name in ("lists/partial", "cache/archives/partial"):
        (tmp_path / name).mkdir(parents=True)
    shutil.copy(run_root / "var/lib/dpkg/status", tmp_path / "status")
    done = subprocess.run(
        [
            *("bwrap", "--unshare-all", "--uid", "1000", "--gid", "1000"),
            *("--ro-bind", build_root, "/", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"),
            *("--bind", tmp_path, "/layers"),
            *("apt-get", "check", "-o", "Dir::State=/layers", "-o", "Debug::NoLocking=1"),
            *("-o", "Dir::Cache=/layers/cache", "-o", "Dir::State::status=/layers/status"),
        ],
        capture_output=True,
        text=True,
        env={"PATH": "/usr/sbin:/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_build_image_knows_the_run_images_packages_and_libraries(
    build_root: Path, run_root: Path
) -> None:
    known = build_root / "usr/share/cnbkit/run-image"
    assert (known / "status").read_text() == (run_root / "var/lib/dpkg/status").read_text()
    libraries = {
        f"/{path.relative_to(run_root)}"
        for folder in ("usr/lib", "usr/lib64", *map(str, run_root.glob("usr/lib/*-linux-gnu")))
        for path in (run_root / folder).glob("*.so*")
    }
    assert set((known / "libraries").read_text().split()) == libraries
    assert any(each.endswith("/libstdc++.so.6") for each in libraries)
    assert not any("libGL" in each for each in libraries)


def test_the_run_images_configuration_says_what_platforms_ask_for(
    images: BaseImages, suite: Suite
) -> None:
    config = _config(images)

    assert (config["os"], config["architecture"]) == ("linux", images.arch)
    assert config["created"] == "1980-01-01T00:00:01Z"
    assert config["config"]["User"] == "1000:1000"
    assert config["config"]["Env"][0].startswith("PATH=")
    labels = config["config"]["Labels"]
    assert labels["io.buildpacks.base.distro.name"] == "debian"
    assert labels["io.buildpacks.base.distro.version"] == suite.version
    assert labels["io.buildpacks.stack.id"] == labels["io.buildpacks.base.id"] == suite.stack
    assert labels["io.buildpacks.base.homepage"].startswith("https://")


def test_the_run_image_says_when_the_newest_of_its_packages_was_made(
    images: BaseImages, run_root: Path
) -> None:
    label = _config(images)["config"]["Labels"]["io.buildpacks.base.released"]
    assert (run_root / "usr/share/cnbkit/released").read_text() == f"{label}\n"
    # Neither the time of all files nor the day when this was made by the test.
    released = date.fromisoformat(label)
    assert date(2023, 6, 10) < released <= datetime.now(UTC).date()


def test_the_build_images_environment_names_the_user_and_the_stack() -> None:
    for suite in SUITES.values():
        variables = BaseRecipe("build", "amd64", suite=suite).variables()
        labels = BaseRecipe("run", "amd64", suite=suite).labels()

        assert variables["CNB_USER_ID"] == variables["CNB_GROUP_ID"] == "1000"
        assert variables["CNB_STACK_ID"] == labels["io.buildpacks.base.id"]


def test_every_entry_of_the_run_layer_has_the_same_time_and_no_owner_names(
    images: BaseImages,
) -> None:
    manifest = _document(images.store, images.ensure_run_image())
    with tarfile.open(images.store.blob_path(manifest["layers"][0]["digest"])) as files:
        entries = files.getmembers()

    assert {entry.mtime for entry in entries} == {315532801}
    assert {entry.uname for entry in entries} == {""}
    assert not any(entry.isdev() for entry in entries)
    assert not any(entry.name.startswith((".", "/")) for entry in entries)
    assert [entry.name for entry in entries] == list(dict.fromkeys(e.name for e in entries))


@pytest.mark.fetches
def test_the_run_image_is_the_same_bytes_when_made_again(
    images: BaseImages, tmp_path: Path
) -> None:
    here = images.store.resolve(images.ensure_run_image())
    again = BaseImages(Home(tmp_path), ImageStore(tmp_path / "images"), suite=images.suite)

    assert again.store.resolve(again.ensure_run_image()) == here


def test_made_before_both_are_there_without_a_network_or_mmdebstrap(
    images: BaseImages, build_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    told: list[str] = []
    later = BaseImages(images.home, images.store, suite=images.suite, progress=told.append)

    assert later.prepare() == (build_root, f"cnbkit/run:{images.suite.name}")
    assert told == []


@pytest.mark.parametrize(
    ("file", "changed"),
    [("run.txt", {"run", "build"}), ("build.txt", {"build"}), ("dpkg.cfg", {"run", "build"})],
)
def test_editing_a_list_makes_the_images_it_is_for_anew(
    tmp_path: Path, file: str, changed: set[str]
) -> None:
    folder = tmp_path / "base"
    folder.mkdir()
    for path in RECIPES.iterdir():
        if path.is_file():
            (folder / path.name).write_bytes(path.read_bytes())
    kinds: tuple[Kind, ...] = ("run", "build")
    before = {kind: BaseRecipe(kind, "amd64", folder).digest() for kind in kinds}
    with (folder / file).open("a") as lines:
        lines.write("path-exclude=/x\n" if file == "dpkg.cfg" else "jq # asked for\n")

    after = {kind: BaseRecipe(kind, "amd64", folder).digest() for kind in kinds}

    assert {kind for kind in kinds if before[kind] != after[kind]} == changed


def test_the_build_list_stands_on_the_run_list() -> None:
    run, build = (set(BaseRecipe(kind, "amd64").packages()) for kind in ("run", "build"))

    assert run < build
    assert {"apt", "build-essential", "git"} <= build - run


@pytest.mark.parametrize("kind", ["run", "build"])
@pytest.mark.parametrize("name", SUITES)
def test_the_dockerfile_is_in_step_with_the_lists(name: str, kind: Kind) -> None:
    committed = RECIPES / f"{kind}-{name}.Dockerfile"

    assert committed.read_text() == BaseRecipe(kind, "amd64", suite=SUITES[name]).dockerfile(), (
        f"run: python -m cnbkit_engine.base.recipe {name} {kind} > {committed}"
    )


def test_a_line_for_some_suites_counts_for_these_alone(tmp_path: Path) -> None:
    (tmp_path / "run.txt").write_text(
        "both # a reason\none [bookworm]\nother [trixie] # why\nnamed [trixie bookworm]\n"
    )
    found = {
        name: BaseRecipe("run", "amd64", tmp_path, suite).packages()
        for name, suite in SUITES.items()
    }

    assert found == {"bookworm": ["both", "named", "one"], "trixie": ["both", "named", "other"]}


def test_without_mmdebstrap_the_fault_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")

    with pytest.raises(PlatformFault, match="missing") as caught:
        BaseImages(Home(tmp_path), ImageStore(tmp_path / "images")).ensure_build_root()

    assert "apt-get install mmdebstrap" in str(caught.value.remedy)
    assert not list((tmp_path / "base").glob("build-*"))


def test_without_a_network_the_fault_says_so_and_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    home = Home(tmp_path)

    with pytest.raises(PlatformFault, match="cannot be downloaded") as caught:
        BaseImages(home, ImageStore(home.images)).ensure_run_image()

    assert "proxy" in str(caught.value.remedy)
    assert list(home.tmp.iterdir()) == []
    assert ImageStore(home.images).names() == []


def test_what_was_left_half_made_is_made_again(tmp_path: Path) -> None:
    final = tmp_path / "thing"

    def dies(path: Path) -> None:
        path.mkdir()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        made_once(final, dies)
    assert not final.exists()

    assert made_once(final, Path.mkdir) == final
    assert final.is_dir()
