"""Service bindings, and their secrets kept out of what is shown."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnbkit import BuildContext, CommandFailed, UserFault
from cnbkit.bindings.bindings import Bindings
from cnbkit.log import Log
from cnbkit.settings import Settings


def _bind(folder: Path, **entries: str | bytes) -> Path:
    folder.mkdir(parents=True)
    for key, value in entries.items():
        data = value.encode() if isinstance(value, str) else value
        (folder / key.replace("__", ".")).write_bytes(data)
    return folder


def _context(root: Path, **env: str) -> BuildContext:
    for name in ("app", "layers", "platform"):
        (root / name).mkdir(exist_ok=True)
    return BuildContext(
        app=str(root / "app"),
        env={"PATH": "/usr/bin:/bin", **env},
        buildpack="",
        platform=str(root / "platform"),
        layers=str(root / "layers"),
        plan="",
        log=Log(),
    )


def test_a_binding_is_found_by_type_and_provider_in_any_case(tmp_path: Path) -> None:
    root = tmp_path / "platform" / "bindings"
    _bind(root / "b", type="PyPI\n", provider="Acme", url="https://x\r\n")
    _bind(root / "a", type="pypi")
    _bind(root / "c", type="conda")
    bindings = _context(tmp_path).bindings
    assert [each.name for each in bindings.all("pypi")] == ["a", "b"]
    assert [each.name for each in bindings.all()] == ["a", "b", "c"]
    found = bindings.first("PYPI", "acme")
    assert found is not None
    assert (found.name, found.provider, found.keys()) == ("b", "Acme", ["url"])
    assert found.text("url") == "https://x"
    assert bindings.first("pypi", "other") is None


@pytest.mark.parametrize("as_file", [False, True], ids=["variable", "file of the platform"])
def test_the_service_binding_root_comes_before_the_platforms(tmp_path: Path, as_file: bool) -> None:
    _bind(tmp_path / "root" / "same", type="pypi", url="first")
    _bind(tmp_path / "platform" / "bindings" / "same", type="pypi", url="second")
    _bind(tmp_path / "platform" / "bindings" / "more", type="pypi", url="third")
    env = {"SERVICE_BINDING_ROOT": str(tmp_path / "root")}
    if as_file:
        _bind(tmp_path / "platform" / "env", **env)
        env = {}
    found = _context(tmp_path, **env).bindings.all("pypi")
    assert [each.text("url") for each in found] == ["third", "first"]


def test_kubernetes_links_are_followed_and_its_own_entries_are_not(tmp_path: Path) -> None:
    folder = tmp_path / "platform" / "bindings" / "k8s"
    _bind(folder / "..2026_01_01", type="netrc", __netrc="login x password s3cr3t")
    (folder / "..data").symlink_to("..2026_01_01")
    for key in ("type", ".netrc"):
        (folder / key).symlink_to(f"..data/{key}")
    (tmp_path / "platform" / "bindings" / "..data").symlink_to("k8s")
    ctx = _context(tmp_path)
    [binding] = ctx.bindings.all()
    assert (binding.type, binding.keys()) == ("netrc", [".netrc"])
    assert binding.file(".netrc").endswith("/k8s/.netrc")
    assert ctx.log.secrets.redacted("a s3cr3t b") == "a [redacted] b"


def test_the_platforms_variables_are_found_behind_kubernetes_links(tmp_path: Path) -> None:
    env = tmp_path / "platform" / "env"
    _bind(env / "..2026", BP_A="1\n", BP_B="x")
    (env / "..data").symlink_to("..2026")
    (env / "BP_A").symlink_to("..data/BP_A")
    settings = Settings({"BP_C": "", "OTHER": ""}, str(tmp_path / "platform"))
    assert settings.get("BP_A") == "1"
    assert settings.names("BP_") == ["BP_A", "BP_C"]


def test_the_older_form_is_read_too(tmp_path: Path) -> None:
    folder = tmp_path / "platform" / "bindings" / "old"
    _bind(folder / "metadata", kind="pypi", provider="acme")
    _bind(folder / "secret", token="verysecret")
    ctx = _context(tmp_path)
    [binding] = ctx.bindings.all("pypi", "acme")
    assert (binding.keys(), binding.text("token")) == (["token"], "verysecret")
    assert ctx.log.secrets.redacted("verysecret") == "[redacted]"


def test_what_is_not_text_comes_as_bytes(tmp_path: Path) -> None:
    _bind(tmp_path / "platform" / "bindings" / "x", type="keys", key=b"\xff\n")
    binding = _context(tmp_path).bindings.first("keys")
    assert binding is not None
    assert binding.bytes("key") == b"\xff\n"
    with pytest.raises(UserFault, match="is not UTF-8"):
        binding.text("key")


def test_a_missing_entry_names_those_there_are(tmp_path: Path) -> None:
    _bind(tmp_path / "platform" / "bindings" / "x", type="pypi", a="1", b="2")
    binding = _context(tmp_path).bindings.first("pypi")
    assert binding is not None
    assert binding.text("url", "none") == "none"
    assert not binding.has("url")
    with pytest.raises(UserFault, match="the binding x has no url") as caught:
        binding.text("url")
    assert caught.value.remedy == "add url to it; it has a, b"
    assert "1" not in repr(binding)


def test_a_platform_without_bindings_has_none(tmp_path: Path) -> None:
    assert _context(tmp_path).bindings.all() == []
    assert Bindings(Settings({}, ""), "").all() == []


@pytest.mark.parametrize(
    ("value", "secret"),
    [
        ("https://user:p%40ss@host/simple", "p%40ss"),
        ("https://user:p%40ss@host/simple", "p@ss"),
        ("https://t0ken@host", "t0ken"),
        ("machine h\nlogin me\npassword hunter22\n", "hunter22"),
        ("[global]\nindex-url = https://u:geheim@h/\n", "geheim"),
        ("_authToken=abcdef\n", "abcdef"),
        ('api_key: "qwerty"', "qwerty"),
        ("plain-secret\n", "plain-secret"),
        ("one line\nother line", "other line"),
    ],
)
def test_secrets_within_an_entry_are_hidden(tmp_path: Path, value: str, secret: str) -> None:
    _bind(tmp_path / "platform" / "bindings" / "x", type="pypi", config=value)
    ctx = _context(tmp_path)
    _ = ctx.bindings
    assert ctx.log.secrets.redacted(f"<{secret}>") == "<[redacted]>"


def test_what_everyone_may_know_stays_readable(tmp_path: Path) -> None:
    folder = tmp_path / "platform" / "bindings"
    _bind(folder / "x", type="postgresql", host="db.example", username="admin", password="s3cret")
    _bind(folder / "ca", type="ca-certificates", cert="public text")
    _bind(folder / "url", type="pypi", url="https://index.example/simple")
    ctx = _context(tmp_path)
    _ = ctx.bindings
    for public in ("db.example", "admin", "public text", "https://index.example/simple"):
        assert ctx.log.secrets.redacted(public) == public


def test_no_secret_shows_in_what_programs_print_nor_in_faults(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _bind(tmp_path / "platform" / "bindings" / "x", type="pypi", password="hunter22")
    ctx = _context(tmp_path)
    assert ctx.run("echo", "pw=hunter22").stdout == "pw=hunter22\n"
    with pytest.raises(CommandFailed) as caught:
        ctx.run("sh", "-c", "echo hunter22; exit 3")
    ctx.log.warning("hunter22")
    shown = "".join(capsys.readouterr()) + str(caught.value)
    assert "hunter22" not in shown
    assert shown.count("[redacted]") == 5


@given(
    type_=st.binary(max_size=8),
    value=st.binary(max_size=40)
    | st.text("ab:/@%=\n password://", max_size=40).map(lambda text: text.encode()),
)
def test_any_bytes_make_a_binding(type_: bytes, value: bytes) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        _bind(Path(scratch) / "platform" / "bindings" / "x", type=type_, value=value)
        [binding] = _context(Path(scratch)).bindings.all()
        assert binding.bytes("value") == value


def test_no_byte_of_a_secret_that_is_no_text_shows(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _bind(tmp_path / "platform" / "bindings" / "x", type="pypi", password=b"gehe\xffim")
    ctx = _context(tmp_path)
    ctx.run("cat", str(tmp_path / "platform" / "bindings" / "x" / "password"))
    assert capsys.readouterr().out == "    [redacted]\n"
