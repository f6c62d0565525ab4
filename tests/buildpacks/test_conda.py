"""The conda buildpack: real packages from a channel made here, the real solver and installer."""

from __future__ import annotations

import json
import marshal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from packageurl import PackageURL

from cnbkit import Entry, PackageRequest
from cnbkit_conda import Conda
from cnbkit_engine.base.images import BaseImages
from cnbkit_engine.base.suites import SUITES
from cnbkit_engine.oci.store import ImageStore
from cnbkit_engine.state.home import Home
from cnbkit_start import Start

from ..e2e.channel import MACHINE_PYTHON, SUBDIR, Channel, Server, python_package
from .conda_channel import OTHER, channels, checksum, environment, fault, files, packages
from .told import heard

if TYPE_CHECKING:
    from collections.abc import Callable

    from cnbkit import Buildpack
    from cnbkit.testing import BuildpackRun, Result

    from .conftest import Unchanged

__all__ = ["channels"]


def test_prefixes_are_filled_in_and_commands_run(
    buildpack_run: BuildpackRun, channels: Path
) -> None:
    app = environment(channels, "python", "needy", "tool=1", more="variables: {MODE: 'a b'}")
    result = buildpack_run(Conda, app=app)
    assert result.code == 0
    others = {"hello": "2.0", "needy": "1.0", "tool": "1.0"}
    assert packages(result) == {"python": MACHINE_PYTHON, **others}
    prefix = result.layers_dir / "environment" / "conda"
    assert (prefix / "share/tool/settings.txt").read_text() == f"data = {prefix}/share/tool\n"
    done = subprocess.run([prefix / "bin/tool"], capture_output=True, text=True)
    assert done.stdout == f"tool 1.0 at {prefix}\n", done.stderr
    env = result.launch_env(env={"PATH": "/bin"})
    assert env["PATH"] == f"{prefix}/bin:/bin"
    assert (env["CONDA_PREFIX"], env["MODE"]) == (str(prefix), "a b")
    # Programs of the run image must not load the environment's libraries.
    assert "LD_LIBRARY_PATH" not in env
    told = heard(result.build_env())
    assert (told.python_version, told.python) == (MACHINE_PYTHON, f"{prefix}/bin/python")


@pytest.mark.full
def test_python_runs_and_bytecode_is_valid_whatever_the_time_of_its_source(
    buildpack_run: BuildpackRun, tmp_path: Path
) -> None:
    # It runs on this machine, whose C library may be as old as the oldest base's.
    home, suite = Home.default(), SUITES["bookworm"]
    root = BaseImages(home, ImageStore(home.images), suite=suite).ensure_build_root()
    channel = Channel(tmp_path / "served" / "conda-forge")
    python_package(channel, root, suite)
    channel.add_pure("hello", "1.0")
    channel.index()
    result = buildpack_run(Conda, app=environment(tmp_path / "served", "python", "hello"))
    prefix = result.layers_dir / "environment/conda"
    done = subprocess.run([prefix / "bin/hello"], capture_output=True, text=True)
    assert done.stdout == "hello 1.0\n", done.stderr
    library = prefix / f"lib/python{suite.python}"
    # One that the package had, and one that was compiled here.
    for name in ("json/__init__", "site-packages/hello"):
        source = library / f"{name}.py"
        compiled = source.parent / "__pycache__" / f"{source.stem}.cpython-311.pyc"
        code = compiled.read_bytes()
        assert code[4:8] == b"\1\0\0\0"
        program = "import _imp, sys; k = int.from_bytes(open(sys.argv[1], 'rb').read(4), 'little')"
        program += "; print(_imp.source_hash(k, open(sys.argv[2], 'rb').read()).hex())"
        python: list[str | Path] = [library.parents[1] / "bin/python", "-I", "-c", program]
        done = subprocess.run(
            [*python, compiled, source], capture_output=True, text=True, check=True
        )
        assert code[8:16].hex() == done.stdout.strip()
        assert marshal.loads(code[16:]).co_filename.endswith(f"{source.stem}.py")
    unchecked = [p for p in library.rglob("*.pyc") if p.read_bytes()[4:8] != b"\1\0\0\0"]
    assert unchecked == []


