"""What conda has already: pip keeps what fits and replaces what does not; so does a build."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cnbkit import BuildContext, UserFault
from cnbkit.log import Log
from cnbkit_conda.provided import describe_installed
from cnbkit_indexes.sources import Sources
from cnbkit_pip.engines.pip_tools import PipTools
from cnbkit_pip.engines.uv import Uv
from cnbkit_pip.layers.installed import Installed, conflicts
from cnbkit_pip.provided import Provided
from cnbkit_python_inputs.interpreter import Interpreter
from cnbkit_python_inputs.lock import read_entries
from cnbkit_python_inputs.requirements import Requirements
from cnbkit_python_inputs.target import TargetEnvironment

from ..e2e.index import wheel, wheel_name
from .told import telling

UV = Path(sys.executable).with_name("uv")
# Names that stand for these on an index, each with what it needs.
PUBLISHED = [
    ("arrays", "1.26.4", []),
    ("arrays", "2.2.0", []),
    ("arrays", "2.3.0", []),
    ("frames", "2.1.4", ["arrays<2"]),
    ("frames", "2.3.0", ["arrays>=1.22"]),
    ("stats", "1.0", ["arrays", "dates"]),
    ("dates", "2.0", ["six>=1"]),
    ("six", "1.16.0", []),
    ("six", "1.17.0", []),
    ("build_tool", "1.0", []),
]
# What the environment has; one of them is on no index, one in no version that is.
INSTALLED = [
    ("arrays", "2.2.0", []),
    ("dates", "1.9", ["six"]),
    ("six", "1.16.0", []),
    ("lab_tools", "0.3", ["arrays>=2"]),
    ("build_tool", "1.0", []),
]
CASES = [
    ["frames"],
    ["frames==2.1.4"],
    ["arrays"],
    ["arrays<2"],
    ["arrays==2.2.0"],
    ["arrays>=2.3"],
    ["stats"],
    ["dates"],
    ["dates>=2"],
    ["lab_tools"],
    ["lab-tools", "six==1.17.0"],
    ["Build.Tool", "stats", "six>1.16"],
]


def publish(folder: Path, projects: list[tuple[str, str, list[str]]]) -> None:
    folder.mkdir()
    for name, version, needs in projects:
        text = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        text += "".join(f"Requires-Dist: {each}\n" for each in needs)
        extra = {f"{name}-{version}.dist-info/METADATA": text}
        (folder / wheel_name(name, version)).write_bytes(wheel(name, version, extra=extra))


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Wheels of an index, and an environment that stands for conda's."""
    root = tmp_path_factory.mktemp("provided")
    publish(root / "index", PUBLISHED)
    publish(root / "conda", INSTALLED)
    environment = root / "environment"
    uv = [str(UV), "--quiet", "--offline", "--no-config"]
    subprocess.run([*uv, "venv", "--python", sys.executable, environment], check=True)
    wheels = sorted((root / "conda").iterdir())
    python = ["--python", str(environment / "bin" / "python")]
    subprocess.run([*uv, "pip", "install", *python, "--no-deps", *wheels], check=True)
    return root


def oracle(work: Path, listed: Path, folder: Path) -> dict[str, str]:
    """What pip has in the environment after it installed these requirements there."""
    environment = folder / "environment"
    shutil.copytree(work / "environment", environment, symlinks=True)
    (site,) = environment.glob("lib/python3.*/site-packages")
    pip = [sys.executable, "-m", "pip", "--python", str(environment / "bin" / "python")]
    subprocess.run([*pip, "install", "--quiet", "-r", listed], check=True)
    listing = [*pip, "list", "--format", "json", "--path", str(site)]
    done = subprocess.run(listing, check=True, capture_output=True, text=True)
    return {each["name"].replace("_", "-"): each["version"] for each in json.loads(done.stdout)}


