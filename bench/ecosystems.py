"""conda environments and Debian packages: cnbkit beside a Dockerfile of the same packages."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.docker_engine import DockerEngine, docker_engine
from bench.registry import LocalRegistry, local_registry
from bench.sides import CnbkitSide, DockerSide
from bench.table import markdown, ratio, seconds
from bench.turns import FRESH, Written, take_turns
from cnbkit_engine.base.images import BaseImages, machine_architecture
from cnbkit_engine.lifecycle.install import ensure_lifecycle
from cnbkit_engine.oci.store import ImageStore
from cnbkit_engine.state.home import Home

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from bench.builds import Rounds
    from bench.sides import Side
    from bench.turns import Files

    Measured = Callable[["_Place", Rounds], dict[str, Any]]
    _Pair = tuple[Side, Written]

__all__ = ["ECOSYSTEMS", "Ecosystem", "measure_ecosystem", "table"]

_ROOT = Path(__file__).resolve().parents[1]
_CNBKIT = "cnbkit"
_COMMAND = 'COPY . .\nCMD ["{python}", "app.py"]\n'


@dataclass(frozen=True)
class Ecosystem:
    """A comparison.

    Args:
        title: heading in the report.
        told: what the sides do, for the report.
        cases: words for each thing that is measured.
        measure: measures it.
        forms: of one app, if there are several; sides are called `tool: form` then.
    """

    title: str
    told: str
    cases: Mapping[str, str]
    measure: Measured
    forms: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Place:
    """Everything that stands ready while measuring."""

    scratch: Path
    results: Path
    registry: LocalRegistry
    engine: DockerEngine
    base: str

    def docker(self, name: str, key: str, dockerfile: str, files: Files, base: str = "") -> _Pair:
        app = self._app(key, files)
        log = self.results / f"{key}.log"
        base = base or self.base
        return DockerSide(name, dockerfile, base, self.engine, self.registry, app, log), app

    def cnbkit(self, name: str, key: str, files: Files) -> _Pair:
        app = self._app(key, files)
        log = self.results / f"{key}.log"
        home = Home(self.scratch / key)
        return CnbkitSide(name, self.registry, home, Home.default(), app, log), app

    def _app(self, key: str, files: Files) -> Written:
        return Written(self.scratch / "apps" / key, files)


def measure_ecosystem(
    story: Ecosystem, scratch: Path, results: Path, rounds: Rounds
) -> dict[str, Any]:
    """Measure everything and return plain data.

    Args:
        story: what.
        scratch: an empty folder on a disk, with a short path; may be deleted afterwards.
        results: keeps what later measurements use again, and logs.
        rounds: how often.
    """
    with ExitStack() as stack:
        registry, _ = stack.enter_context(local_registry(scratch))
        engine = stack.enter_context(docker_engine(scratch / "docker"))
        base = f"{registry.host}/base"
        engine.make_base(results / "docker-base.tar", base)
        home = Home.default()
        BaseImages(home, ImageStore(home.images), progress=print).prepare()
        ensure_lifecycle(home, arch=machine_architecture(), progress=print)
        place = _Place(scratch, results, registry, engine, base)
        return {"docker": engine.version(), **story.measure(place, rounds)}


def table(story: Ecosystem, found: Mapping[str, Any]) -> str:
    """What was measured, as a section of the report."""
    text = story.told
    for form in story.forms or ("",):
        suffix = f": {form}" if form else ""
        sizes = {
            name.removesuffix(suffix): size
            for name, size in found["sizes"].items()
            if name.endswith(suffix)
        }
        (other,) = (name for name in sizes if name != _CNBKIT)
        rows: list[tuple[str, ...]] = []
        for case, words in story.cases.items():
            times = found["times"].get(case, {})
            ours, theirs = times.get(_CNBKIT + suffix, []), times.get(other + suffix, [])
            rows.append((words, seconds(theirs), seconds(ours), ratio(ours, theirs)))
        told = (f"{sizes[name] / 1e6:.1f} MB" for name in (other, _CNBKIT))
        rows.append(("compressed image", *told, ratio([sizes[_CNBKIT]], [sizes[other]])))
        text += f"\n#### {form}\n" if form else ""
        text += "\n" + markdown(("", other, _CNBKIT, "ratio"), rows)
    return text


# -- conda -----------------------------------------------------------------------------------------

_RATTLER = "docker (py-rattler)"
# What micromamba does: solve, link into a prefix, then pip for the file's own section.
_INSTALL = """
import asyncio, subprocess, sys, yaml
from rattler import GenericVirtualPackage, Subdir, VirtualPackage, install, solve