def test_two_builds_without_a_cache_give_the_same_files(
    buildpack_run: BuildpackRun, channels: Path
) -> None:
    first = buildpack_run(Conda, app=environment(channels, "python", "hello", "tool"))
    before = files(first.layers_dir / "environment")
    again = first.rebuild(image=False, cache=False)
    assert files(again.layers_dir / "environment") == before
    meta = (again.layers_dir / "environment/conda/conda-meta").iterdir()
    text = "".join(path.read_text() for path in meta)
    assert ".scratch" not in text
    assert not (again.layers_dir / "environment/conda/CACHEDIR.TAG").exists()


def test_an_unchanged_environment_asks_nobody_and_imports_nothing(
    buildpack_run: BuildpackRun,
    channels: Path,
    unchanged_build: Callable[[type[Buildpack], Result], Unchanged],
) -> None:
    with Server(channels) as server:
        app = environment(channels, "tool", of=f"{server.url}/conda-forge")
        first = buildpack_run(Conda, app=app)
        asked = len(server.requests)
        again = first.rebuild(app={"app.py": "print(1)"})
        assert len(server.requests) == asked > 0
        # The image is gone, the cache is not: installed, but not solved again.
        lost = first.rebuild(image=False)
        assert lost.layer("environment").why == ["new"]
        assert "Solving" not in lost.log
    assert again.layer("environment").state == "reuse"
    assert again.layer("choice").state == "keep"
    assert again.build_env() == first.build_env()
    alone = unchanged_build(Conda, again)
    assert "environment.yml unchanged: 1 package as before" in alone.log
    heavy = {
        "asyncio",
        "json",
        "pathlib",
        "rattler",
        "re",
        "subprocess",
        "tomllib",
        "typing",
        "yaml",
    }
    assert alone.imported & heavy == set()


def test_other_packages_stay_where_they_are(
    buildpack_run: BuildpackRun, channels: Path, tmp_path: Path
) -> None:
    own = Channel(tmp_path / "own")
    own.add("lib", "1.0", {"share/lib": "1"})
    own.add("extra", "1.0", {"share/extra": ""})
    own.index()
    first = buildpack_run(Conda, app=environment(channels, "lib", of=own.url))
    own.add("lib", "2.0", {"share/lib": "2"})
    own.index()
    more = first.rebuild(app=environment(channels, "lib", "extra", of=own.url))
    assert more.layer("environment").why == ["packages changed: +extra 1.0 0"]
    assert packages(more) == {"lib": "1.0", "extra": "1.0"}
    # Only the text changed, not what it asks for.
    text = environment(channels, "lib", "extra  # needed", of=own.url)
    same = more.rebuild(app=text)
    assert "What is asked of conda is unchanged" in same.log
    assert same.layer("environment").state == "reuse"
    news = more.rebuild(env={"BP_CONDA_REFRESH": "1"})
    assert packages(news) == {"lib": "2.0", "extra": "1.0"}
    # Another channel: nothing of the first one stays.
    moved = more.rebuild(app=environment(channels, "tool"))
    assert packages(moved) == {"tool": "1.0"}


def test_a_changed_variable_leaves_the_environment_alone(
    buildpack_run: BuildpackRun, channels: Path
) -> None:
    first = buildpack_run(Conda, app=environment(channels, "tool", more="variables: {A: '1'}"))
    more = 'variables: {A: "two\\nlines"}'
    again = first.rebuild(app=environment(channels, "tool", more=more))
    assert again.layer("environment").state == "reuse"
    assert again.launch_env()["A"] == "two\nlines"


def test_kept_packages_are_not_fetched_again(buildpack_run: BuildpackRun, channels: Path) -> None:
    with Server(channels) as server:
        place = f"{server.url}/conda-forge"
        env = {"BP_CONDA_KEEP_PACKAGES": "true"}
        first = buildpack_run(Conda, app=environment(channels, "tool", of=place), env=env)
        first = first.rebuild()
        server.requests.clear()
        more = first.rebuild(app=environment(channels, "tool", "vision", of=place))
        assert packages(more) == {"tool": "1.0", "vision": "1.0"}
    fetched = [each for each in server.requests if each.endswith((".conda", ".tar.bz2"))]
    assert fetched == [f"/conda-forge/{SUBDIR}/vision-1.0-cpu_0.conda"]