def lock(work: Path, listed: Path, folder: Path, engine: str) -> tuple[dict[str, str], str]:
    """Packages of conda with those that are installed in front of them; and the lock's path."""
    (site,) = (work / "environment").glob("lib/python3.*/site-packages")
    there = describe_installed(str(site), str(folder / "there"))
    (folder / "buildpack" / "lib" / "bin").mkdir(parents=True)
    (folder / "buildpack" / "lib" / "bin" / "uv").symlink_to(UV)
    (folder / "layers").mkdir()
    env = {"PATH": "/usr/bin:/bin", **telling(conda_wheels=str(folder / "there"))}
    ctx = BuildContext(
        app=str(listed.parent),
        env=env,
        buildpack=str(folder / "buildpack"),
        platform="",
        layers=str(folder / "layers"),
        plan="",
        log=Log(),
    )
    python = Interpreter(sys.executable, f"{sys.version_info[0]}.{sys.version_info[1]}")
    sources = Sources.read(ctx)
    kind = Uv if engine == "uv" else PipTools
    resolver = kind(ctx, python, sources)
    path = str(folder / "pylock.toml")
    resolver.lock(Requirements.read(ctx, ["requirements.txt"]), path)
    entries = read_entries(path, "lock")["packages"]
    return {**there, **{each["name"]: each.get("version", "") for each in entries}}, path


@pytest.mark.parametrize("lines", CASES, ids=" ".join)
def test_the_set_is_what_pip_makes_of_the_environment(
    work: Path, tmp_path: Path, lines: list[str]
) -> None:
    listed = tmp_path / "app" / "requirements.txt"
    listed.parent.mkdir()
    listed.write_text("\n".join(["--no-index", f"--find-links {work / 'index'}", *lines, ""]))
    expected = oracle(work, listed, tmp_path)
    found, path = lock(work, listed, tmp_path, "uv")
    assert found == expected
    there = {name.replace("_", "-"): version for name, version, _ in INSTALLED}
    entries = read_entries(path, "lock")["packages"]
    # What is there is not installed again, and nothing that is installed is an empty wheel.
    assert [each for each in entries if there.get(each["name"]) == each["version"]] == []
    assert "py30" not in str(entries)


@pytest.mark.parametrize("lines", [CASES[1], CASES[6], CASES[9]], ids=" ".join)
def test_pip_as_the_engine_makes_the_same_set(work: Path, tmp_path: Path, lines: list[str]) -> None:
    listed = tmp_path / "app" / "requirements.txt"
    listed.parent.mkdir()
    listed.write_text("\n".join(["--no-index", f"--find-links {work / 'index'}", *lines, ""]))
    found, _ = lock(work, listed, tmp_path, "pip")
    assert found == oracle(work, listed, tmp_path)


def test_what_cannot_be_together_is_an_error_with_both_versions(work: Path, tmp_path: Path) -> None:
    listed = tmp_path / "app" / "requirements.txt"
    listed.parent.mkdir()
    text = f"--no-index\n--find-links {work / 'index'}\nframes==2.1.4\nlab-tools\n"
    listed.write_text(text)
    with pytest.raises(UserFault) as caught:
        lock(work, listed, tmp_path, "uv")
    assert "arrays>=2" in str(caught.value)
    assert "arrays<2" in str(caught.value)


def test_another_set_of_packages_is_another_key(tmp_path: Path) -> None:
    def digests(text: str) -> list[str]:
        (tmp_path / "packages").write_text(text)
        ctx = BuildContext(
            app="", env=telling(conda_wheels=str(tmp_path)), buildpack="", platform="", layers="",
            plan="", log=Log(),
        )  # fmt: skip
        return Provided.of(ctx).digests()

    assert digests("") == []
    assert digests("numpy 2.2.0\n") != digests("numpy 2.3.0\n")


def test_what_a_replaced_package_breaks_in_the_environment_is_named(tmp_path: Path) -> None:
    ctx = BuildContext(
        app=str(tmp_path),
        env={},
        buildpack="",
        platform="",
        layers=str(tmp_path),
        plan="",
        log=Log(),
    )
    python = Interpreter(sys.executable, f"{sys.version_info[0]}.{sys.version_info[1]}")
    target = TargetEnvironment.of(ctx, python)

    def there(name: str, version: str, *needs: str) -> Installed:
        return Installed(name, version, list(needs), [], [])

    beside = [there("arrays", "2.2.0"), there("lab", "1", "arrays>=2", "not-there", "other<1")]
    beside += [there("other", "1.0")]
    assert conflicts([there("six", "1.0")], target, beside) == []
    assert conflicts([there("arrays", "1.26.4")], target, beside) == [
        "lab 1 needs arrays>=2, but arrays 1.26.4 is there"
    ]
    # One that is replaced itself asks for nothing any more.
    replaced = [there("arrays", "1.26.4"), there("lab", "2")]
    assert conflicts(replaced, target, beside) == []
