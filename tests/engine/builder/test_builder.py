from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cnbkit.errors import BuildpackFault, CnbkitError, InvalidDocument, PlatformFault
from cnbkit_engine.base.images import BaseImages, machine_architecture
from cnbkit_engine.base.suites import DEFAULT
from cnbkit_engine.builder.folder import ensure_builder
from cnbkit_engine.buildpack.assemble import Runtime
from cnbkit_engine.buildpack.dependency_cache import Libraries
from cnbkit_engine.buildpack.package import Package
from cnbkit_engine.buildpack.source import BuildpackSource
from cnbkit_engine.oci.store import ImageStore
from cnbkit_engine.state.home import Home

if TYPE_CHECKING:
    from collections.abc import Callable

TAG = "cpython-" + DEFAULT.python.replace(".", "")
"""Of bytecode, and of what is compiled."""

BUILDPACK = {
    "buildpack.toml": 'api = "0.12"\n[buildpack]\nid = "test/hello"\nversion = "1.2.3"\n'
    '[[targets]]\nos = "linux"\n[metadata.cnbkit]\nentry = "hello:Hello"\n',
    "hello.py": "from cnbkit import BuildContext, Buildpack, BuildResult, Plan, Triggers\n"
    "class Hello(Buildpack):\n"
    "    triggers = Triggers('hello.txt', '*.hi', settings=('BP_HELLO',))\n"
    "    plan = Plan().provides('hello')\n"
    "    def build(self, ctx: BuildContext) -> BuildResult:\n"
    "        return BuildResult()\n",
}
BUILDER = (
    '[[buildpacks]]\nuri = "hello"\n[[order]]\n[[order.group]]\n'
    'id = "test/hello"\nversion = "1.2.3"\n'
)


@pytest.fixture
def root(home: Home) -> Path:
    """The build root all builds on this machine share, as a part of the test's home."""
    return shared_root(home)


def shared_root(home: Home) -> Path:
    """Have the machine's base images in a home by a link; its build root there."""
    shared = Home.default()
    made = BaseImages(shared, ImageStore(shared.images)).ensure_build_root()
    home.root.mkdir(parents=True, exist_ok=True)
    home.base.symlink_to(made.parent)
    return home.base / made.name


@pytest.fixture
def assembled(tmp_path: Path, home: Home, root: Path) -> Callable[[], Path]:
    """Writes a builder with one buildpack; calling it assembles."""
    for name, text in BUILDPACK.items():
        (tmp_path / "hello").mkdir(exist_ok=True)
        (tmp_path / "hello" / name).write_text(text)
    (tmp_path / "builder.toml").write_text(BUILDER)
    return lambda: ensure_builder(home, tmp_path / "builder.toml", Runtime(), root)


