"""The conda buildpack: real packages from a channel made here, the real solver and installer."""

from __future__ import annotations

import hashlib
import json
import marshal
import shutil
import ssl
import subprocess
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from packageurl import PackageURL
from rattler import LockChannel, LockFile, LockPlatform, RepoDataRecord

from cnbkit import Entry, PackageRequest
from cnbkit_conda import Conda
from cnbkit_engine.base.images import BaseImages
from cnbkit_engine.oci.store import ImageStore
from cnbkit_engine.state.home import Home
from cnbkit_start import Start

from ..authority import Authority
from ..e2e.channel import PYTHON, SUBDIR, Channel, Server, python_package
from .told import heard

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cnbkit import Buildpack
    from cnbkit.testing import BuildpackRun, Result

    from .conftest import Unchanged

OTHER = {"linux-64": "linux-aarch64", "linux-aarch64": "linux-64"}[SUBDIR]
ACTIVATE = """
export DATA_HOME="$CONDA_PREFIX/share/data"
export PATH="$CONDA_PREFIX/extra:$PATH"
activate_data() { :; }
"""


@pytest.fixture(scope="session")
def channels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the channels conda-forge and other; only read."""
    work = tmp_path_factory.mktemp("channels")
    main = Channel(work / "served" / "conda-forge")
    home = Home.default()
    python_package(main, BaseImages(home, ImageStore(home.images)).ensure_build_root())
    for version in ("1.0", "2.0"):
        main.add_pure("hello", version)
    main.add_pure("needy", "1.0", depends=["hello >=2"])
    main.add_compiled("tool", "1.0", work)
    main.add("vision", "1.0", {"share/vision": "cpu"}, build="cpu_0")
    main.add(
        "vision", "1.0", {"share/vision": "cuda"}, build="cuda_0", number=1, depends=["__cuda"]
    )
    main.add("modern", "1.0", {"share/modern": ""}, depends=["__glibc >=2.99"])
    main.add("active", "1.0", {"etc/conda/activate.d/active.sh": ACTIVATE})
    main.add_pure("streamlit", "1.0")
    script = 'echo "$PKG_NAME" > "$PREFIX/share/linked.txt"\n'
    linked = {"bin/.linked-post-link.sh": script, "share/linked": ""}
    main.add("linked", "1.0", linked, executable=["bin/.linked-post-link.sh"])
    main.add("free", "1.0", {"share/free": ""}, licence="")
    main.add("odd", "1.0", {"share/odd": ""}, depends=["free"], licence="BSD-like, see source")
    main.add("failing", "1.0", {"etc/conda/activate.d/failing.sh": "exit 3"})
    main.index()
    other = Channel(work / "served" / "other")
    other.add("tool", "9.0", {"share/tool/settings.txt": "other's\n"})
    other.add("rare", "1.0", {"share/rare": ""}, licence="bsd-3-clause AND LicenseRef-Rare")
    other.index()
    return work / "served"


def environment(channels: Path, *packages: str, more: str = "", of: str = "") -> dict[str, str]:
    """An app with an environment.yml."""
    lines = [f"channels: ['{of or (channels / 'conda-forge').as_uri()}']", "dependencies:"]
    return {"environment.yml": "\n".join([*lines, *(f"  - {each}" for each in packages), more])}


def packages(result: Result) -> dict[str, str]:
    """Name and version of what is installed."""
    folder = result.layer("environment").path / "conda" / "conda-meta"
    records = (json.loads(path.read_text()) for path in folder.glob("*.json"))
    return {record["name"]: record["version"] for record in records}


def fault(result: Result) -> str:
    assert result.code == 65 or result.code == 69, result.log
    assert "choice" not in result.layers
    return str(result.fault)


def test_prefixes_are_filled_in_and_commands_run(
    buildpack_run: BuildpackRun, channels: Path
) -> None:
    app = environment(channels, "python", "needy", "tool=1", more="variables: {MODE: 'a b'}")
    result = buildpack_run(Conda, app=app)
    assert result.code == 0
    assert packages(result) == {"python": "3.11.2", "hello": "2.0", "needy": "1.0", "tool": "1.0"}
    prefix = result.layers_dir / "environment" / "conda"
    assert (prefix / "share/tool/settings.txt").read_text() == f"data = {prefix}/share/tool\n"
    for command, said in (("tool", f"tool 1.0 at {prefix}\n"), ("needy", "needy 1.0\n")):
        done = subprocess.run([prefix / "bin" / command], capture_output=True, text=True)
        assert done.stdout == said, done.stderr
    env = result.launch_env(env={"PATH": "/bin"})
    assert env["PATH"] == f"{prefix}/bin:/bin"
    assert (env["CONDA_PREFIX"], env["MODE"]) == (str(prefix), "a b")
    # Programs of the run image must not load the environment's libraries.
    assert "LD_LIBRARY_PATH" not in env
    told = heard(result.build_env())
    assert (told.python_version, told.python) == ("3.11.2", f"{prefix}/bin/python")


def test_bytecode_is_valid_whatever_the_time_of_its_source(
    buildpack_run: BuildpackRun, channels: Path
) -> None:
    result = buildpack_run(Conda, app=environment(channels, "python", "hello"))
    library = result.layers_dir / f"environment/conda/lib/python{PYTHON}"
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


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).digest()
        for path in folder.rglob("*")
        if path.is_file()
    }


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
    assert "'new' is no version" in fault(
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
        ("dependencies:\n - a > =1\n", ["environment.yml:2", "'a > =1' is no package"]),
        ("dependencies:\n - pip: -r x.txt\n", ["what follows `pip:` is the text '-r x.txt'"]),
        ("dependencies:\n - npm: [x]\n", ["'npm' is no package, and of sections"]),
        ("dependencies:\n - [x]\n", ["a list is no package"]),
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


def test_packages_that_do_not_exist_or_do_not_fit(
    buildpack_run: BuildpackRun, channels: Path
) -> None:
    first = buildpack_run(Conda, app=environment(channels, "tool"))
    shown = fault(first.rebuild(app=environment(channels, "pythn", "tool", "neddy")))
    assert "environment.yml:3: no channel has a package pythn; did you mean python?" in shown
    assert "environment.yml:5: no channel has a package neddy; did you mean needy?" in shown
    shown = fault(first.rebuild(app=environment(channels, "python", "needy", "hello <2")))
    assert "where: environment.yml:4, environment.yml:5\n" in shown
    assert "└─ hello" in shown  # the solver's own tree
    assert "hello >=2" in shown
    assert "to do: write `hello`, without a version, in environment.yml:5\n" in shown
    shown = fault(first.rebuild(app=environment(channels, "tool >=5")))
    assert "tool is there as 1.0" in shown
    assert "to do: write `tool=1.0` in environment.yml:3\n" in shown
    # Nothing is lost by a build that failed.
    assert first.rebuild().layer("environment").state == "reuse"


def test_channels_that_cannot_be_asked(
    buildpack_run: BuildpackRun, channels: Path, tmp_path: Path
) -> None:
    def said(place: str) -> str:
        return fault(buildpack_run(Conda, app=environment(channels, "tool", of=place)))

    assert "Error: http://127.0.0.1:1/x cannot be reached" in said("http://127.0.0.1:1/x")
    assert "Error: file:///nowhere: it is not there" in said("file:///nowhere")
    with Server(channels, "me:secret-words") as server:
        assert "wants a login" in said(f"{server.url}/conda-forge")
        shown = said(f"http://me:wrong-words@{server.host}/conda-forge")
        assert "refuses the login" in shown
        assert "wrong-words" not in shown
    copy = tmp_path / "copy"
    shutil.copytree(channels / "conda-forge", copy)
    package = copy / SUBDIR / "tool-1.0-0.conda"
    package.write_bytes(package.read_bytes()[:-100] + b"x" * 100)
    with Server(tmp_path) as server:
        shown = said(f"{server.url}/copy")
        assert "is not the file it should be" in shown
        assert "where: tool-1.0-0.conda\n" in shown
        package.unlink()
        assert "a package is gone from it" in said(f"{server.url}/copy")
        assert "conda-frge: it is not there" in said(f"{server.url}/conda-frge")
    # Damaged, and nobody noted its checksum.
    pure = copy / "noarch" / "hello-1.0-pyhd8ed1ab_0.tar.bz2"
    package = copy / SUBDIR / "vision-1.0-cpu_0.conda"
    real = package.read_bytes()
    for path, data in (
        (package, b""),
        (package, b"PK\3\4 cut off"),
        (package, real[: len(real) // 2]),
        (package, real.replace(b"\x28\xb5\x2f\xfd", b"nope")),
        (pure, pure.read_bytes()[:-100]),
        (pure, b"BZh9no"),
    ):
        path.write_bytes(data)
        listed = {"explicit.txt": f"@EXPLICIT\n{path.as_uri()}\n"}
        shown = fault(buildpack_run(Conda, app=listed))
        assert f"a package is damaged or cut short\n  where: {path.name}\n" in shown


# -- channels ----------------------------------------------------------------------------------


def test_the_first_channel_that_has_a_package_is_the_one(
    buildpack_run: BuildpackRun, channels: Path
) -> None:
    both = [(channels / name).as_uri() for name in ("conda-forge", "other")]
    text = f"channels: {json.dumps(both)}\ndependencies: [tool, rare]\n"
    result = buildpack_run(Conda, app={"environment.yml": text})
    assert packages(result) == {"tool": "1.0", "rare": "1.0"}
    swapped = f"channels: {json.dumps(both[::-1])}\ndependencies: [tool]\n"
    assert packages(buildpack_run(Conda, app={"environment.yml": swapped})) == {"tool": "9.0"}
    named = f"channels: [{both[0]}]\ndependencies: ['{both[1]}::tool']\n"
    assert packages(buildpack_run(Conda, app={"environment.yml": named})) == {"tool": "9.0"}


def test_a_mirror_changes_where_packages_come_from_and_nothing_else(
    buildpack_run: BuildpackRun, channels: Path
) -> None:
    app = {"environment.yml": "channels: [conda-forge]\ndependencies: ['conda-forge::tool']\n"}
    with Server(channels, "me:secret-words") as server:
        mirror = f"http://me:secret-words@{server.host}"
        first = buildpack_run(Conda, app=app, env={"BP_CONDA_MIRROR": mirror})
        assert packages(first) == {"tool": "1.0"}
        one = {"BP_CONDA_MIRROR": f"conda-forge:{mirror}/conda-forge"}
        assert first.rebuild(env=one).layer("environment").state == "reuse"
        anew = first.rebuild(env=one, image=False, cache=False)
    assert files(anew.layers_dir / "environment") == files(first.layer("environment").path)
    for path in anew.layers_dir.rglob("*"):
        if path.is_file() and ".scratch" not in path.parts:
            assert b"127.0.0.1" not in path.read_bytes(), path
    assert "secret-words" not in first.log + anew.log
    shown = fault(buildpack_run(Conda, app=app, env={"BP_CONDA_MIRROR": "mirror"}))
    assert "'mirror' is no address of a mirror" in shown


def test_a_condarc_says_where_channels_are_and_who_asks(
    buildpack_run: BuildpackRun, channels: Path, tmp_path: Path
) -> None:
    private = tmp_path / "served" / "t" / "tk-0123456789" / "lab"
    shutil.copytree(channels / "other", private)
    with Server(tmp_path / "served") as hidden, Server(channels, "me:secret-words") as server:
        condarc = (
            f"channels: [conda-forge]\nchannel_alias: http://me:secret-words@{server.host}\n"
            f"custom_channels:\n  lab: {hidden.url}/t/tk-0123456789\n"
            f"default_channels: [{hidden.url}/t/tk-0123456789/lab]\nchangeps1: false\n"
        )
        bindings = {"company": {"type": "conda", ".condarc": condarc}}
        text = "dependencies: [tool, 'lab::rare']\n"
        result = buildpack_run(Conda, app={"environment.yml": text}, bindings=bindings)
        assert packages(result) == {"tool": "1.0", "rare": "1.0"}
        meta = result.layer("environment").path / "conda/conda-meta/rare-1.0-0.json"
        assert json.loads(meta.read_text())["channel"] == f"{hidden.url}/lab/"
        defaults = {"environment.yml": "channels: [defaults]\ndependencies: [rare]\n"}
        assert packages(buildpack_run(Conda, app=defaults, bindings=bindings)) == {"rare": "1.0"}
    for path in result.layers_dir.rglob("*"):
        if path.is_file() and ".scratch" not in path.parts:
            assert b"secret-words" not in path.read_bytes(), path
            assert b"tk-0123456789" not in path.read_bytes(), path
    assert "secret-words" not in result.log
    assert "tk-0123456789" not in result.log
    assert "Of .condarc not used: changeps1" in result.log
    broken = {"company": {"type": "conda", ".condarc": "channels: {a: b}\n"}}
    shown = fault(buildpack_run(Conda, app={"environment.yml": text}, bindings=broken))
    assert ".condarc of the binding company: channels is a mapping, not a list" in shown


def test_a_faulty_netrc(buildpack_run: BuildpackRun, channels: Path) -> None:
    bindings = {"logins": {"type": "netrc", ".netrc": "machine x\npasswort secret-words"}}
    result = buildpack_run(Conda, app=environment(channels, "tool"), bindings=bindings)
    assert "the netrc of the binding logins has a fault near line 2" in fault(result)
    assert "secret-words" not in result.log


@pytest.mark.parametrize("kind", ["entries", "netrc", "variables"])
def test_logins_come_in_several_ways(
    buildpack_run: BuildpackRun, channels: Path, kind: str
) -> None:
    with Server(channels, "me:secret-words") as server:
        place = f"{server.url}/conda-forge"
        entries = {"url": place, "username": "me", "password": "secret-words"}
        netrc = "machine 127.0.0.1\nlogin me\npassword secret-words"
        bindings: dict[str, Mapping[str, str]] = {
            "entries": {"type": "conda", **entries},
            "netrc": {"type": "netrc", ".netrc": netrc},
            "variables": {"type": "none"},
        }
        if kind == "variables":
            place = f"http://${{WHO}}:${{WORD}}@{server.host}/conda-forge"
        app = environment(channels, "tool", of=place)
        env = {"WHO": "me", "WORD": "secret-words"}
        result = buildpack_run(Conda, app=app, bindings={"one": bindings[kind]}, env=env)
    assert packages(result) == {"tool": "1.0"}
    assert "secret-words" not in result.log


def test_certificates_are_verified_with_what_the_build_trusts(
    buildpack_run: BuildpackRun, channels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    authority = Authority()
    certificate, key = authority.issue()
    (tmp_path / "chain.pem").write_text(certificate + key)
    (tmp_path / "ca.pem").write_text(authority.certificate)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "chain.pem")
    with Server(channels, "me:secret-words", context) as server:
        place = f"https://me:secret-words@{server.host}/conda-forge"
        app = environment(channels, "tool", of=place)
        assert "cannot be reached" in fault(buildpack_run(Conda, app=app))
        trusted = buildpack_run(Conda, app=app, env={"SSL_CERT_FILE": str(tmp_path / "ca.pem")})
        assert packages(trusted) == {"tool": "1.0"}
        monkeypatch.delenv("SSL_CERT_FILE", raising=False)
        bindings = {"company": {"type": "conda", ".condarc": "ssl_verify: false\n"}}
        unverified = buildpack_run(Conda, app=app, bindings=bindings)
        assert packages(unverified) == {"tool": "1.0"}
        assert "Warning: certificates of channels are not verified" in unverified.log


def test_packages_in_the_app_are_a_channel_of_their_own(
    buildpack_run: BuildpackRun, channels: Path
) -> None:
    package = (channels / "conda-forge" / SUBDIR / "tool-1.0-0.conda").read_bytes()
    app: dict[str, str | bytes] = {
        "environment.yml": "channels: [conda-forge]\ndependencies: [tool]\n",
        f"vendor/{SUBDIR}/tool-1.0-0.conda": package,
    }
    result = buildpack_run(Conda, app=app)
    assert packages(result) == {"tool": "1.0"}
    assert not list(result.app.rglob("repodata*"))
    assert result.rebuild().layer("environment").state == "reuse"


def test_defaults_are_left_out_with_a_word(buildpack_run: BuildpackRun, channels: Path) -> None:
    place = (channels / "conda-forge").as_uri()
    text = f"channels: ['{place}', defaults, nodefaults]\ndependencies: [tool]\n"
    result = buildpack_run(Conda, app={"environment.yml": text})
    assert packages(result) == {"tool": "1.0"}
    assert "Warning: the channel defaults is left out" in result.log


# -- locks -------------------------------------------------------------------------------------


def address(channels: Path, name: str, subdir: str = SUBDIR) -> str:
    (path,) = (channels / "conda-forge" / subdir).glob(f"{name}*")
    return path.as_uri()


def checksum(url: str, kind: str = "sha256") -> str:
    return hashlib.new(kind, Path(url.removeprefix("file://")).read_bytes()).hexdigest()


def test_an_explicit_list_is_installed_as_it_is(
    buildpack_run: BuildpackRun, channels: Path
) -> None:
    tool, python = address(channels, "tool"), address(channels, "python")
    hello = address(channels, "hello-2", "noarch")
    text = (
        f"# platform: {SUBDIR}\n@EXPLICIT\n{python}#{checksum(python, 'md5')}\n"
        f"{tool}#sha256:{checksum(tool)}\n{hello}\n"
    )
    result = buildpack_run(Conda, app={"explicit.txt": text})
    assert packages(result) == {"python": "3.11.2", "tool": "1.0", "hello": "2.0"}
    assert "Warning: explicit.txt: no checksum for hello" in result.log
    assert heard(result.build_env()).inputs == []
    named = {f"conda-{SUBDIR}.lock": text, f"conda-{OTHER}.lock": text}
    assert buildpack_run(Conda, app=named, phases=["detect"]).reason == f"found conda-{SUBDIR}.lock"

    wrong = text.replace(checksum(tool), "0" * 64)
    assert "is not the file it should be" in fault(
        buildpack_run(Conda, app={"explicit.txt": wrong})
    )
    foreign = text.replace(f"/{SUBDIR}/", "/osx-arm64/") + "x\n"
    shown = fault(buildpack_run(Conda, app={"explicit.txt": foreign}))
    assert f"explicit.txt:3: packages for osx-arm64, and this image is {SUBDIR}" in shown
    assert "explicit.txt:6: 'x' is no address of a conda package" in shown


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("http://[bad/linux-64/tool-1.0-0.conda", "is no address of a conda package"),
        ("http://h/linux-64/t\0ool-1.0-0.conda", "is no address of a conda package"),
        ("http://h/linux-64/tool.conda", "is not name-version-build"),
        ("http://h/linux-64/tool-1.conda", "is not name-version-build"),
        ("http://h/linux-64/tool-!!-0.conda", "is not name-version-build"),
        ("http://h/linux-64/tool-1.0-0.conda#" + "g" * 32, "is neither an MD5 nor a SHA-256 sum"),
    ],
)
def test_a_line_of_an_explicit_list_that_is_none_is_named(
    buildpack_run: BuildpackRun, line: str, said: str
) -> None:
    text = f"@EXPLICIT\n{line.replace('linux-64', SUBDIR)}\n"
    shown = fault(buildpack_run(Conda, app={"explicit.txt": text}))
    assert said in shown
    assert "explicit.txt:2" in shown


CONDA_LOCK = """
version: 1
metadata:
  content_hash: {{{subdir}: abc}}
  channels: [{{url: conda-forge, used_env_vars: []}}]
  platforms: [{subdir}]
  sources: [environment.yml]
