"""What `cnbkit new` makes is green at once."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped]
from click.testing import CliRunner
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

import cnbkit
from cnbkit.errors import PlatformFault, UserFault
from cnbkit_engine.cli.new import command

ROOT = Path(__file__).resolve().parents[3]
BIN = Path(sys.executable).parent


def run(*command: str, cwd: Path, code: int = 0) -> str:
    done = subprocess.run(
        [BIN / command[0], *command[1:]],
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stdout
    return done.stdout


def new(*arguments: str) -> str:
    result = CliRunner().invoke(command, arguments, standalone_mode=False)
    if result.exception:
        raise result.exception
    return result.output


def files(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.*"))


@pytest.mark.parametrize(
    ("kind", "passed"),
    [("component", "4 passed"), ("composite", "6 passed"), ("extension", "3 passed")],
)
def test_it_is_green_at_once(tmp_path: Path, kind: str, passed: str) -> None:
    said = run("cnbkit", "new", "acme/hello", "--kind", kind, cwd=tmp_path).splitlines()
    assert said[0] == f"Made hello with the {kind} acme/hello. Next:"
    folder = tmp_path / "hello"

    assert passed in run("cnbkit", "test", "hello", cwd=tmp_path)
    builder = [] if kind == "extension" else ["hello/builder.toml"]
    run("cnbkit", "check", "--strict", "hello", *builder, cwd=tmp_path)
    sources = [path for path in folder.rglob("*.py") if "tests" not in path.parts]
    tests = list(folder.rglob("test_*.py"))
    assert len(sources) == 1
    cache = str(ROOT / ".mypy_cache")
    run(
        "mypy",
        "--strict",
        "--cache-dir",
        cache,
        *map(str, [*sources, *tests]),
        cwd=sources[0].parent,
    )
    run("ruff", "check", "--select", "ANN,B,E,F,I,PLC,PLE,PLW,PT,RUF,SIM,UP,W", ".", cwd=folder)
    run("ruff", "format", "--check", ".", cwd=folder)
    # what it says to do next are commands that exist
    assert said[1:3] == ["  cnbkit test hello", "  cnbkit check hello"]
    if kind != "extension":
        app, option, path = said[3].removeprefix("  cnbkit build ").split()[:3]
        assert (tmp_path / app / "hello.txt").is_file()
        assert (option, (tmp_path / path).is_file()) == ("--builder", True)


def test_a_workflow_comes_on_request(tmp_path: Path) -> None:
    new("hello", "--dir", str(tmp_path / "hello"))
    new("hello", "--github", "--dir", str(tmp_path / "other/place"))
    extra = set(files(tmp_path / "other/place")) - set(files(tmp_path / "hello"))
    assert extra == {".github", ".github/workflows/test.yml"}


def test_what_it_needs_is_pinned_and_is_what_the_workflow_calls(tmp_path: Path) -> None:
    new("hello", "--github", "--dir", str(tmp_path / "hello"))
    project = tomllib.loads((tmp_path / "hello/pyproject.toml").read_text())
    needed = [Requirement(each) for each in project["dependency-groups"]["dev"]]
    assert {each.name for each in needed} == {"cnbkit", "mypy", "pytest", "ruff"}
    [own] = [each for each in needed if each.name == "cnbkit"]
    assert cnbkit.__version__ in own.specifier
    assert own.extras == {"cli"}
    # Whatever is installed here, with which the other tests are green, fits.
    for each in needed:
        upper = {"<", "~="} & {specifier.operator for specifier in each.specifier}
        assert upper, each
        assert each.name == "cnbkit" or version(each.name) in each.specifier, each
    workflow = (tmp_path / "hello/.github/workflows/test.yml").read_text()
    job = yaml.safe_load(workflow)["jobs"]["test"]
    assert job["strategy"]["matrix"]["python"] == ["3.11", "3.12", "3.13", "3.14"]
    assert "${{ matrix.python }}" in str(job["steps"])
    assert Version(min(job["strategy"]["matrix"]["python"])) in SpecifierSet(
        project["project"]["requires-python"]
    )


@pytest.mark.parametrize(
    ("name", "class_name", "module"),
    [
        ("acme/hello", "Hello", "hello_buildpack"),
        ("json", "Json", "json_buildpack"),
        ("acme/buildpack", "MyBuildpack", "buildpack_buildpack"),
        ("acme/3d", "My3d", "my_3d_buildpack"),
        ("none", "MyNone", "none_buildpack"),
        ("acme/my-model.v2", "MyModelV2", "my_model_v2_buildpack"),
        ("acme/--", "My", "my_buildpack"),
    ],
)
def test_names_of_code_are_made_from_the_id(
    tmp_path: Path, name: str, class_name: str, module: str
) -> None:
    new(name, "--dir", str(tmp_path / "made"))
    table = tomllib.loads((tmp_path / "made/buildpack.toml").read_text())
    assert table["buildpack"]["id"] == name
    assert table["metadata"]["cnbkit"]["entry"] == f"{module}:{class_name}"
    assert f"class {class_name}(Buildpack)" in (tmp_path / f"made/{module}.py").read_text()


@pytest.mark.parametrize("name", ["", "a b", "app", "acme/hé", "../x y"])
def test_an_id_has_to_be_one(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserFault, match="cannot be the id") as caught:
        new(name, "--dir", str(tmp_path / "made"))
    assert "write it like acme/hello" in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_overwritten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "hello").mkdir()
    new("acme/hello")  # an empty folder is none
    before = files(tmp_path)
    with pytest.raises(UserFault, match="hello is there already") as caught:
        new("other/hello")
    assert "--dir" in str(caught.value.remedy)
    assert files(tmp_path) == before
    (tmp_path / "file").write_text("")
    with pytest.raises(UserFault, match="is there already"):
        new("file")
    with pytest.raises(PlatformFault, match="cannot write"):
        new("a/b", "--dir", "file/below")


def test_it_prints_its_mistakes_like_every_command(tmp_path: Path) -> None:
    assert run("cnbkit", "new", "a b", cwd=tmp_path, code=65).startswith("Error: 'a b' cannot be")