async def main(file, prefix):
    wanted = yaml.safe_load(open(file))
    specs = [each for each in wanted["dependencies"] if isinstance(each, str)]
    sections = [each["pip"] for each in wanted["dependencies"] if not isinstance(each, str)]
    platform = [Subdir.current(), Subdir("noarch")]
    virtual = [each.into_generic() for each in VirtualPackage.detect()]
    records = await solve(wanted["channels"], specs, platforms=platform, virtual_packages=virtual)
    await install(records, prefix, cache_dir="/tmp/packages", show_progress=False)
    python = ["uv", "pip", "install", "--no-cache", "--python", f"{prefix}/bin/python"]
    for packages in sections:
        subprocess.run([*python, "--break-system-packages", *packages], check=True)

asyncio.run(main(*sys.argv[1:]))
subprocess.run(["rm", "-rf", "/tmp/packages", "/root/.cache"], check=True)
"""
_RATTLER_BASE = """
RUN pip install --no-cache-dir py-rattler==0.28.0 pyyaml uv
COPY install.py /opt/install.py
"""
_CONDA = f"""\
WORKDIR /app
COPY environment.yml .
RUN python3 /opt/install.py environment.yml /opt/environment
ENV PATH=/opt/environment/bin:$PATH FORECAST_MONTHS=3
{_COMMAND.format(python="python")}"""
_TABULATE = ("0.9.0", "0.8.10", "0.8.9", "0.8.7", "0.8.6", "0.8.5", "0.8.4", "0.8.3")


def _forecast(channel: str, changes: Mapping[str, int]) -> dict[str, str | bytes]:
    """examples/conda-forecast, from a channel of our own."""
    folder = _ROOT / "examples/conda-forecast"
    found: dict[str, str | bytes] = {
        path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()
    }
    text = (folder / "environment.yml").read_text().replace("conda-forge", channel)
    number = changes.get("light", 0) % len(_TABULATE)
    text = text.replace("tabulate==0.9.0", f"tabulate=={_TABULATE[number]}")
    if package := changes.get("package", 0):
        text = text.replace("  - pip:", f"  - hello{package}\n  - pip:")
    found["environment.yml"] = text
    found["app.py"] = f"{(folder / 'app.py').read_text()}# {changes.get('code', 0)}\n"
    return found


@contextmanager
def _channel(folder: Path, changes: int) -> Iterator[str]:
    """A channel with the example's packages over HTTP, and its address."""
    from tests.e2e.channel import Channel, Server, python_package, wheel_package

    channel = Channel(folder / "channels" / "conda-forge")
    home = Home.default()
    python_package(channel, BaseImages(home, ImageStore(home.images)).ensure_build_root())
    wheel_package(channel, "numpy", "2.2.0", folder)
    for number in range(1, changes + 1):
        channel.add_pure(f"hello{number}", "1.0")
    channel.index()
    with Server(channel.folder.parent) as server:
        yield f"{server.url}/conda-forge"


def _measure_conda(place: _Place, rounds: Rounds) -> dict[str, Any]:
    folder = place.scratch / "rattler"
    folder.mkdir()
    (folder / "install.py").write_text(_INSTALL)
    (folder / "Dockerfile").write_text(f"FROM {place.base}\n{_RATTLER_BASE}")
    base = f"{place.base}-rattler"
    place.engine.run("build", "--network", "host", "-t", base, ".", cwd=folder)
    place.engine.run("push", base)
    with _channel(place.scratch, rounds.rebuild) as channel:

        def files(changes: Mapping[str, int]) -> Mapping[str, str | bytes]:
            return _forecast(channel, changes)

        sides = [
            place.docker(_RATTLER, "docker-conda", _CONDA, files, base),
            place.cnbkit(_CNBKIT, "cnbkit-conda", files),
        ]
        return take_turns(sides, ECOSYSTEMS["conda"].cases, rounds)


# -- Debian ----------------------------------------------------------------------------------------

_APT = "docker (apt-get)"
_APT_INSTALL = """\
COPY Aptfile .
RUN apt-get update && xargs apt-get install -y --no-install-recommends <Aptfile \\
 && rm -rf /var/lib/apt/lists/*
"""
_WINDOWS = ("libgl1", "libglib2.0-0", "libsm6")
# Small ones that need nothing else.
_MORE = ("libogg0", "libopus0", "libgsm1", "libspeex1", "libmp3lame0", "libwebp7", "libfribidi0")


def _libraries(changes: Mapping[str, int]) -> dict[str, str | bytes]:
    more = changes.get("package", 0)
    names = [*_WINDOWS, *([_MORE[more % len(_MORE)]] if more else [])]
    code = f"import ctypes\nprint(ctypes.CDLL('libGL.so.1'), {changes.get('code', 0)})\n"
    return {"Aptfile": "".join(f"{name}\n" for name in names), "app.py": code}