package:
"""
ENTRY = """
- name: {name}
  version: '{version}'
  manager: {manager}
  platform: {subdir}
  dependencies: {{}}
  url: {url}
  hash: {{md5: {md5}, sha256: {sha256}}}
  category: {category}
  optional: {optional}
"""


def conda_lock(channels: Path, subdir: str = SUBDIR) -> str:
    text = CONDA_LOCK.format(subdir=subdir)
    for name, version, of, category in (
        ("python", "3.11.2", address(channels, "python"), "main"),
        ("tool", "1.0", address(channels, "tool"), "main"),
        ("hello", "2.0", address(channels, "hello-2", "noarch"), "dev"),
    ):
        text += ENTRY.format(
            name=name,
            version=version,
            manager="conda",
            subdir=subdir,
            url=of,
            md5=checksum(of, "md5"),
            sha256=checksum(of),
            category=category,
            optional=str(category != "main").lower(),
        )
    return text + ENTRY.format(
        name="six",
        version="1.17.0",
        manager="pip",
        subdir=subdir,
        url="https://files.example.com/six-1.17.0-py2.py3-none-any.whl",
        md5="0" * 32,
        sha256="ab" * 32,
        category="main",
        optional="false",
    )


def test_a_conda_lock_without_what_is_for_development(
    buildpack_run: BuildpackRun, channels: Path
) -> None:
    app = {"conda-lock.yml": conda_lock(channels), "environment.yml": "dependencies: [never]\n"}
    result = buildpack_run(Conda, app=app)
    assert packages(result).keys() == {"python", "tool"}
    assert "Packages of dev are left out" in result.log
    # pip's part, for whatever index the pip buildpack is told to use.
    told = heard(result.build_env())
    assert told.inputs == ["conda-lock.yml"]
    lock = tomllib.loads(Path(told.lock).read_text())
    wheel = {"name": "six-1.17.0-py2.py3-none-any.whl", "hashes": {"sha256": "ab" * 32}}
    assert lock["packages"] == [{"name": "six", "version": "1.17.0", "wheels": [wheel]}]
    assert packages(result.rebuild(exec_env="test")).keys() == {"python", "tool", "hello"}
    more = result.rebuild(env={"BP_PYTHON_GROUPS": "dev"})
    assert packages(more).keys() == {"python", "tool", "hello"}
    by_process = {"BP_PYTHON_GROUPS": None, "BP_PROCESS_GROUPS": "web=dev"}
    more = result.rebuild(env=by_process)
    assert packages(more).keys() == {"python", "tool", "hello"}
    assert heard(more.build_env()).groups == ["dev"]
    by_process["BP_PROCESS_GROUPS"] = None
    assert packages(result.rebuild(env=by_process)).keys() == {"python", "tool"}
    assert "has no category docs" in fault(result.rebuild(env={"BP_PYTHON_GROUPS": "docs"}))
    shown = fault(result.rebuild(app={"conda-lock.yml": conda_lock(channels, OTHER)}))
    assert f"conda-lock.yml has no packages for {SUBDIR}" in shown
    for text in ("version: 1\n", "[", "version: 99\npackages: []\n", "\n"):
        assert "conda-lock.yml" in fault(result.rebuild(app={"conda-lock.yml": text}))


async def record(url: str) -> RepoDataRecord:
    made = await RepoDataRecord.from_package_archive(url.removeprefix("file://"))
    made.url, made.channel = url, url.rsplit("/", 2)[0]
    return made


def test_an_environment_of_a_pixi_lock(
    buildpack_run: BuildpackRun, channels: Path, tmp_path: Path
) -> None:
    import asyncio

    platform = LockPlatform(SUBDIR)
    lock = LockFile([platform])
    for name, names in (("default", ["tool"]), ("gpu", ["tool", "vision"])):
        lock.set_channels(name, [LockChannel((channels / "conda-forge").as_uri())])
        for each in names:
            url = address(channels, "vision-1.0-cpu" if each == "vision" else each)
            lock.add_conda_package(name, platform, asyncio.run(record(url)))
    lock.to_path(tmp_path / "pixi.lock")
    app = {"pixi.lock": (tmp_path / "pixi.lock").read_text()}
    result = buildpack_run(Conda, app=app)
    assert packages(result) == {"tool": "1.0"}
    gpu = result.rebuild(env={"BP_CONDA_ENVIRONMENT": "gpu"})
    assert packages(gpu) == {"tool": "1.0", "vision": "1.0"}
    shown = fault(result.rebuild(env={"BP_CONDA_ENVIRONMENT": "docs"}))
    assert "pixi.lock has no environment docs" in shown
    assert "to do: set it to one of: default, gpu" in shown


PIXI_LOCK = """
version: 6
environments:
  default:
    channels: [{{url: {channel}}}]
    indexes: [https://index.example.com/simple]
    packages:
      {subdir}:
      - conda: {python}
      - pypi: ./
      - pypi: git+https://example.com/why.git?rev=main#{commit}
      - pypi: https://files.example.com/six-1.17.0-py2.py3-none-any.whl
packages:
- conda: {python}
  subdir: {subdir}
  sha256: {sha256}
- pypi: ./
  name: Demo_App
  version: 0.1.0
- pypi: git+https://example.com/why.git?rev=main#{commit}
  name: why
  version: 1.0.0
- pypi: https://files.example.com/six-1.17.0-py2.py3-none-any.whl
  name: six
  version: 1.17.0
  sha256: {wheel}
"""


def test_packages_of_pip_in_a_pixi_lock(buildpack_run: BuildpackRun, channels: Path) -> None:
    python = address(channels, "python")
    text = PIXI_LOCK.format(
        channel=(channels / "conda-forge").as_uri(),
        subdir=SUBDIR,
        python=python,
        sha256=checksum(python),
        commit="c" * 40,
        wheel="ab" * 32,
    )
    result = buildpack_run(Conda, app={"pixi.lock": text})
    assert packages(result) == {"python": "3.11.2"}
    lock = tomllib.loads(Path(heard(result.build_env()).lock).read_text())
    git = {"type": "git", "url": "https://example.com/why.git", "commit-id": "c" * 40}
    wheel = {"name": "six-1.17.0-py2.py3-none-any.whl", "hashes": {"sha256": "ab" * 32}}
    assert lock["packages"] == [
        {"name": "demo-app", "directory": {"path": str(result.app), "editable": True}},
        {"name": "six", "version": "1.17.0", "wheels": [wheel]},
        {"name": "why", "version": "1.0.0", "vcs": git},
    ]


def test_files_that_contradict_each_other(buildpack_run: BuildpackRun, channels: Path) -> None:
    app = {"conda-lock.yml": "x", "pixi.lock": "y", **environment(channels, "tool")}
    shown = fault(buildpack_run(Conda, app=app))
    assert "more than one file with the environment: conda-lock.yml and pixi.lock" in shown
    chosen = buildpack_run(Conda, app=app, env={"BP_CONDA_INPUT": "environment.yml"})
    assert packages(chosen) == {"tool": "1.0"}
    assert "there is no file x.yml" in fault(
        buildpack_run(Conda, app=app, env={"BP_CONDA_INPUT": "x.yml"})
    )
    two = dict.fromkeys(("environment.yml", "environment.yaml"), "dependencies: []\n")
    assert "more than one file" in fault(buildpack_run(Conda, app=two))


# -- Python and pip ----------------------------------------------------------------------------


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
        f"pkg:conda/python@3.11.2?build=0_cpython&channel=conda-forge&subdir={SUBDIR}&type=conda"
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
        ({"explicit.txt": "my notes"}, {}, "is no list for this"),
        ({f"conda-{OTHER}.lock": "@EXPLICIT"}, {}, "is no list for this"),
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
