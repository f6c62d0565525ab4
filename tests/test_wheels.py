"""The three wheels, installed where there is no checkout: `cnbkit build` works from there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from tests.commands import output
from uv import find_uv_bin

from cnbkit_engine.base.images import BaseImages
from cnbkit_engine.lifecycle.install import ensure_lifecycle
from cnbkit_engine.oci.store import ImageStore
from cnbkit_engine.state.home import Home

# An environment of its own gets what they need from the index.
pytestmark = pytest.mark.fetches
ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Both, made by way of the source distributions, as a release makes them."""
    return _built(tmp_path_factory.mktemp("wheels"))


def _built(folder: Path, *options: str) -> Path:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    for project in ("sdk", "engine", "buildpacks"):
        output(
            *(find_uv_bin(), "build", "--quiet", "--no-build-isolation", *options),
            *("--python", sys.executable, "--out-dir", str(folder), str(ROOT / project)),
            env={**os.environ, "PATH": path},
        )
    return folder


@pytest.fixture(scope="module")
def python(wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An interpreter that has nothing but the wheels and what they depend on."""
    venv = tmp_path_factory.mktemp("installed") / "venv"
    output(find_uv_bin(), "venv", "--quiet", "--python", sys.executable, str(venv))
    files = [str(path) for path in wheels.glob("*.whl")]
    assert len(files) == 3
    target = str(venv / "bin" / "python")
    output(find_uv_bin(), "pip", "install", "--quiet", "--python", target, *files)
    return venv / "bin" / "python"


@pytest.mark.full
def test_source_distributions_give_the_wheels_that_the_checkout_gives(
    wheels: Path, tmp_path: Path
) -> None:
    def contents(folder: Path) -> dict[str, dict[str, int]]:
        found = {}
        for path in folder.glob("*.whl"):
            with zipfile.ZipFile(path) as wheel:
                found[path.name] = {each.filename: each.CRC for each in wheel.infolist()}
        return found

    made = contents(wheels)
    assert len(made) == 3
    assert made == contents(_built(tmp_path / "direct", "--wheel"))
    (names,) = (set(names) for wheel, names in made.items() if wheel.startswith("cnbkit-"))
    assert {"cnbkit/__init__.pyi", "cnbkit/py.typed", "cnbkit/build_context.py"} <= names


def test_the_wheel_of_the_buildpacks_holds_each_as_the_repository_has_it(wheels: Path) -> None:
    builder = tomllib.loads((ROOT / "builder" / "builder.toml").read_text())
    expected = {"builder/builder.toml", "builder/ml/buildpack.toml"}
    for each in builder["buildpacks"]:
        folder = (ROOT / "builder" / each["uri"]).resolve()
        expected |= {f"buildpacks/{folder.name}/{path}" for path in _files(folder)}
    with zipfile.ZipFile(next(wheels.glob("cnbkit_buildpacks-*.whl"))) as wheel:
        prefix = "cnbkit_buildpacks/"
        there = {
            item.filename.removeprefix(prefix): item
            for item in wheel.infolist()
            if item.filename.startswith(prefix)
        }
        assert expected <= there.keys()
        for name in sorted(expected):
            assert wheel.read(there[name]) == (ROOT / name).read_bytes(), name
            executable = os.access(ROOT / name, os.X_OK)
            assert bool(there[name].external_attr >> 16 & 0o100) == executable, name
        assert any(name.endswith("licenses/LICENSE") for name in wheel.namelist())
    with zipfile.ZipFile(next(wheels.glob("cnbkit-*.whl"))) as wheel:
        assert any(name.endswith("licenses/LICENSE") for name in wheel.namelist())
        assert not any("cnbkit_buildpacks" in name for name in wheel.namelist())


def test_an_app_is_built_and_runs_with_nothing_but_the_wheels(python: Path, tmp_path: Path) -> None:
    home = _home_with_base_images(tmp_path / "home")
    app = tmp_path / "app"
    app.mkdir()
    (app / "requirements.txt").write_text("six==1.17.0\n")
    (app / "app.py").write_text("import six\nprint('six', six.__version__)\n")
    cnbkit = str(python.with_name("cnbkit"))
    # Nothing of the checkout's environment, and not its folder.
    env = {
        **{name: value for name, value in os.environ.items() if name not in _PYTHON_VARIABLES},
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "CNBKIT_HOME": str(home.root),
    }
    built = output(cnbkit, "build", str(app), "--tag", "wheels", env=env, cwd=tmp_path)
    assert "cnbkit/pip:site" in built, built
    assert "Assembling" in built
    assert str(ROOT) not in built
    assert output(cnbkit, "run", "wheels", env=env, cwd=tmp_path) == "six 1.17.0\n"
    # The filter of system calls is made by libseccomp at once; all else is fetched or compiled.
    tools = {path.name for path in home.tools.iterdir() if "seccomp" not in path.name}
    assert len(tools) == 1, "a tool was made anew"


def test_what_builds_read_is_found_in_the_wheels(python: Path, tmp_path: Path) -> None:
    asked = (
        "from cnbkit_engine.base.recipe import RECIPES\n"
        "from cnbkit_engine.builder.reference import reference_builder\n"
        "from cnbkit_engine.tools.go import MODULES, TOOLCHAIN\n"
        "tools = [MODULES / tool / 'go.sum' for tool in ('lifecycle', 'pack', 'crane')]\n"
        "for path in (RECIPES / 'run.txt', *tools, TOOLCHAIN, reference_builder()):\n"
        "    assert path.is_file(), path\n"
        "    print(path)\n"
    )
    found = output(str(python), "-c", asked, cwd=tmp_path, env={"HOME": str(tmp_path)}).splitlines()
    assert len(found) == 6
    assert all(path.startswith(str(python.parents[1] / "lib")) for path in found)


def test_without_the_buildpacks_it_says_what_to_install(wheels: Path, tmp_path: Path) -> None:
    target = tmp_path / "alone"
    files = [str(next(wheels.glob(f"{name}-*.whl"))) for name in ("cnbkit", "cnbkit_engine")]
    output(find_uv_bin(), "pip", "install", "--quiet", "--target", str(target), *files)
    (tmp_path / "app").mkdir()
    done = subprocess.run(
        [sys.executable, "-S", "-c", "from cnbkit_engine.cli import main; main()", "build", "app"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(target), "CNBKIT_HOME": str(tmp_path / "home")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 65, done.stderr
    assert "the reference buildpacks are not installed" in done.stderr
    assert "pip install cnbkit-buildpacks" in done.stderr


_PYTHON_VARIABLES = {"PYTHONPATH", "VIRTUAL_ENV"}


def _home_with_base_images(folder: Path) -> Home:
    """A new home that has this machine's base images and lifecycle, and nothing else."""
    shared, home = Home.default(), Home(folder)
    store = ImageStore(shared.images)
    base = BaseImages(shared, store)
    base.prepare()
    folder.mkdir()
    (folder / "base").symlink_to(shared.base)
    home.tools.mkdir()
    lifecycle = ensure_lifecycle(shared, arch=base.arch)
    shutil.copytree(lifecycle, home.tools / lifecycle.name, symlinks=True)
    own = ImageStore(home.images)
    for name in store.names():
        if name.startswith("cnbkit/run:"):
            image = store.resolve(name)
            manifest, *blobs = store.reachable(image)
            for blob in blobs:
                own.put_blob(store.read_blob(blob.digest))
            own.put_manifest(name, image.media_type, store.read_blob(manifest.digest))
    return home


def _files(folder: Path) -> set[str]:
    """Files below a folder, also those behind its links."""
    found = set()
    for place, folders, names in os.walk(folder, followlinks=True):
        folders[:] = [name for name in folders if name != "__pycache__"]
        found |= {Path(place, name).relative_to(folder).as_posix() for name in names}
    return found