@pytest.mark.parametrize(
    ("env", "asked", "build"),
    [
        pytest.param({}, {}, "cpu", id="none"),
        pytest.param({"BP_CONDA_CUDA": "12.8"}, {}, "cuda", id="setting"),
        pytest.param({}, {"__cuda": "12.8"}, "cuda", id="the plan"),
        pytest.param({}, {"__other": "1"}, "cpu", id="other hardware"),
    ],
)
def test_cuda_is_there_only_if_somebody_says_so(
    buildpack_run: BuildpackRun,
    channels: Path,
    env: dict[str, str],
    asked: dict[str, str],
    build: str,
) -> None:
    request = PackageRequest(subject="test", virtual_packages=asked)
    entry = Entry(name="conda-environment", metadata=request.metadata())
    plan = [entry] if asked else None
    result = buildpack_run(Conda, app=environment(channels, "vision"), env=env, plan=plan)
    path = result.layer("environment").path / "conda/share/vision"
    assert path.read_text() == build


def test_glibc_is_the_images(buildpack_run: BuildpackRun, channels: Path) -> None:
    app = environment(channels, "modern")
    assert "__glibc >=2.99" in fault(buildpack_run(Conda, app=app))
    newer = buildpack_run(Conda, app=app, env={"BP_CONDA_GLIBC": "2.99"})
    assert packages(newer) == {"modern": "1.0"}
    assert "'new' is not a version" in fault(
        buildpack_run(Conda, app=app, env={"BP_CONDA_CUDA": "new"})
    )


@pytest.mark.parametrize(
    ("version", "fits"), [("2.99-1+deb99u1", True), ("2.36-9+deb12u10", False)]
)
def test_glibc_is_the_run_images_and_not_this_machines(
    buildpack_run: BuildpackRun,
    channels: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    version: str,
    fits: bool,
) -> None:
    status = tmp_path / "status"
    other = "Package: libc6-dev\nVersion: 1-1\n\n"
    libc = f"Package: libc6\nArchitecture: amd64\nVersion: {version}\nDescription: it\n\n"
    status.write_text(f"{other}{libc}{other}")
    monkeypatch.setattr("cnbkit_conda.virtual._STATUS", str(status))
    result = buildpack_run(Conda, app=environment(channels, "modern"))
    if fits:
        assert packages(result) == {"modern": "1.0"}
    else:
        assert "__glibc >=2.99" in fault(result)


def test_activation_is_done_at_build_time(buildpack_run: BuildpackRun, channels: Path) -> None:
    result = buildpack_run(Conda, app=environment(channels, "active"))
    prefix = result.layers_dir / "environment" / "conda"
    env = result.launch_env(env={"PATH": "/bin"})
    assert env["DATA_HOME"] == f"{prefix}/share/data"
    assert env["PATH"].split(":") == [f"{prefix}/extra", f"{prefix}/bin", "/bin"]
    assert not any(name.startswith(("BASH", "SHLVL", "PWD", "HOME")) for name in env)
    # Whoever starts the image may say otherwise.
    assert result.launch_env(env={"DATA_HOME": "/data"})["DATA_HOME"] == "/data"
    failing = buildpack_run(Conda, app=environment(channels, "failing", "tool"))
    assert failing.code == 0
    assert "Warning: activation scripts of packages failed" in failing.log


def test_link_scripts_of_packages_run(buildpack_run: BuildpackRun, channels: Path) -> None:
    result = buildpack_run(Conda, app=environment(channels, "linked"))
    path = result.layer("environment").path / "conda/share/linked.txt"
    assert path.read_text() == "linked\n"