def _measure_apt(place: _Place, rounds: Rounds) -> dict[str, Any]:
    dockerfile = f"WORKDIR /app\n{_APT_INSTALL}{_COMMAND.format(python='python3')}"
    sides = [
        place.docker(_APT, "docker-apt", dockerfile, _libraries),
        place.cnbkit(_CNBKIT, "cnbkit-apt", _libraries),
    ]
    return take_turns(sides, ECOSYSTEMS["apt"].cases, rounds)


# -- OpenCV ----------------------------------------------------------------------------------------

_DOCKER = "docker"
_PIP_INSTALL = "COPY requirements.txt .\nRUN pip install --no-cache-dir -r requirements.txt\n"
_HEADLESS, _WITH_LIBRARIES, _DEBIANS = _FORMS = (
    "opencv-python-headless",
    "opencv-python upon Debian's libraries",
    "Debian's python3-opencv",
)


def _opencv(form: str, changes: Mapping[str, int]) -> dict[str, str | bytes]:
    """examples/vision-apt, with OpenCV in another form."""
    folder = _ROOT / "examples/vision-apt"
    code = f"{(folder / 'app.py').read_text()}# {changes.get('code', 0)}\n"
    files: dict[str, str | bytes] = {
        "app.py": code,
        "shapes.png": (folder / "shapes.png").read_bytes(),
    }
    requirements = (folder / "requirements.txt").read_text()
    if form == _HEADLESS:
        files["requirements.txt"] = requirements.replace("opencv-python", "opencv-python-headless")
    elif form == _WITH_LIBRARIES:
        files["requirements.txt"] = requirements
        files["Aptfile"] = "".join(f"{name}\n" for name in _WINDOWS)
    else:
        files["Aptfile"] = "python3-opencv\npython3-pandas\npython3-tabulate\n"
    return files


def _measure_opencv(place: _Place, rounds: Rounds) -> dict[str, Any]:
    sides = []
    for number, form in enumerate(_FORMS):
        first = _opencv(form, {})
        dockerfile = "WORKDIR /app\n"
        dockerfile += _APT_INSTALL if "Aptfile" in first else ""
        dockerfile += _PIP_INSTALL if "requirements.txt" in first else ""
        dockerfile += _COMMAND.format(python="python3")
        files = partial(_opencv, form)
        key = f"opencv-{number}"
        sides += [
            place.docker(f"{_DOCKER}: {form}", f"docker-{key}", dockerfile, files),
            place.cnbkit(f"{_CNBKIT}: {form}", f"cnbkit-{key}", files),
        ]
    return take_turns(sides, ECOSYSTEMS["opencv"].cases, rounds)


_OPENCV_TOLD = """\
examples/vision-apt, which counts shapes in a picture with OpenCV and pandas, in three forms. The
wheel without windows needs nothing else; the one with windows needs libraries of Debian; and Debian
has its own OpenCV, with its own pandas, for its own Python. Dockerfiles and registry as above.
"""
_CONDA_TOLD = """\
The environment of examples/conda-forecast: Python 3.13, NumPy, and tabulate from pip, of a channel
on this machine (HTTP, the same packages for both). **docker (py-rattler)** has the shape of
micromamba in a Dockerfile: copy environment.yml, solve and link in one RUN step, copy the app. The
tool there is py-rattler's own solver and installer, since micromamba is in no index this machine
reaches. It is in the base image before anything is measured, and so is the uv that installs pip's
section; Debian's Python and these two are a part of its size that micromamba's image would not
have. Images go to a registry; all else is as with the builds above.
"""
_APT_TOLD = """\
The libraries that opencv-python's windows need (libgl1, libglib2.0-0, libsm6, and what they need),
and an app that loads one. **docker (apt-get)**: copy the Aptfile, `apt-get update`, `apt-get
install --no-install-recommends`, remove the lists, copy the app. Both fetch from the same mirror.
Images go to a registry; all else is as with the builds above.
"""
ECOSYSTEMS = {
    "conda": Ecosystem(
        "examples/conda-forecast: a conda environment",
        _CONDA_TOLD,
        {
            FRESH: "fresh",
            "none": "no change",
            "code": "one line of code",
            "light": "one package of pip's",
            "package": "one conda package more",
        },
        _measure_conda,
    ),
    "apt": Ecosystem(
        "Debian packages: libraries for windows",
        _APT_TOLD,
        {
            FRESH: "fresh",
            "none": "no change",
            "code": "one line of code",
            "package": "one package more",
        },
        _measure_apt,
    ),
    "opencv": Ecosystem(
        "OpenCV in three forms",
        _OPENCV_TOLD,
        {FRESH: "fresh", "code": "one line of code"},
        _measure_opencv,
        _FORMS,
    ),
}
