"""Each wrong input of the page: the error's first three lines have the line and the change."""

from __future__ import annotations

import re
import sys
import sysconfig
import tomllib
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from cnbkit import BuildContext, CnbkitError, PlatformFault, UserFault
from cnbkit.log import Log
from cnbkit_pip import Pip
from cnbkit_python_inputs.former_index import _HOST

from ..e2e.accelerators import Site
from .bad_inputs import LINUX, compiled_with, publish
from .told import telling

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = Path(__file__).resolve().parents[2] / "docs/howto/bad-inputs.md"
_EXAMPLE = re.compile(
    r"^### (?P<title>[^\n]+)\n+(?:[^`#][^\n]*\n+)*```text title=\"requirements\.txt\"\n"
    r"(?P<written>.*?)```\n+```text\n(?P<said>Error: .*?)```$",
    re.DOTALL | re.MULTILINE,
)
# The page is about one Python; the test runs on whatever this is.
_PAGE_PYTHON = "3.11"
_PYTHON = f"{sys.version_info[0]}.{sys.version_info[1]}"


class Example(NamedTuple):
    """What is written, and what is said of it."""

    written: str
    said: str


EXAMPLES = {
    found["title"]: Example(found["written"], found["said"].rstrip("\n"))
    for found in _EXAMPLE.finditer(PAGE.read_text(encoding="utf-8"))
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with closing(Site(tmp_path_factory.mktemp("index") / "site")) as site:
        publish(site)
        yield site


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The buildpack's folder, with the programs that it is packaged with."""
    folder = tmp_path_factory.mktemp("buildpack")
    (folder / "lib/bin").mkdir(parents=True)
    (folder / "lib/bin/uv").symlink_to(Path(sys.executable).with_name("uv"))
    for each in Path(sysconfig.get_path("purelib")).iterdir():
        if not each.name.startswith("__"):
            (folder / "lib" / each.name).symlink_to(each)
    return folder


class Built(NamedTuple):
    """How a build ended."""

    fault: CnbkitError | None
    log: str


class Builds:
    """Builds requirements with the pip buildpack, in this process."""

    def __init__(
        self, folder: Path, site: Site, programs: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self._folder, self._site, self._programs, self._capsys = folder, site, programs, capsys
        self.app, self.layers = folder / "app", folder / "layers"
        self.app.mkdir()
        self.log = Log()

    def build(self, written: str, **settings: str) -> Built:
        """Build, and give back the fault and the log."""
        (self.app / "requirements.txt").write_text(written, encoding="utf-8")
        self.layers.mkdir(exist_ok=True)
        self.log = Log()
        ctx = BuildContext(
            app=str(self.app),
            env={
                "PATH": "/usr/bin:/bin",
                "HOME": str(self._folder),
                **telling(
                    python=sys.executable,
                    python_version=f"{_PYTHON}.0",
                    inputs=["requirements.txt"],
                ),
                "CNB_TARGET_ARCH": "amd64",
                "BP_PIP_INDEX_URL": self._site.simple,
                "UV_HTTP_RETRIES": "0",
                "PIP_RETRIES": "0",
                **settings,
            },
            buildpack=str(self._programs),
            platform="",
            layers=str(self.layers),
            plan="",
            log=self.log,
        )
        fault: CnbkitError | None = None
        try:
            Pip().build(ctx)
        except CnbkitError as error:
            fault = error
        shown = self._capsys.readouterr()
        return Built(fault, shown.out + shown.err)


@pytest.fixture
def builds(
    tmp_path: Path,
    site: Site,
    programs: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Builds:
    made = Builds(tmp_path, site, programs, capsys)
    monkeypatch.chdir(made.app)
    return made


def shown(fault: CnbkitError | None) -> list[str]:
    """The fault without its detail, as it is on the page."""
    assert fault is not None
    text = str(fault).partition("\n  detail:")[0]
    return re.sub(rf"\b{re.escape(_PYTHON)}\b", _PAGE_PYTHON, text).splitlines()


def test_the_page_has_forty_wrong_inputs() -> None:
    assert len(EXAMPLES) >= 40
    headings = re.findall(r"^### (.+)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert headings == list(EXAMPLES)


@pytest.mark.parametrize("title", EXAMPLES)
def test_uv_s_fault_is_the_page_s(builds: Builds, title: str) -> None:
    example = EXAMPLES[title]
    fault = builds.build(example.written).fault
    assert shown(fault) == example.said.splitlines()
    _names_line_and_change(fault)


@pytest.mark.full
@pytest.mark.parametrize("title", EXAMPLES)
def test_pip_s_fault_names_the_same_line_and_a_change(builds: Builds, title: str) -> None:
    example = EXAMPLES[title]
    fault = builds.build(example.written, BP_PIP_ENGINE="pip").fault
    _, where, change, *_ = shown(fault)
    _, page_where, page_change, *_ = example.said.splitlines()
    assert where == page_where
    assert change.startswith("  to do: ")
    if not isinstance(fault, PlatformFault):
        # The two see other reasons at times; the thing to write is the same.
        assert set(re.findall(r"`[\w.+-]+`|[\w.-]+==[\w.]+", page_change)) <= set(
            re.findall(r"`[\w.+-]+`|[\w.-]+==[\w.]+", change)
        )


def test_what_is_compiled_is_told_before_with_the_pythons_that_need_not(builds: Builds) -> None:
    built = builds.build("requests\nnumpy==1.23.1\nonlysource==1.0\npsycopg2==1.0\n")
    assert built.fault is not None
    told = built.log.partition("3 packages have no wheel for this image, which means compiling")[2]
    assert "numpy 1.23.1: it has wheels for Python 3.8 to 3.10" in told
    assert "onlysource 1.0: it has no wheels at all\n" in told
    assert "psycopg2 1.0: it has no wheels at all; psycopg2-binary comes with them" in told
    assert "Python 3.10 has wheels of the one that has any: write 3.10 into .python-version" in told


def test_of_several_that_are_compiled_a_python_with_wheels_of_all_comes_first(
    builds: Builds, site: Site
) -> None:
    python, tag = "3.10", f"cp310-cp310-{LINUX}"
    for name in ("oldone", "oldtwo"):
        site.publish(name, "1.0", tag=tag)
        site.publish(name, "2.0")
        site.add_file(name, f"{name}-1.0.tar.gz", compiled_with(name, "1.0", "error: no"))
    fault = builds.build("oldone==1.0\noldtwo==1.0\n").fault
    assert fault is not None
    assert str(fault.where).startswith("requirements.txt:")
    assert str(fault.remedy).startswith(f"write {python} into .python-version: it has wheels of 2")
    assert "Or: write old" in str(fault.detail)


def test_an_extra_that_a_package_does_not_have_is_told(builds: Builds) -> None:
    written = (
        "flask[Nonesuch,async]>=3 ; python_version > '3'\nrequests[x] ; python_version < '3'\n"
    )
    built = builds.build(written)
    assert built.fault is None, built.fault
    assert "Warning: requirements.txt:1: flask 3.1.0 has no extra nonesuch" in built.log
    assert built.log.count("has no extra") == 2


def test_no_python_is_advised_that_the_project_does_not_allow(builds: Builds) -> None:
    project = '[project]\nname = "x"\nversion = "1"\nrequires-python = ">=3.11"\n'
    (builds.app / "pyproject.toml").write_text(project)
    built = builds.build("requests\nnumpy==1.23.1\nonlysource==1.0\n")
    assert "numpy 1.23.1: it has wheels for Python 3.8 to 3.10" in built.log
    assert "into .python-version" not in f"{built.log}{built.fault}"


@pytest.mark.parametrize("written", ["https//pypi.internal/simple", "pypi.internal/simple"])
def test_an_index_without_an_address_is_named_and_not_what_it_should_have(
    builds: Builds, written: str
) -> None:
    fault = builds.build(f"requests\n--extra-index-url {written}\n").fault
    assert fault is not None
    assert f"{written} is not the address of an index" in fault.what
    assert fault.where == "requirements.txt:2"
    assert fault.remedy == "write https://pypi.internal/simple"


def test_public_addresses_are_shown_and_logins_are_not(builds: Builds) -> None:
    plain, secret = "http://127.0.0.1:1/simple", "http://me:hunter2000@127.0.0.1:2/simple"
    lines = f"--extra-index-url {plain}\n--extra-index-url {secret}\n"
    fault = builds.build(f"{lines}absent==1.0\n").fault
    assert fault is not None
    # What a phase sets before it prints a fault.
    fault.secrets = builds.log.secrets
    assert plain in str(fault)
    assert "hunter2000" not in str(fault)


def test_a_password_in_the_app_is_told_and_not_kept(builds: Builds, site: Site) -> None:
    host = site.simple.partition("://")[2].partition("/")[0]
    file = "simple/requests/requests-2.32.3-py3-none-any.whl"
    built = builds.build(f"requests @ http://me:tok3n4711@{host}/{file}\n")
    assert built.fault is None, built.log
    assert f"requirements.txt:1 has a password for {host}" in built.log
    assert "tok3n4711" not in built.log
    kept = [path for path in (builds.layers / "lock").rglob("*") if path.is_file()]
    assert any(path.name == "pylock.toml" for path in kept)
    assert not any(b"tok3n4711" in path.read_bytes() for path in kept)


@pytest.mark.parametrize("by", ["line", "included line", "setting"])
def test_pytorch_s_index_gives_torch_and_shadows_nothing(
    builds: Builds, site: Site, by: str
) -> None:
    index, settings = f"{site.torch}/cu118", {"BP_PYTORCH_INDEX": site.torch}
    lines = "torch==2.1.0\nrequests==2.32.3\nwerkzeug\n"
    if by == "setting":
        settings["BP_PIP_EXTRA_INDEX_URLS"] = index
    elif by == "line":
        lines = f"--extra-index-url {index}\n{lines}"
    else:
        (builds.app / "base.txt").write_text(f"# PyTorch\n--extra-index-url {index}\n{lines}")
        lines = "-r base.txt\nflask==3.0.3\n"
    built = builds.build(lines, **settings)
    assert built.fault is None, built.fault
    kept = tomllib.loads((builds.layers / "lock/pylock.toml").read_text())
    versions = {each["name"]: each["version"] for each in kept["packages"]}
    assert (versions["torch"], versions["requests"]) == ("2.1.0+cu118", "2.32.3")
    assert versions["werkzeug"] == "3.1.3"


def test_an_extra_index_that_is_not_pytorch_s_is_asked_as_before(
    builds: Builds, site: Site
) -> None:
    built = builds.build(f"--extra-index-url {site.torch}/cu118\nrequests\n")
    assert built.fault is None, built.fault
    kept = tomllib.loads((builds.layers / "lock/pylock.toml").read_text())
    assert {each["version"] for each in kept["packages"]} == {"2.28.1"}


def test_the_former_address_of_the_default_index_is_what_that_is_now(builds: Builds) -> None:
    built = builds.build(f"-i https://{_HOST}/simple\nrequests==2.32.3\n")
    assert built.fault is None, built.fault
    assert "1 package for Python" in built.log


def test_lines_with_options_are_not_taken_for_mistakes(builds: Builds) -> None:
    (builds.app / "base.txt").write_text("requests\n")
    fault = builds.build("-r base.txt\n-c base.txt\n--pre\nabsent==1.0\n").fault
    assert shown(fault)[:2] == [
        "Error: there is no package absent in the index",
        "  where: requirements.txt:4",
    ]


def _names_line_and_change(fault: CnbkitError | None) -> None:
    assert isinstance(fault, UserFault | PlatformFault)
    first = str(fault).splitlines()[:3]
    assert re.search(r"requirements\.txt:\d+", first[1]), first
    assert first[2].startswith("  to do: ")
    assert not any(
        word in first[2] for word in ("see below", "--index", "--extra", "--no-", "--find", "UV_")
    )