# -- what can be wrong with an environment.yml -------------------------------------------------


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", ["environment.yml:1", "there are no `dependencies`"]),
        ("conda install x\nname: y\n", ["environment.yml:2", "not YAML"]),
        ("dependencies: [a\n", ["not YAML"]),
        ("- a\n", ["the file is a list, not `key: value` lines"]),
        ("dependencies: python\n", ["dependencies is the text 'python', not a list"]),
        ("channels: {a: b}\ndependencies: []\n", ["channels is a mapping, not a list"]),
        ("dependencies:\n - a > =1\n", ["environment.yml:2", "'a > =1' is not a package"]),
        ("dependencies:\n - pip: -r x.txt\n", ["what follows `pip:` is the text '-r x.txt'"]),
        ("dependencies:\n - npm: [x]\n", ["'npm' is not a package, and of sections"]),
        ("dependencies:\n - [x]\n", ["a list is not a package"]),
        ("dependencies: []\nvariables: {A: [1]}\n", ["the variable A is a list"]),
        ("dependencies: []\ndependencies: []\n", ["dependencies is there twice"]),
        (
            "channels: [[x]]\ndependencies:\n - {a: 1}\n - '>>'\n",
            ["environment.yml has 3 faults", "environment.yml:1:", "environment.yml:3:", ":4:"],
        ),
        ("a: " + "[" * 600, ["more than 512 lists"]),
        (
            "channels:\n - http://[bad\n - http://h:99999/x\n - http://a b/c\ndependencies: []\n",
            ["environment.yml:2: 'http://[bad' is not an address", ":3: ", ":4: "],
        ),
        ("dependencies:\n - http://[bad::tool\n", ["environment.yml:2", "not an address"]),
        ("dependencies: []\nname: \x00\n", ["environment.yml:2", "not YAML: the character"]),
    ],
)
def test_every_fault_of_the_file_is_named_with_its_line(
    buildpack_run: BuildpackRun, text: str, said: list[str]
) -> None:
    shown = fault(buildpack_run(Conda, app={"environment.yml": text}))
    for part in said:
        assert part in shown


def test_the_pip_section_is_handed_on_with_its_lines(
    buildpack_run: BuildpackRun, channels: Path
) -> None:
    section = (
        "  - pip:\n    - six==1.17.0\n    - -e .\n    - -r more/extra.txt\n    - ./lib[gpu]\n"
        "    - Needy>=1\n    - --find-links wheels\n"
    )
    app = environment(channels, "python", "needy", more=section)
    result = buildpack_run(Conda, app=app)
    told = heard(result.build_env())
    [listed] = told.inputs or []
    lines = Path(listed).read_text().splitlines()
    source = app["environment.yml"].splitlines()
    assert lines[source.index("    - six==1.17.0")] == "six==1.17.0"
    root = result.app
    assert [line for line in lines if line][1:] == [
        f"-e {root}",
        f"-r {root}/more/extra.txt",
        f"{root}/lib[gpu]",
        "Needy>=1",
        f"--find-links {root}/wheels",
    ]
    # What pip finds in place it does not take from an index.
    there = Path(told.conda_wheels)
    assert (there / "packages").read_text() == "hello 2.0\nneedy 1.0\n"
    assert {each.name for each in there.glob("*.whl")} == {
        "hello-2.0-py30-none-any.whl",
        "needy-1.0-py30-none-any.whl",
    }
    # Another section: neither solved nor installed.
    other = {"environment.yml": app["environment.yml"].replace("six==1.17.0", "six==1.16.0")}
    again = result.rebuild(app=other)
    assert again.layer("environment").state == "reuse"
    assert "Solving" not in again.log
    there = Path(heard(again.build_env()).conda_wheels)
    assert (there / "packages").read_text() == "hello 2.0\nneedy 1.0\n"


def test_requirements_beside_it_are_taken_for_the_pip_section(
    buildpack_run: BuildpackRun, channels: Path
) -> None:
    app = {**environment(channels, "python", "needy"), "requirements.txt": "six\nhello\n"}
    result = buildpack_run(Conda, app=app)
    assert "environment.yml has no pip section: requirements.txt is taken for it" in result.log
    told = heard(result.build_env())
    assert told.inputs == ["requirements.txt"]
    assert (Path(told.conda_wheels) / "packages").read_text() == "hello 2.0\nneedy 1.0\n"


# -- bill of materials -------------------------------------------------------------------------