def detect(buildpack: Path, app: Path, **env: str) -> tuple[int, str, str]:
    plan = app.with_name("plan.toml")
    plan.write_text("")
    done = subprocess.run(
        [buildpack / "bin" / "detect"],
        cwd=app,
        env={"CNB_BUILD_PLAN_PATH": str(plan), "CNB_PLATFORM_DIR": str(app), **env},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout.strip(), plan.read_text()


def test_what_a_builder_sets_for_all_is_where_the_lifecycle_reads_it(
    assembled: Callable[[], Path], tmp_path: Path
) -> None:
    before = assembled()
    assert list((before / "build-config" / "env").iterdir()) == []
    env = '[[build.env]]\nname = "BP_A"\nvalue = "1"\n[[build.env]]\nname = "BP_B"\nvalue = "2"\n'
    env += 'suffix = "append"\ndelim = ":"\n'
    (tmp_path / "builder.toml").write_text(env + BUILDER)
    folder = assembled() / "build-config" / "env"
    files = {each.name: each.read_text() for each in folder.iterdir()}
    assert files == {"BP_A": "1", "BP_B.append": "2", "BP_B.delim": ":"}


def test_a_package_is_unpacked_once_whatever_builder_names_it(
    home: Home, root: Path, tmp_path: Path
) -> None:
    foreign = Path(__file__).resolve().parents[2] / "examples" / "foreign" / "motd"
    arch = machine_architecture()
    Package(foreign, lambda: root, targets=[arch]).save(home, tmp_path / "motd.cnb")
    order = '[[order]]\n[[order.group]]\nid = "samples/motd"\n'
    made = []
    for description in ("one", "two"):
        path = tmp_path / "builder.toml"
        text = f'description = "{description}"\n[[buildpacks]]\nuri = "motd.cnb"\n{order}'
        path.write_text(text)
        made.append(ensure_builder(home, path, Runtime(arch=arch), root))
    assert made[0] != made[1]
    program = Path("buildpacks", "samples_motd", "0.0.1", "bin", "build")
    assert (made[0] / program).samefile(made[1] / program)
    assert (made[0] / program).read_bytes() == (foreign / "bin" / "build").read_bytes()
    assert (made[0] / program).stat().st_mode & 0o111


def test_a_static_detect_is_a_shell_script_with_the_declared_plan(
    assembled: Callable[[], Path], tmp_path: Path
) -> None:
    buildpack = assembled() / "buildpacks" / "test_hello" / "1.2.3"
    app = tmp_path / "app"
    app.mkdir()
    code, said, _ = detect(buildpack, app)
    assert (code, said) == (100, "skip: none of hello.txt, *.hi, BP_HELLO")
    code, said, plan = detect(buildpack, app, BP_HELLO="1")
    assert (code, said) == (0, "join: found BP_HELLO")
    assert '"hello"' in plan
    (app / "a b.hi").touch()
    assert detect(buildpack, app)[:2] == (0, "join: found a b.hi")
    assert "python" not in (buildpack / "bin" / "detect").read_text()


def test_it_is_assembled_once_and_again_when_a_source_changes(
    assembled: Callable[[], Path], tmp_path: Path
) -> None:
    first = assembled()
    assert assembled() == first
    source = tmp_path / "hello" / "hello.py"
    source.write_text(source.read_text() + "# more\n")
    os.utime(source, (1, 1))
    assert assembled() != first


def _tree(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {
        str(path.relative_to(folder)): (path.stat().st_mode, path.read_bytes())
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.fetches
def test_what_buildpacks_import_is_fetched_and_compiled_once(
    assembled: Callable[[], Path],
    tmp_path: Path,
    home: Home,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    place = "buildpacks/test_hello/1.2.3"
    first = assembled() / place
    source = tmp_path / "hello" / "hello.py"
    source.write_text(source.read_text() + "# more\n")
    with monkeypatch.context() as offline:
        # Nothing can be fetched.
        offline.setenv("UV_OFFLINE", "1")
        offline.setenv("UV_CACHE_DIR", str(tmp_path / "empty"))
        second = assembled() / place
    assert second != first
    compiled = f"lib/pydantic/__pycache__/main.{TAG}.pyc"
    for name in ("lib/pydantic/main.py", compiled):
        assert (first / name).samefile(second / name)
    assert (second / f"lib/cnbkit/__pycache__/log.{TAG}.pyc").exists()
    other = Home(tmp_path / "other")
    anew = ensure_builder(other, tmp_path / "builder.toml", Runtime(), shared_root(other))
    assert _tree(second) == _tree(anew / place)
    assert len(list(home.libraries.glob("[!.]*"))) == 1


def test_another_lock_or_runtime_is_another_library_and_another_place_is_not(
    home: Home, root: Path, tmp_path: Path
) -> None:
    (tmp_path / "hello").mkdir()
    for name, text in BUILDPACK.items():
        (tmp_path / "hello" / name).write_text(text)
    source = BuildpackSource(tmp_path / "hello")
    first = Libraries(home, Runtime(), root)
    assert first.find(source, "a/1") is None
    (tmp_path / "a/1/lib/cnbkit").mkdir(parents=True)
    (tmp_path / "a/1/lib/six.py").touch()
    first.keep(tmp_path)
    kept = Libraries(home, Runtime(), root).find(source, "a/1")
    assert kept is not None
    assert [each.name for each in kept.iterdir()] == ["six.py"]
    assert Libraries(home, Runtime(), root).find(source, "a/2") == kept
    assert Libraries(home, Runtime(arch="arm64"), root).find(source, "a/1") is None
    assert Libraries(home, Runtime(version="3.12"), root).find(source, "a/1") is None
    assert Libraries(home, Runtime(), tmp_path).find(source, "a/1") is None
    (tmp_path / "hello" / "requirements.lock").write_text("six==1.17.0\n")
    assert Libraries(home, Runtime(), root).find(source, "a/1") is None


def test_bytecode_is_there_and_does_not_depend_on_times(assembled: Callable[[], Path]) -> None:
    folder = assembled() / "buildpacks" / "test_hello" / "1.2.3"
    (compiled,) = folder.glob("__pycache__/hello.*.pyc")
    # PEP 552: the second word's lowest bit says "by hash", the next "check the source".
    assert int.from_bytes(compiled.read_bytes()[4:8], "little") == 0b01


def test_what_two_buildpacks_carry_has_the_same_bytecode_in_both(
    assembled: Callable[[], Path], tmp_path: Path
) -> None:
    for file, text in BUILDPACK.items():
        (tmp_path / "second").mkdir(exist_ok=True)
        (tmp_path / "second" / file).write_text(text.replace("test/hello", "test/second"))
    (tmp_path / "builder.toml").write_text(f'[[buildpacks]]\nuri = "second"\n{BUILDER}')
    folder = assembled() / "buildpacks"
    there, others = (folder / name / "1.2.3" / "lib" for name in ("test_hello", "test_second"))
    names = sorted(path.relative_to(there) for path in there.rglob("*.pyc"))
    assert {f"redact.{TAG}.pyc", f"main.{TAG}.pyc"} <= {name.name for name in names}
    for name in names:
        content = (there / name).read_bytes()
        assert content == (others / name).read_bytes(), name
        assert b"/cnb/buildpacks" not in content, name


@pytest.mark.parametrize(
    ("file", "old", "new", "kind", "what"),
    [
        ("builder.toml", '"1.2.3"', '"9.9.9"', BuildpackFault, "test/hello@9.9.9"),
        (
            "builder.toml",
            '"hello"',
            '"gone"',
            BuildpackFault,
            "gone is not a folder of a buildpack",
        ),
        ("builder.toml", "[[order]]", "[[ordr]]", InvalidDocument, "ordr"),
        *(
            ("builder.toml", 'uri = "hello"', f'uri = "hello"\n{said}', BuildpackFault, what)
            for said, what in (
                ('id = "test/hullo"', "hello has the id test/hello, not test/hullo"),
                ('version = "9.9.9"', "hello has the version 1.2.3, not 9.9.9"),
            )
        ),
        ("builder.toml", "[[order]]", "[[order", InvalidDocument, "not TOML"),
        ("hello/buildpack.toml", "hello:Hello", "hello", BuildpackFault, "which class"),
        ("hello/hello.py", "Plan()", "Plam()", BuildpackFault, "cannot import"),
        (
            "hello/hello.py",
            "return BuildResult()",
            "return BuildResult(",
            BuildpackFault,
            "cannot import",
        ),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_left(
    assembled: Callable[[], Path],
    tmp_path: Path,
    home: Home,
    file: str,
    old: str,
    new: str,
    kind: type[CnbkitError],
    what: str,
) -> None:
    text = (tmp_path / file).read_text()
    assert old in text
    (tmp_path / file).write_text(text.replace(old, new))
    with pytest.raises(kind) as caught:
        assembled()
    assert what in str(caught.value)
    left = [path for path in home.buildpacks.glob("*") if not path.name.startswith(".")]
    assert left == []


def test_two_buildpacks_by_one_id_and_version_clash(
    assembled: Callable[[], Path], tmp_path: Path, home: Home
) -> None:
    other = tmp_path / "other"
    shutil.copytree(tmp_path / "hello", other)
    builder = tmp_path / "builder.toml"
    builder.write_text('[[buildpacks]]\nuri = "other"\n' + builder.read_text())
    assembled()  # the same twice is one
    (other / "hello.py").write_text("# another\n" + (other / "hello.py").read_text())
    before = set(home.buildpacks.iterdir())
    with pytest.raises(BuildpackFault, match="two different buildpacks") as caught:
        assembled()
    assert caught.value.detail == "test/hello@1.2.3"
    assert {path for path in home.buildpacks.iterdir() if not path.name.startswith(".")} <= before


def test_a_builder_that_is_not_there_is_named(tmp_path: Path, home: Home, root: Path) -> None:
    with pytest.raises(PlatformFault) as caught:
        ensure_builder(home, tmp_path / "none.toml", Runtime(), root)
    assert caught.value.where == str(tmp_path / "none.toml")


def test_the_variables_that_its_buildpacks_read_are_written_down(
    assembled: Callable[[], Path],
) -> None:
    names = (assembled() / "settings.txt").read_text().splitlines()
    assert "BP_HELLO" in names
    assert "BP_LOG_LEVEL" in names  # the SDK's own
