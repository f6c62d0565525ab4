"""Where packages come from, as settings and bindings say; real indexes are in tests/e2e."""

from __future__ import annotations

import base64
import stat
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnbkit import BuildContext, UserFault
from cnbkit.log import Log
from cnbkit_indexes.pip_conf import read_pip_conf, write_pip_conf
from cnbkit_indexes.refused import REFUSED
from cnbkit_indexes.sources import Sources
from cnbkit_logins.address import Login, same_place, split_login, with_login
from cnbkit_pip.engines.file_options import FileOptions
from cnbkit_pip.engines.pip_variables import pip_variables
from cnbkit_pip.engines.uv_variables import only_index, uv_arguments, uv_variables

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).parents[2]
PASSWORD = "p@ss/w0rd"


class Given:
    """Settings, bindings and an app."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.bindings = 0
        for name in ("app", "layers", "platform/bindings"):
            (root / name).mkdir(parents=True)

    def bind(self, name: str, type: str, entries: Mapping[str, str]) -> None:
        folder = self.root / "platform/bindings" / name
        folder.mkdir()
        for entry, text in {"type": type, **entries}.items():
            (folder / entry).write_text(text)

    def write(self, name: str, text: str) -> None:
        path = self.root / "app" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def context(self, **env: str) -> BuildContext:
        return BuildContext(
            app=str(self.root / "app"),
            env=env,
            buildpack="",
            platform=str(self.root / "platform"),
            layers=str(self.root / "layers"),
            plan="",
            log=Log(),
        )

    def sources(self, **env: str) -> Sources:
        return Sources.read(self.context(**env))


@pytest.fixture
def given_(tmp_path: Path) -> Given:
    return Given(tmp_path)


@pytest.mark.parametrize(
    "name",
    [
        "PIP_CONSTRAINT",
        "UV_CONSTRAINT",
        "UV_OVERRIDE",
        "UV_BUILD_CONSTRAINT",
        "PIP_BUILD_CONSTRAINT",
    ],
)
def test_a_file_that_a_variable_names_counts_with_all_it_includes(given_: Given, name: str) -> None:
    given_.write("pins/all.txt", "-c one.txt\n")
    given_.write("pins/one.txt", "-c all.txt\nsix==1.16.0\n")
    first = given_.sources(**{name: "pins/all.txt"}).digest()
    given_.write("pins/one.txt", "-c all.txt\nsix==1.17.0\n")
    second = given_.sources(**{name: "pins/all.txt"}).digest()
    given_.write("pins/all.txt", "idna==3.7\n")
    third = given_.sources(**{name: "pins/all.txt"}).digest()
    assert len({"", first, second, third}) == 4


def test_variables_of_pip_count_but_for_those_of_its_output_and_cache(given_: Given) -> None:
    assert given_.sources(PIP_PREFER_BINARY="1").digest()
    assert given_.sources(PIP_QUIET="1", PIP_NO_INPUT="1", PIP_CACHE_DIR="/x").digest() == ""


@pytest.mark.parametrize("name", ["PIP_REQUIREMENT", "PIP_EDITABLE"])
def test_what_pip_would_add_to_each_call_is_refused(given_: Given, name: str) -> None:
    with pytest.raises(UserFault, match="into every layer") as caught:
        given_.sources(**{name: "requirements.txt"})
    assert caught.value.where == name


def test_nothing_said_is_nothing_done(given_: Given) -> None:
    sources = given_.sources(PATH="/bin")
    assert not sources
    assert sources.digest() == ""
    assert uv_variables(sources) == pip_variables(sources) == {}
    assert sources.describe() == sources.warnings() == []
    assert sources.credentials_for("https://host/simple") is None


def test_what_is_unchanged_imports_nothing_heavy(given_: Given) -> None:
    code = (
        "import sys\n"
        "from cnbkit import BuildContext\n"
        "from cnbkit.log import Log\n"
        "from cnbkit_indexes.sources import Sources\n"
        f"ctx = BuildContext(app='', env={{}}, buildpack='', platform={str(given_.root)!r}, "
        "layers='', plan='', log=Log())\n"
        "assert Sources.read(ctx).digest() == ''\n"
        "heavy = {'typing', 're', 'pathlib', 'tomllib', 'json', 'configparser', 'netrc', 'enum'}\n"
        "print(sorted(heavy & {*sys.modules}))\n"
    )
    paths = f"{ROOT}/sdk/src:{ROOT}/buildpacks/common:{ROOT}/buildpacks/pip"
    command = [sys.executable, "-S", "-c", code]
    done = subprocess.run(
        command, env={"PYTHONPATH": paths}, capture_output=True, text=True, check=False
    )
    assert done.stdout == "[]\n", done.stderr


ADDRESS = f"https://{'ann:p%40ss%2Fw0rd'}@corp.example/simple"
PLAIN = "https://corp.example/simple"
PIP_CONF = f"[global]\nindex-url = {ADDRESS}\n"


@pytest.mark.parametrize(
    ("binding", "env"),
    [
        (None, {"BP_PIP_INDEX_URL": ADDRESS}),
        (None, {"UV_DEFAULT_INDEX": f"corp={ADDRESS}"}),
        (None, {"UV_INDEX_URL": ADDRESS}),
        (None, {"PIP_INDEX_URL": ADDRESS}),
        (("pip", {"pip.conf": PIP_CONF}), {}),
        (("PyPI", {"url": ADDRESS, "default": "yes"}), {}),
        (("pypi", {"url": PLAIN, "default": "1", "username": "ann", "password": PASSWORD}), {}),
        (("netrc", {".netrc": f"machine corp.example login ann password {PASSWORD}"}),
         {"BP_PIP_INDEX_URL": PLAIN}),
        (("pypi", {"name": "corp", "username": "ann", "password": PASSWORD}),
         {"UV_DEFAULT_INDEX": f"corp={PLAIN}"}),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else str(value and value[0]),
)  # fmt: skip
def test_each_form_gives_uv_and_pip_the_same_index_and_login(
    given_: Given, binding: tuple[str, dict[str, str]] | None, env: dict[str, str]
) -> None:
    if binding:
        given_.bind("corp", *binding)
    sources = given_.sources(**env)
    variables = uv_variables(sources)
    name, _, url = variables["UV_DEFAULT_INDEX"].partition("=")
    assert url == PLAIN
    prefix = f"UV_INDEX_{name.upper().replace('-', '_')}"
    assert variables[f"{prefix}_USERNAME"] == "ann"
    assert variables[f"{prefix}_PASSWORD"] == PASSWORD
    assert sources.credentials_for(f"{PLAIN}/flask/") == Login("ann", PASSWORD)

    conf = Path(pip_variables(sources)["PIP_CONFIG_FILE"])
    assert f"index-url = {ADDRESS}\n" in conf.read_text()
    assert stat.S_IMODE(conf.stat().st_mode) == 0o600
    assert stat.S_IMODE(conf.parent.stat().st_mode) == 0o700

    shown = "\n".join([*sources.describe(), *sources.warnings(), repr(vars(sources))])
    assert PLAIN in shown
    assert PASSWORD not in shown
    # Whatever prints it, it is hidden by now, however it is written.
    ctx = sources.ctx
    assert PASSWORD not in ctx.log.secrets.redacted(f"{PASSWORD} {ADDRESS}")
    assert "p%40ss" not in ctx.log.secrets.redacted(ADDRESS)


def test_a_pip_conf_hides_its_passwords_and_not_its_addresses(given_: Given) -> None:
    text = f"[global]\nindex-url =\n  {ADDRESS}\nextra-index-url =\n  https://x.example/simple\n"
    given_.bind("conf", "pip", {"pip.conf": text})
    sources = given_.sources()
    shown = sources.ctx.log.secrets.redacted("\n".join([*sources.describe(), ADDRESS]))
    assert "Index https://x.example/simple (binding conf (pip))" in shown
    assert f"Default index {PLAIN} (binding conf (pip))" in shown
    assert shown.endswith("https://ann:[redacted]@corp.example/simple")


def test_another_password_gives_the_same_digest_and_another_index_does_not(given_: Given) -> None:
    def digest(login: str, **env: str) -> str:
        address = f"https://{login}@corp.example/simple"
        return given_.sources(
            BP_PIP_INDEX_URL=address, UV_INDEX_CORP_PASSWORD=login, UV_TOOL_URL=address, **env
        ).digest()

    first = digest("ann:old1")
    assert first == digest("bob:new2") == digest("ann:old1", UV_HTTP_TIMEOUT="9")
    changed = {"UV_INDEX_STRATEGY": "unsafe-best-match", "UV_EXCLUDE_NEWER": "2026-01-01"}
    others = [digest("ann:old1", **{name: value}) for name, value in changed.items()]
    others += [
        digest("ann:old1", BP_PIP_EXTRA_INDEX_URLS="https://a/,https://b/"),
        digest("ann:old1", BP_PIP_EXTRA_INDEX_URLS="https://b/,https://a/"),
        digest("ann:old1", BP_PIP_NO_INDEX="true"),
    ]
    assert len({first, *others}) == 1 + len(others)


def test_wheels_in_the_app_are_part_of_the_digest(given_: Given) -> None:
    given_.write("vendor/a.whl", "one")
    env = {"BP_PIP_FIND_LINKS": "vendor", "BP_PIP_NO_INDEX": "true"}
    before = given_.sources(**env).digest()
    given_.write("vendor/a.whl", "two")
    sources = given_.sources(**env)
    assert sources.digest() != before
    assert uv_variables(sources)["UV_FIND_LINKS"] == "vendor"
    assert uv_arguments(sources, FileOptions({}), "install") == ["--no-index"]
    conf = Path(pip_variables(sources)["PIP_CONFIG_FILE"]).read_text()
    assert "find-links = vendor\n" in conf
    assert "no-index = true\n" in conf


def test_settings_go_before_variables_and_these_before_bindings(given_: Given) -> None:
    given_.bind("one", "pypi", {"url": "https://pypi/", "default": "true"})
    conf = "[global]\nindex-url=https://pip/\nextra-index-url=https://x/ https://b\n[install]\n"
    given_.bind(
        "two", "pip", {"pip.conf": f"{conf}extra-index-url =\n  https://y/\n  https://b/\n"}
    )
    env = {
        "BP_PIP_INDEX_URL": "https://bp/",
        "UV_DEFAULT_INDEX": "https://uv/",
        "PIP_INDEX_URL": "https://PIP/",
        "BP_PIP_EXTRA_INDEX_URLS": "https://b/",
        "UV_INDEX": "named=https://c/ https://d/",
    }
    for first in ("https://bp/", "https://uv/", "https://PIP/", "https://pypi/"):
        sources = given_.sources(**env)
        assert sources.default is not None
        assert sources.default.url == first
        assert [each.url for each in sources.extra][-1] == "https://y/"
        env = {name: url for name, url in env.items() if url != first}
    order = [each.url for each in sources.extra]
    assert order == ["https://b/", "https://c/", "https://d/", "https://y/"]
    assert uv_variables(sources)["UV_INDEX"].split()[1] == "named=https://c/"


def test_two_bindings_that_name_different_defaults_are_a_fault(given_: Given) -> None:
    given_.bind("one", "pypi", {"url": "https://a/", "default": "true"})
    given_.bind("two", "pypi", {"url": "https://b/", "default": "true"})
    with pytest.raises(UserFault, match="different default indexes") as caught:
        given_.sources()
    assert "binding one (pypi)" in caught.value.what
    assert "binding two (pypi)" in caught.value.what
    assert given_.sources(BP_PIP_INDEX_URL="https://c/").default is not None


def test_poetrys_logins_are_found_by_the_name_of_the_apps_source(given_: Given) -> None:
    auth = (
        '[http-basic.corp]\nusername = "ann"\npassword = "s3cr3t"\n[pypi-token]\nother = "tok3n"\n'
    )
    given_.bind("poetry", "poetry", {"auth.toml": auth})
    given_.write(
        "pyproject.toml",
        '[[tool.poetry.source]]\nname = "corp"\nurl = "https://corp/simple/"\n'
        '[[tool.uv.index]]\nname = "other"\nurl = "https://other/simple"\n',
    )
    sources = given_.sources()
    assert sources.credentials_for("https://corp/simple") == Login("ann", "s3cr3t")
    assert sources.credentials_for("https://elsewhere/simple") is None
    variables = uv_variables(sources, ["https://corp/simple"])
    assert variables["UV_INDEX"] == "cnbkit-lock=https://corp/simple"
    assert variables["UV_INDEX_CNBKIT_LOCK_PASSWORD"] == "s3cr3t"
    # The app's own indexes keep their names.
    assert variables["UV_INDEX_OTHER_USERNAME"] == "__token__"
    assert variables["UV_INDEX_OTHER_PASSWORD"] == "tok3n"
    assert sources.ctx.log.secrets.redacted("tok3n s3cr3t") == "[redacted] [redacted]"
    only = only_index(sources, "https://corp/simple")
    assert only["UV_INDEX"] == ""
    assert only["UV_INDEX_CNBKIT_ONLY_PASSWORD"] == "s3cr3t"


def test_the_rest_of_a_pip_conf_reaches_uv(given_: Given) -> None:
    text = (
        "[global]\ntimeout: 7\nretries = 1\ncert = ca.pem\nclient_cert = me.pem\n"
        "trusted-host = a.example b.example\nonly-binary = :all:\nno-binary = spam\npre = true\n"
        "; a comment\nprogress-bar = off\n[freeze]\nx = y\n"
    )
    given_.bind("conf", "pip", {"pip.conf": text, "ca.pem": "", "me.pem": ""})
    folder = given_.root / "platform/bindings/conf"
    sources = given_.sources(PIP_CERT="/bundle.pem", UV_HTTP_RETRIES="5")
    variables = uv_variables(sources)
    assert variables["UV_HTTP_TIMEOUT"] == "7"
    assert "UV_HTTP_RETRIES" not in variables
    assert variables["SSL_CERT_FILE"] == f"{folder}/ca.pem"
    assert variables["SSL_CLIENT_CERT"] == f"{folder}/me.pem"
    assert variables["UV_INSECURE_HOST"] == "a.example b.example"
    asked = uv_arguments(sources, FileOptions({}), "compile")
    assert asked == ["--no-binary", "spam", "--only-binary", ":all:"]
    assert variables["UV_PRERELEASE"] == "allow"
    hosts, left_out = sources.warnings()
    assert hosts == "certificates of a.example, b.example are not verified"
    assert left_out.endswith("left out: progress-bar")


def test_pip_with_several_indexes_is_refused_unless_agreed_to(given_: Given) -> None:
    env = {"BP_PIP_EXTRA_INDEX_URLS": "https://a/,https://b/"}
    with pytest.raises(UserFault, match="a stranger's package") as caught:
        pip_variables(given_.sources(**env))
    assert caught.value.where == "BP_PIP_EXTRA_INDEX_URLS"
    sources = given_.sources(**env, BP_PIP_INDEX_STRATEGY="unsafe-best-match")
    assert pip_variables(sources)
    assert "can have theirs installed" in sources.warnings()[0]


def test_variables_that_would_move_packages_are_all_named(given_: Given) -> None:
    with pytest.raises(UserFault) as caught:
        given_.sources(**dict.fromkeys(REFUSED, "/x"))
    assert all(name in caught.value.what for name in REFUSED)
    assert given_.sources(PIP_TARGET="").digest() == ""


@pytest.mark.parametrize(
    ("type", "entries", "what"),
    [
        ("pip", {}, "the binding b has no pip.conf"),
        ("pip", {"pip.conf": "index-url = https://a:hunter2@b/\n"}, "pip.conf:1: an option stands"),
        ("pip", {"pip.conf": "[global]\nhunter2\n"}, "pip.conf:2: this is not an option"),
        ("pip", {"pip.conf": "[global]\nindex-url = corp\n"}, "'corp' is not an address"),
        ("pip", {"pip.conf": "[global]\nno-index = perhaps\n"}, "'perhaps' is neither yes nor no"),
        ("pip", {"pip.conf": "[global]\ncert = ca.pem\n"}, "the binding b has no ca.pem"),
        ("pypi", {}, "it has neither url nor the name"),
        ("pypi", {"url": "corp.example"}, "'corp.example' is not an address"),
        ("pypi", {"url": "https://a/", "username": "ann"}, "neither password nor token"),
        ("netrc", {"netrc": "machine a login b hunter2\n"}, "has a fault near line"),
        ("netrc", {"other": "x"}, "the binding b has no .netrc"),
        ("poetry", {"auth.toml": "hunter2"}, "is not TOML"),
        ("poetry", {"auth.toml": "[http-basic.x]\npassword = 'hunter2'"}, "has no username"),
        ("poetry", {}, "the binding b has no auth.toml"),
    ],
)
def test_a_faulty_binding_is_named_without_what_is_secret_in_it(
    given_: Given, type: str, entries: dict[str, str], what: str
) -> None:
    given_.bind("b", type, entries)
    given_.write("pyproject.toml", '[[tool.uv.index]]\nname = "x"\nurl = "https://x/"\n')
    with pytest.raises(UserFault) as caught:
        uv_variables(given_.sources())
    fault = caught.value
    assert what in f"{fault.what} {fault.detail}"
    assert "binding b" in str(fault.where)
    assert fault.remedy
    assert "hunter2" not in str(fault)


def test_all_faults_are_told_at_once(given_: Given) -> None:
    with pytest.raises(UserFault) as caught:
        given_.sources(
            BP_PIP_INDEX_URL="nonsense", UV_INDEX_STRATEGY="bad", PIP_CONFIG_FILE="none.conf"
        )
    assert caught.value.where == "BP_PIP_INDEX_URL, UV_INDEX_STRATEGY, PIP_CONFIG_FILE"


NAMES = st.sampled_from(["extra-index-url", "find-links", "trusted-host"])
VALUES = st.lists(st.from_regex(r"[a-z:/@%=.-]{1,12}", fullmatch=True), min_size=1, unique=True)


@given(options=st.dictionaries(NAMES, VALUES))
def test_a_pip_conf_that_is_written_reads_the_same(options: dict[str, list[str]]) -> None:
    # A line that begins so would be a comment or a section, in pip as well.
    found, other, faults = read_pip_conf(write_pip_conf(options))
    assert (found, other, faults) == (options, [], [])


@given(text=st.text(max_size=200))
def test_any_text_is_read_as_a_pip_conf_without_an_exception(text: str) -> None:
    found, _, faults = read_pip_conf(text)
    assert all(found.values())
    assert all(1 <= line <= len(text.splitlines()) for line, _ in faults)


LOGINS = st.builds(Login, st.text(min_size=1, max_size=8), st.text(max_size=8))


@given(login=LOGINS)
def test_any_login_survives_an_address(login: Login) -> None:
    assert split_login(with_login(PLAIN, login)) == (PLAIN, login)


def test_an_address_belongs_to_a_folder_and_not_to_a_longer_name() -> None:
    assert same_place("https://a:b@host/team/simple/x", "https://host/team/")
    assert not same_place("https://host/teams/simple", "https://host/team")
    assert not same_place("https://host.evil/team", "https://host")


def test_git_sends_the_login_of_a_netrc(given_: Given) -> None:
    asked: list[str | None] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.headers["Authorization"])
            self.send_response(404 if asked[-1] else 401)
            self.send_header("WWW-Authenticate", "Basic")
            self.end_headers()

        def log_message(self, *_arguments: object) -> None:
            """Keep the test's output clean."""

    given_.bind("net", "netrc", {".netrc": f"machine 127.0.0.1 login ann password {PASSWORD}"})
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        variables = {"PATH": "/usr/bin:/bin", **uv_variables(given_.sources())}
        command = ["git", "ls-remote", f"http://127.0.0.1:{server.server_port}/team/lib.git"]
        subprocess.run(command, env=variables, capture_output=True, check=False)
        server.shutdown()
    assert base64.b64encode(f"ann:{PASSWORD}".encode()).decode() in str(asked[-1])
