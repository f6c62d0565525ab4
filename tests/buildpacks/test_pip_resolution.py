"""What settings and changed lines come to: proved by what is installed, and what was asked for."""

from __future__ import annotations

import hashlib
import io
import json
import sys
import sysconfig
import threading
import zipfile
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cnbkit import UserFault

from ..e2e.index import sdist, wheel, wheel_name
from ..fetching import trust
from .told import telling

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cnbkit.testing import BuildpackRun, Result

BUILDPACK = Path(__file__).resolve().parents[2] / "buildpacks" / "pip"
TOOLS = Path(sys.executable).parent
INPUT = {
    # What is compiled is compiled with setuptools of the public index.
    **trust(),
    **telling(
        python=sys.executable,
        python_version=".".join(map(str, sys.version_info[:3])),
        inputs=["requirements.txt"],
    ),
}
# Beside the layers are what engines fetch and build with.
LAYER = "*wheels*/prefix/lib/python*/site-packages"
# With pip each takes seconds: `make test-all`.
ENGINES = ("uv", pytest.param("pip", marks=pytest.mark.full))


@pytest.fixture(scope="module")
def buildpack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The buildpack, with what its requirements.lock names where a package has it."""
    folder = tmp_path_factory.mktemp("pip")
    (folder / "lib" / "bin").mkdir(parents=True)
    for name in ("buildpack.toml", "cnbkit_pip"):
        (folder / name).symlink_to(BUILDPACK / name)
    for each in Path(sysconfig.get_path("purelib")).iterdir():
        (folder / "lib" / each.name).symlink_to(each)
    (folder / "lib" / "bin" / "uv").symlink_to(TOOLS / "uv")
    return folder


class Index:
    """A package index of files, that knows what it was asked for.

    Attributes:
        url: of its simple index.
        asked: paths, in their order.
        sent: those of them that were answered with a file, or a part of one.
    """

    def __init__(self, folder: Path) -> None:
        self.asked: list[str] = []
        self.sent: list[str] = []
        self._folder = folder

        class Handler(SimpleHTTPRequestHandler):
            def __init__(handler, *arguments: object) -> None:  # noqa: N805
                super().__init__(*arguments, directory=str(folder))  # type: ignore[arg-type]

            def end_headers(handler) -> None:  # noqa: N805
                if not handler.path.endswith("/"):
                    # As the public index has it: what a file is called is always the same file.
                    handler.send_header("Cache-Control", "max-age=365000000, immutable")
                super().end_headers()

            def log_message(handler, *arguments: object) -> None:  # noqa: N805
                self.asked.append(handler.path)
                if handler.command == "GET" and str(arguments[2]) in ("200", "206"):
                    self.sent.append(handler.path)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/simple"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def add(self, name: str, file: str, content: bytes) -> None:
        folder = self._folder / "simple" / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / file).write_bytes(content)
        names = sorted(each.name for each in folder.glob("*-*") if each.suffix != ".metadata")
        if file.endswith(".whl"):  # PEP 658, as the public index has it
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                [inner] = [each for each in archive.namelist() if each.endswith("/METADATA")]
                (folder / f"{file}.metadata").write_bytes(archive.read(inner))
        known = {each: (folder / f"{each}.metadata").exists() for each in names}
        text = "".join(
            f'<a href="{each}#sha256={hashlib.sha256((folder / each).read_bytes()).hexdigest()}"'
            f' data-core-metadata="{str(has).lower()}">{each}</a>'
            for each, has in known.items()
        )
        (folder / "index.html").write_text(f"<!DOCTYPE html><html><body>{text}</body></html>")


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    made = Index(tmp_path / "index")
    yield made
    made.server.shutdown()
    made.server.server_close()


def installed(result: Result) -> dict[str, str]:
    """Name → version, of the metadata in all layers."""
    assert result.code == 0, result.log
    found = (path.name for path in result.layers_dir.glob(f"{LAYER}/*.dist-info"))
    return dict(name.removesuffix(".dist-info").split("-") for name in found)


def recorded(result: Result) -> dict[str, str]:
    """Name → version, of all packages of the image: also those in layers that are not there."""
    assert result.code == 0, result.log
    entries = json.loads(result.layer("lock").text("packages.json"))
    return {entry["name"]: entry["version"] for entry in entries}


NO_INDEX: list[tuple[dict[str, str], dict[str, dict[str, str]]]] = [
    ({"BP_PIP_NO_INDEX": "true"}, {}),
    ({"PIP_NO_INDEX": "1"}, {}),
    ({"UV_NO_INDEX": "true"}, {}),
    ({}, {"conf": {"type": "pip", "pip.conf": "[global]\nno-index = true\n"}}),
    ({}, {"conf": {"type": "pip", "pip.conf": "[install]\nno-index = yes\n"}}),
]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("env", "bindings"), NO_INDEX)
def test_without_an_index_none_is_asked(
    buildpack_run: BuildpackRun,
    buildpack: Path,
    index: Index,
    env: Mapping[str, str],
    bindings: Mapping[str, Mapping[str, str]],
    engine: str,
) -> None:
    index.add("demo", wheel_name("demo", "2.0"), wheel("demo", "2.0"))
    index.add("other", wheel_name("other", "1.0"), wheel("other", "1.0"))
    given = {
        **INPUT,
        **env,
        "BP_PIP_ENGINE": engine,
        "BP_PIP_INDEX_URL": index.url,
        "BP_PIP_FIND_LINKS": "vendor",
    }
    app = {f"vendor/{wheel_name('demo', '1.0')}": wheel("demo", "1.0")}
    result = buildpack_run(
        buildpack, app={**app, "requirements.txt": "demo\n"}, env=given, bindings=bindings
    )
    assert installed(result) == {"demo": "1.0"}
    refused = buildpack_run(
        buildpack, app={**app, "requirements.txt": "other\n"}, env=given, bindings=bindings
    )
    assert isinstance(refused.fault, UserFault), refused.log
    assert index.asked == []


OLD = "demo<2\n"
FORMATS: list[tuple[dict[str, str], dict[str, dict[str, str]], str, str]] = [
    ({"PIP_ONLY_BINARY": ":all:"}, {}, "", "1.0 test"),
    ({"PIP_ONLY_BINARY": "demo"}, {}, "", "1.0 test"),
    ({"UV_NO_BUILD_PACKAGE": "demo"}, {}, "", "1.0 test"),
    ({}, {"c": {"type": "pip", "pip.conf": "[global]\nonly-binary = demo\n"}}, "", "1.0 test"),
    ({}, {}, "--only-binary demo\n", "1.0 test"),
    ({}, {}, "", "2.0 setuptools"),
    ({"PIP_NO_BINARY": "demo"}, {}, "demo<2\n", "1.0 setuptools"),
    ({}, {"c": {"type": "pip", "pip.conf": "[global]\nno-binary = demo\n"}}, OLD, "1.0 setuptools"),
    ({}, {}, "--no-binary demo\ndemo<2\n", "1.0 setuptools"),
    ({}, {}, "--prefer-binary\n", "1.0 test"),
]  # fmt: skip


@pytest.mark.fetches
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("env", "bindings", "lines", "made"), FORMATS)
def test_what_is_compiled_and_what_is_not_is_as_it_was_said(
    buildpack_run: BuildpackRun,
    buildpack: Path,
    env: Mapping[str, str],
    bindings: Mapping[str, Mapping[str, str]],
    lines: str,
    made: str,
    engine: str,
) -> None:
    result = buildpack_run(
        buildpack,
        app={
            "requirements.txt": f"--find-links vendor\n{lines}demo\n",
            f"vendor/{wheel_name('demo', '1.0')}": wheel("demo", "1.0"),
            "vendor/demo-1.0.tar.gz": sdist("demo", "1.0"),
            "vendor/demo-2.0.tar.gz": sdist("demo", "2.0"),
        },
        env={**INPUT, **env, "BP_PIP_ENGINE": engine},
        bindings=bindings,
    )
    version, maker = made.split()
    assert installed(result) == {"demo": version}
    [text] = {path.read_text() for path in result.layers_dir.glob(f"{LAYER}/*.dist-info/WHEEL")}
    assert f"Generator: {maker}" in text


def vendor(*files: tuple[str, str]) -> dict[str, str | bytes]:
    return {f"vendor/{wheel_name(*each)}": wheel(*each) for each in files}


@pytest.mark.parametrize("engine", ENGINES)
def test_a_removed_pin_is_resolved_anew_and_what_was_kept_is_said(
    buildpack_run: BuildpackRun, buildpack: Path, engine: str
) -> None:
    head = "--no-index\n--find-links vendor\n"
    first = buildpack_run(
        buildpack,
        app={
            "requirements.txt": f"{head}demo==1.0\nother\n",
            **vendor(("demo", "1.0"), ("other", "1.0")),
        },
        env={**INPUT, "BP_PIP_ENGINE": engine},
    )
    assert installed(first) == {"demo": "1.0", "other": "1.0"}
    newer = vendor(("demo", "2.0"), ("other", "2.0"))
    again = first.rebuild(app={"requirements.txt": f"{head}demo\nother\n", **newer})
    assert recorded(again) == {"demo": "2.0", "other": "1.0"}
    assert installed(again)["demo"] == "2.0"
    assert "Kept from the last build: other 1.0; resolved anew: demo 1.0 → 2.0" in again.log
    assert "BP_PIP_REFRESH" in again.log
    fresh = again.rebuild(env={"BP_PIP_REFRESH": "1"})
    assert recorded(fresh) == {"demo": "2.0", "other": "2.0"}
    assert installed(fresh)["other"] == "2.0"


def test_the_version_of_uv_that_authors_work_with_does_not_bind_the_buildpacks_own(
    buildpack_run: BuildpackRun, buildpack: Path
) -> None:
    settings = (
        '[tool.uv]\nrequired-version = "<0.1"\nexclude-newer = "2020-01-01"\nmanaged = true\n'
    )
    result = buildpack_run(
        buildpack,
        app={
            "requirements.txt": "--no-index\n--find-links vendor\ndemo\n",
            "pyproject.toml": settings,
            **vendor(("demo", "1.0")),
        },
        env={**INPUT},
    )
    assert installed(result) == {"demo": "1.0"}


def test_groups_of_a_pylock_are_added_for_tests_and_by_any_spelling(
    buildpack_run: BuildpackRun, buildpack: Path
) -> None:
    entries = "".join(
        f'[[packages]]\nname = "{name}"\nversion = "1.0"\n{marker}'
        f'wheels = [{{ path = "vendor/{wheel_name(name, "1.0")}",'
        f' hashes = {{ sha256 = "{hashlib.sha256(wheel(name, "1.0")).hexdigest()}" }} }}]\n'
        for name, marker in (
            ("demo", ""),
            ("probe", "marker = \"'test' in dependency_groups\"\n"),
            ("viz", "marker = \"'My_Viz' in dependency_groups\"\n"),
        )
    )
    lock = (
        f'lock-version = "1.0"\ncreated-by = "t"\ndependency-groups = ["test", "My_Viz"]\n{entries}'
    )
    app = {"pylock.toml": lock, **vendor(*((n, "1.0") for n in ("demo", "probe", "viz")))}
    env = {**INPUT, **telling(INPUT, inputs=["pylock.toml"])}
    plain = buildpack_run(buildpack, app=app, env=env)
    assert installed(plain).keys() == {"demo"}
    tests = buildpack_run(buildpack, app=app, env=env, exec_env="test")
    assert installed(tests).keys() == {"demo", "probe"}
    asked = buildpack_run(buildpack, app=app, env={**env, "BP_PYTHON_GROUPS": "my-viz"})
    assert installed(asked).keys() == {"demo", "viz"}


def locked_demo(*files: str) -> str:
    """A pylock.toml with demo 1.0, of these files in `vendor`."""
    made = {wheel_name("demo", "1.0"): wheel("demo", "1.0"), "demo-1.0.tar.gz": SDIST}
    tables = {
        name: f'{{ path = "vendor/{name}",'
        f' hashes = {{ sha256 = "{hashlib.sha256(made[name]).hexdigest()}" }} }}'
        for name in files
    }
    wheels = [table for name, table in tables.items() if name.endswith(".whl")]
    sources = [f"sdist = {table}\n" for name, table in tables.items() if name.endswith(".gz")]
    return (
        'lock-version = "1.0"\ncreated-by = "t"\n[[packages]]\nname = "demo"\nversion = "1.0"\n'
        f"{''.join(sources)}{f'wheels = [{wheels[0]}]' if wheels else ''}\n"
    )


SDIST = sdist("demo", "1.0")
BOTH = (wheel_name("demo", "1.0"), "demo-1.0.tar.gz")
FILES = {f"vendor/{BOTH[0]}": wheel("demo", "1.0"), "vendor/demo-1.0.tar.gz": SDIST}


@pytest.mark.fetches
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("env", "made"),
    [
        ({}, "test"),
        ({"PIP_NO_BINARY": ":all:"}, "setuptools"),
        ({"UV_NO_BINARY_PACKAGE": "demo"}, "setuptools"),
        ({"PIP_NO_BINARY": ":all:", "PIP_ONLY_BINARY": "demo"}, "test"),
    ],
)
def test_a_lock_is_installed_from_files_of_the_kind_that_is_asked_for(
    buildpack_run: BuildpackRun,
    buildpack: Path,
    env: Mapping[str, str],
    made: str,
    engine: str,
) -> None:
    result = buildpack_run(
        buildpack,
        app={"pylock.toml": locked_demo(*BOTH), **FILES},
        env={**INPUT, **telling(INPUT, inputs=["pylock.toml"]), **env, "BP_PIP_ENGINE": engine},
    )
    assert installed(result) == {"demo": "1.0"}
    [text] = {path.read_text() for path in result.layers_dir.glob(f"{LAYER}/*.dist-info/WHEEL")}
    assert f"Generator: {made}" in text


@pytest.mark.parametrize(
    ("file", "env", "says"),
    [
        (BOTH[1], {"PIP_ONLY_BINARY": ":all:"}, "only-binary forbids its source"),
        (BOTH[0], {"PIP_NO_BINARY": "demo"}, "no-binary forbids its wheels"),
    ],
)
def test_a_lock_without_a_file_of_that_kind_is_refused(
    buildpack_run: BuildpackRun, buildpack: Path, file: str, env: Mapping[str, str], says: str
) -> None:
    result = buildpack_run(
        buildpack,
        app={"pylock.toml": locked_demo(file), **FILES},
        env={**INPUT, **telling(INPUT, inputs=["pylock.toml"]), **env},
    )
    assert isinstance(result.fault, UserFault), result.log
    assert "demo 1.0" in result.fault.what
    assert says in result.fault.what
    assert next(iter(env)) in str(result.fault.where)


SCM = (
    '[build-system]\nrequires = ["setuptools", "setuptools-scm"]\n'
    'build-backend = "setuptools.build_meta"\n[project]\nname = "My.app"\n'
    'dynamic = ["version"]\n[tool.setuptools]\npy-modules = []\n[tool.setuptools_scm]\n'
)


@pytest.mark.full
def test_a_version_that_git_knows_is_handed_on_or_asked_for(
    buildpack_run: BuildpackRun, buildpack: Path
) -> None:
    env = {**INPUT, **telling(INPUT, inputs=["pyproject.toml"])}
    app = {"pyproject.toml": SCM}
    without = buildpack_run(buildpack, app=app, env=env)
    assert isinstance(without.fault, UserFault), without.log
    assert "BP_OCI_VERSION=1.2.3" in str(without.fault.remedy)
    given = buildpack_run(buildpack, app=app, env={**env, "BP_OCI_VERSION": "4.5"})
    assert [*installed(given).values()] == ["4.5"]
    later = given.rebuild(env={"BP_OCI_VERSION": "4.6"})
    assert [*installed(later).values()] == ["4.6"]


def test_a_folder_of_wheels_that_nothing_names_is_mentioned(
    buildpack_run: BuildpackRun, buildpack: Path
) -> None:
    app = {"requirements.txt": "", **vendor(("demo", "1.0"))}
    result = buildpack_run(buildpack, app=app, env=INPUT)
    assert "vendor has 1 wheel that nothing names: `--find-links vendor` in" in result.log
    named = {**app, "requirements.txt": "--no-index\n--find-links vendor\ndemo\n"}
    assert "nothing names" not in buildpack_run(buildpack, app=named, env=INPUT).log


@pytest.mark.parametrize("engine", ["uv", "pip"])
@pytest.mark.parametrize("absent", ["./wheels", "file:///home/me/wheels"])
def test_links_to_a_folder_that_is_not_there_are_passed_over(
    buildpack_run: BuildpackRun, buildpack: Path, engine: str, absent: str
) -> None:
    lines = f"--no-index\n--find-links vendor\n-f {absent}\ndemo\n"
    app = {"requirements.txt": lines, **vendor(("demo", "1.0"))}
    result = buildpack_run(buildpack, app=app, env={**INPUT, "BP_PIP_ENGINE": engine})
    assert installed(result) == {"demo": "1.0"}
    assert "requirements.txt:3: there is no " in result.log