def test_the_bill_names_each_package_with_its_licence(
    buildpack_run: BuildpackRun, channels: Path
) -> None:
    app = {"environment.yml": "channels: [conda-forge]\ndependencies: [rare, hello, odd]\n"}
    other = Channel(channels / "other")
    with Server(channels) as server:
        mirrors = f"conda-forge:{server.url}/conda-forge"
        app["environment.yml"] = app["environment.yml"].replace(
            "conda-forge]", f"conda-forge, '{other.url}']"
        )
        result = buildpack_run(Conda, app=app, env={"BP_CONDA_MIRROR": mirrors})
    assert result.code == 0, result.log
    found = {
        each["name"]: each
        for each in json.loads(result.sbom("environment")["cdx.json"])["components"]
    }
    assert {name: each["version"] for name, each in found.items()} == packages(result)
    python, hello, odd, rare = (found[name] for name in ("python", "hello", "odd", "rare"))
    # What is built for all platforms says so; a channel has its name, whatever mirror was asked.
    assert hello["purl"] == (
        "pkg:conda/hello@2.0?build=pyhd8ed1ab_0&channel=conda-forge&subdir=noarch&type=tar.bz2"
    )
    assert python["purl"] == (
        f"pkg:conda/python@{MACHINE_PYTHON}?build=0_cpython&channel=conda-forge&subdir={SUBDIR}"
        "&type=conda"
    )
    assert PackageURL.from_string(rare["purl"]).qualifiers["channel"] == other.url
    for each in found.values():
        assert PackageURL.from_string(each["purl"]).to_string() == each["purl"]
    archive = channels / "conda-forge/noarch/hello-2.0-pyhd8ed1ab_0.tar.bz2"
    assert hello["hashes"] == [{"alg": "SHA-256", "content": checksum(archive.as_uri())}]
    # An expression where it is one, the recipe's words where it is none.
    assert python["licenses"] == [{"expression": "MIT"}]
    assert rare["licenses"] == [{"expression": "BSD-3-Clause AND LicenseRef-Rare"}]
    assert odd["licenses"] == [{"license": {"name": "BSD-like, see source"}}]
    assert "licenses" not in found["free"]


def test_an_environment_without_python(buildpack_run: BuildpackRun, channels: Path) -> None:
    result = buildpack_run(Conda, app=environment(channels, "tool"))
    assert result.code == 0
    told = heard(result.build_env())
    assert (told.python, told.inputs) == ("", [])
    app = environment(channels, "tool", more="  - pip: [six]\n")
    shown = fault(buildpack_run(Conda, app=app))
    assert "there are packages for pip, but no Python\n  where: environment.yml:4" in shown


def test_frameworks_of_the_environment_are_known_to_start(
    buildpack_run: BuildpackRun, channels: Path
) -> None:
    app = {"app.py": "import streamlit\n", **environment(channels, "python", "streamlit")}
    made = buildpack_run(Conda, app=app)
    started = buildpack_run(Start, app=app, env=made.build_env())
    assert "exec streamlit run" in started.processes["web"].command[-1]
    for more, text in (
        ("  - pip: [streamlit]\n", "six\n"),
        ("  - pip: [-r requirements.txt]\n", "-r more/web.txt\n"),
        ("", "-r more/web.txt\n"),
    ):
        section = environment(channels, "python", more=more)
        listed = {"requirements.txt": text, "more/web.txt": "streamlit\n"}
        app = {"app.py": "import streamlit\n", **section, **listed}
        made = buildpack_run(Conda, app=app)
        started = buildpack_run(Start, app=app, env=made.build_env())
        assert "exec streamlit run" in started.processes["web"].command[-1]


@pytest.mark.parametrize(
    ("app", "env", "reason"),
    [
        ({"requirements.txt": ""}, {}, "none of"),
        ({"explicit.txt": "my notes"}, {}, "is not a list for this"),
        ({f"conda-{OTHER}.lock": "@EXPLICIT"}, {}, "is not a list for this"),
        (
            {"environment.yml": "", "poetry.lock": ""},
            {"BP_PYTHON_INPUT": "poetry.lock"},
            "BP_PYTHON_INPUT is poetry.lock",
        ),
    ],
)
def test_it_stays_out_where_it_has_nothing_to_do(
    buildpack_run: BuildpackRun, app: dict[str, str], env: dict[str, str], reason: str
) -> None:
    result = buildpack_run(Conda, app=app, env=env)
    assert not result.detected
    assert reason in result.reason
