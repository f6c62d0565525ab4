"""Which files of an app a build gets: as pack reads project.toml, as Docker reads .dockerignore."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from cnbkit.errors import UserFault
from cnbkit_engine.build.app_copy import Copied, copy_app
from cnbkit_engine.build.app_files import AppFiles
from cnbkit_engine.build.app_report import told_of_app
from cnbkit_engine.build.dockerignore import DockerIgnore
from cnbkit_engine.build.ignore_rules import IgnoreRules

HEAD = '[_]\nschema-version = "0.2"\n[io.buildpacks]\n'
KEY = "-----BEGIN RSA PRIVATE KEY-----\n"


def write(app: Path, *names: str, text: str = "") -> None:
    for name in names:
        (app / name).parent.mkdir(parents=True, exist_ok=True)
        (app / name).write_text(text)


@pytest.fixture
def app(tmp_path: Path) -> Path:
    made = tmp_path / "app"
    made.mkdir()
    return made


@pytest.fixture
def builder(tmp_path: Path) -> Path:
    """A builder whose buildpacks read no variable."""
    made = tmp_path / "builder"
    made.mkdir()
    (made / "settings.txt").touch()
    return made


def copied(app: Path) -> tuple[Copied, set[str]]:
    """What became of it, and all files and empty folders of the copy."""
    target = app.parent / f"copy-{len(list(app.parent.iterdir()))}"
    done = copy_app(app, target, AppFiles(app))
    found = {
        str(path.relative_to(target))
        for path in target.rglob("*")
        if path.is_symlink() or path.is_file() or not any(path.iterdir())
    }
    return done, found


def test_project_toml_leaves_files_out(app: Path) -> None:
    write(app, "app.py", "data/a.csv", "data/b.txt", "docs/x.md", "notes.md", "deep/data/c.csv")
    write(app, "project.toml", text=f'{HEAD}exclude = ["/data/", "*.md", "!notes.md"]\n')
    done, found = copied(app)
    assert found == {"app.py", "project.toml", "notes.md", "deep/data/c.csv", "data", "docs"}
    assert done.not_chosen == 3


def test_project_toml_takes_only_what_it_includes(app: Path) -> None:
    write(app, "app.py", "src/a.py", "src/b/c.py", "src/b/c.txt", "other/d.txt", ".dockerignore")
    write(app, "project.toml", text=f'{HEAD}include = ["*.py", "!c.py"]\n')
    assert copied(app)[1] == {"app.py", "src/a.py"}


def test_dockerignore_counts_where_project_toml_says_nothing(app: Path, builder: Path) -> None:
    write(app, "app.py", "data/a.csv", "data/keep.csv", "x/data/b.csv", "a.md", "x/b.md")
    write(app, ".dockerignore", text="# ours\n/data\n!data/keep.csv\n*.md\n")
    write(app, "project.toml", text=HEAD)
    done, found = copied(app)
    names = {"app.py", "data/keep.csv", "x/data/b.csv", "x/b.md", ".dockerignore", "project.toml"}
    assert found == names
    shown: list[str] = []
    told_of_app(done, AppFiles(app), {}, builder, shown.append)
    assert shown == ["Left out of the app by .dockerignore: 2 files"]
    write(app, "project.toml", text=f'{HEAD}exclude = ["x"]\n')
    assert "a.md" in copied(app)[1]


PROJECTS = {
    "a path": '[project]\nreadme = "README.md"\n',
    "a table": '[project.readme]\nfile = "./README.md"\ncontent-type = "text/markdown"\n',
    "Poetry's list": '[tool.poetry]\nreadme = ["README.md", "docs/gone.md"]\n',
    "a licence": '[project]\nlicense = {file = "README.md"}\n',
}


@pytest.mark.parametrize("project", PROJECTS.values(), ids=PROJECTS)
def test_a_file_that_pyproject_names_stays_and_is_told(
    app: Path, builder: Path, project: str
) -> None:
    write(app, "app.py", "README.md", "docs/a.md")
    write(app, ".dockerignore", text="**/*.md\n")
    write(app, "pyproject.toml", text=project)
    done, found = copied(app)
    assert found == {"app.py", "README.md", "docs", ".dockerignore", "pyproject.toml"}
    shown: list[str] = []
    told_of_app(done, AppFiles(app), {}, builder, shown.append)
    assert shown == [
        "Left out of the app by .dockerignore: 1 file",
        "README.md stays, though .dockerignore leaves it out: pyproject.toml names it",
    ]


@pytest.mark.parametrize("project", ["[project\n", "project = 1\n", "[project]\nreadme = 1\n"])
def test_a_pyproject_that_names_no_file_keeps_none(app: Path, project: str) -> None:
    write(app, "README.md", ".dockerignore")
    write(app, ".dockerignore", text="*.md\n")
    write(app, "pyproject.toml", text=project)
    assert copied(app)[1] == {".dockerignore", "pyproject.toml"}


def test_virtual_environments_and_caches_are_never_part_of_it(app: Path) -> None:
    write(app, "app.py", "env/pyvenv.cfg", "env/bin/python", ".git/config", "a/__pycache__/x.pyc")
    write(app, "tools/py311/pyvenv.cfg", "tools/run.sh")
    write(app, "project.toml", text=f'{HEAD}include = ["*"]\n')
    done, found = copied(app)
    assert found == {"app.py", "tools/run.sh", "project.toml", "a"}
    assert done.left_out == [
        "env: a virtual environment",
        "tools/py311: a virtual environment",
    ]


def test_what_is_no_file_and_links_out_of_the_app_are_named(app: Path) -> None:
    write(app, "app.py", "a/b.txt")
    for name, target in {
        "out": "../other",
        "a/out": "../../x",
        "etc": "/etc/passwd",
        "own": str(app / "app.py"),
        "a/in": "../app.py",
        "in": "a/../a/b.txt",
        "nowhere": "missing",
        "image": "/workspace/a",
    }.items():
        (app / name).symlink_to(target)
    os.mkfifo(app / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(app / "socket"))
        done, found = copied(app)
    assert found == {"app.py", "a/b.txt", "a/in", "in", "nowhere", "image"}
    assert done.left_out == [
        "a/out: a link out of the app, to ../../x",
        "etc: a link out of the app, to /etc/passwd",
        "out: a link out of the app, to ../other",
        f"own: a link out of the app, to {app}/app.py",
        "pipe: a named pipe",
        "socket: a socket",
    ]


def test_modes_are_the_same_whatever_the_host_has(app: Path) -> None:
    write(app, "a/run.sh", "b.txt")
    modes = []
    for folder, program, file in ((0o700, 0o700, 0o600), (0o777, 0o4777, 0o666)):
        for path, mode in ((app / "a/run.sh", program), (app / "b.txt", file), (app, folder)):
            path.chmod(mode)
        (app / "a").chmod(folder)
        target = app.parent / f"copy-{folder}"
        old = os.umask(0o077 if folder == 0o700 else 0)
        try:
            copy_app(app, target, AppFiles(app))
        finally:
            os.umask(old)
        paths = (target, target / "a", target / "a/run.sh", target / "b.txt")
        modes.append([oct(path.stat().st_mode & 0o7777) for path in paths])
    assert modes == [["0o755", "0o755", "0o755", "0o644"]] * 2


SECRETS = {
    ".env": "X=1",
    "config/.env.production": "X=1",
    "id_rsa": KEY,
    "certs/server.pem": f"text\n{KEY}",
    "server.key": "-----BEGIN PRIVATE KEY-----\n",
    "credentials.json": "{}",
    ".netrc": "",
    ".npmrc": "//x/:_authToken=y",
    ".streamlit/secrets.toml": "",
    "home/.aws/credentials": "",
    "a.p12": "",
}
NO_SECRETS = {
    ".env.example": "X=",
    ".env.exemplo": "X=",
    "env": "",
    "ca.pem": "-----BEGIN CERTIFICATE-----\n",
    "translations.key": "hello",
    ".npmrc": "fund=false",
    "id_rsa.pub": "",
    "my.environment": "",
}


@pytest.mark.parametrize(("name", "text"), SECRETS.items())
def test_a_file_that_looks_like_a_secret_is_named_with_the_line_that_leaves_it_out(
    app: Path, builder: Path, name: str, text: str
) -> None:
    write(app, name, text=text)
    shown: list[str] = []
    done, _ = copied(app)
    told_of_app(done, AppFiles(app), {}, builder, shown.append)
    [line] = shown
    assert line.startswith(f"Warning: what looks like secrets becomes part of the image: {name};")
    assert f"add to .dockerignore the lines: {name} " in line
    with pytest.raises(UserFault, match="what looks like secrets"):
        told_of_app(done, AppFiles(app), {"BP_SECRET_FILES": "fail"}, builder, shown.append)
    told_of_app(done, AppFiles(app), {"BP_SECRET_FILES": "off"}, builder, shown.append)
    assert len(shown) == 1
    # The line does what is said of it, in either file.
    write(app, ".dockerignore", text=f"{name}\n")
    assert copied(app)[0].secrets == []
    write(app, "project.toml", text=f'{HEAD}exclude = ["/{name}"]\n')
    assert copied(app)[0].secrets == []
    told_of_app(done, AppFiles(app), {}, builder, shown.append)
    assert f'add to `exclude` in project.toml (or take out of `include`): "/{name}"' in shown[-1]


@pytest.mark.parametrize(("name", "text"), NO_SECRETS.items())
def test_what_only_has_such_a_name_is_no_secret(app: Path, name: str, text: str) -> None:
    write(app, name, text=text)
    assert copied(app)[0].secrets == []


POINTER = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 132\n"


def test_pointers_of_git_lfs_are_named(app: Path, builder: Path) -> None:
    """The image would start, and fail when it reads its model."""
    write(app, "model.pkl", text=POINTER)
    write(app, "docs/lfs.md", text=f"A pointer begins so:\n{POINTER}")
    write(app, "docs/long.txt", text=POINTER + "x" * 1024)
    shown: list[str] = []
    told_of_app(copied(app)[0], AppFiles(app), {}, builder, shown.append)
    told = "model.pkl is Git LFS's pointer and not the file: run `git lfs pull` before the build"
    assert shown == [f"Warning: {told}"]
    for number in range(6):
        write(app, f"data/{number}.csv", text=POINTER)
    shown.clear()
    told_of_app(copied(app)[0], AppFiles(app), {}, builder, shown.append)
    assert "data/4.csv and 2 more are Git LFS's pointers and not the files" in shown[0]
    write(app, ".dockerignore", text="data\nmodel.pkl\n")
    assert copied(app)[0].pointers == []


def test_a_wrong_setting_is_told(app: Path, builder: Path) -> None:
    with pytest.raises(UserFault, match="BP_SECRET_FILES is 'no'"):
        told_of_app(Copied(), AppFiles(app), {"BP_SECRET_FILES": "no"}, builder, print)


def test_variables_come_from_project_toml(app: Path) -> None:
    table = '[[io.buildpacks.build.env]]\nname = "{}"\nvalue = "1"\n'
    write(app, "project.toml", text=HEAD + table.format("BP_X"))
    assert AppFiles(app).variables == {"BP_X": "1"}
    write(app, "project.toml", text=HEAD + table.format("../../BP_X"))
    with pytest.raises(UserFault, match="not the name of a variable"):
        _ = AppFiles(app).variables


def test_a_project_toml_that_is_a_link_is_not_followed(app: Path) -> None:
    write(app.parent, "secret", text=f'{HEAD}exclude = ["app.py"]\n')
    write(app, "app.py")
    (app / "project.toml").symlink_to(app.parent / "secret")
    assert AppFiles(app).source == ""


@pytest.mark.parametrize(
    ("patterns", "path", "matches"),
    [
        (["*.py"], "a/b.py", True),
        (["/a"], "b/a", False),
        (["a/"], "a", False),
        (["a/"], "a/b", True),
        (["a", "!a/b"], "a/b", False),
        (["a?c"], "abc", False),
        (["docs/*.md"], "x/docs/a.md", False),
        (["**/x/**"], "a/x/b", True),
        (["(["], "([", False),
    ],
)
def test_patterns_of_project_toml(patterns: list[str], path: str, matches: bool) -> None:
    assert IgnoreRules(patterns).match(path) == matches


@pytest.mark.parametrize(
    ("text", "path", "matches"),
    [
        ("*.py", "a/b.py", False),
        ("**/*.py", "a/b.py", True),
        ("**/*.py", "b.py", True),
        ("/a/", "a/b", True),
        ("a\n!a/b", "a/b/c", False),
        ("!a/b\na", "a/b", True),
        ("a?[x-z]", "aby", True),
        ("# x\n\n.\n", "# x", False),
        ("../a", "a", False),
    ],
)
def test_patterns_of_dockerignore(text: str, path: str, matches: bool) -> None:
    assert DockerIgnore(text).match(path) == matches


@pytest.mark.parametrize(
    ("path", "what", "remedy"),
    [
        ("app.py", "is a file, not a folder", "name the app's folder: "),
        ("no/such", "there is no such folder", "name the app's folder"),
        ("https://me:secret@example.com/my/app", "not an address", "run `git clone` with it"),
        ("git@example.com:my/app.git", "not an address", "run `git clone` with it"),
    ],
)
def test_what_is_no_folder_is_told_as_what_it_is(
    tmp_path: Path, path: str, what: str, remedy: str
) -> None:
    (tmp_path / "app.py").touch()
    for command in ("build", "plan"):
        done = subprocess.run(
            [Path(sys.executable).with_name("cnbkit"), command, path],
            cwd=tmp_path,
            env={"PATH": os.environ["PATH"], "CNBKIT_HOME": str(tmp_path / "home")},
            capture_output=True,
            text=True,
            check=False,
        )
        error, _, change = done.stderr.splitlines()[:3]
        assert done.returncode == UserFault.exit_code
        assert what in error
        assert change.strip().startswith(f"to do: {remedy}")
        assert "secret" not in done.stderr
