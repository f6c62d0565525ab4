"""Reading the app's files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from cnbkit import App, UserFault
from cnbkit.spec import toml

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def app(tmp_path: Path) -> App:
    return App(str(tmp_path))


def test_only_files_and_links_to_files_are_there(app: App) -> None:
    (app.path / "file").touch()
    (app.path / "link").symlink_to("file")
    (app.path / "dangling").symlink_to("absent")
    (app.path / "folder").mkdir()
    assert [name for name in ("file", "link", "dangling", "folder", "absent") if app.has(name)] == [
        "file",
        "link",
    ]


def test_a_byte_order_mark_is_no_part_of_the_text(app: App) -> None:
    (app.path / "f.toml").write_bytes(b'\xef\xbb\xbfa = "\xc3\xa9"\r\n')
    assert app.text("f.toml") == 'a = "é"\r\n'
    assert app.toml("f.toml") == {"a": "é"}
    assert app.bytes("f.toml").startswith(b"\xef\xbb\xbf")


def test_toml_is_parsed_again_only_if_its_text_has_changed(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed = []
    decode = toml.decode

    def counted(text: str, **names: str) -> dict[str, Any]:
        parsed.append(text)
        return decode(text, **names)

    monkeypatch.setattr(toml, "decode", counted)
    (app.path / "f.toml").write_text("a = [{b = 1}]\n")
    first = app.toml("f.toml")
    first["a"][0]["b"] = "changed by who asked"
    first["c"] = 1
    assert app.toml("f.toml") == {"a": [{"b": 1}]}
    assert parsed == ["a = [{b = 1}]\n"]
    (app.path / "f.toml").write_text("a = [{b = 2}]\n")
    assert app.toml("f.toml") == {"a": [{"b": 2}]}
    assert len(parsed) == 2


@pytest.mark.parametrize("order", ["utf-16-le", "utf-16-be"])
def test_what_powershell_writes_is_read_where_no_format_says_utf8(app: App, order: str) -> None:
    data = "\ufeffa é\r\n".encode(order)
    for name in ("Procfile", "requirements.txt"):
        (app.path / name).write_bytes(data)
        assert app.text(name) == "a é\r\n"
    (app.path / "f.toml").write_bytes(data)
    with pytest.raises(UserFault, match=r"f\.toml is not UTF-8"):
        app.text("f.toml")
    (app.path / "Procfile").write_bytes(data[:-1])
    with pytest.raises(UserFault, match="Procfile is not UTF-8"):
        app.text("Procfile")


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_a_byte_that_is_not_utf8_is_named_with_its_line(app: App, mark: bytes) -> None:
    (app.path / "f").write_bytes(mark + b"a\n\nb\xe9\n")
    with pytest.raises(UserFault) as caught:
        app.text("f")
    assert (caught.value.where, caught.value.what) == ("f:3", "f is not UTF-8 (byte 0xe9)")


@pytest.mark.parametrize("name", ["absent", "folder", "file/below"])
def test_what_cannot_be_read_is_the_users_fault(app: App, name: str) -> None:
    (app.path / "folder").mkdir()
    (app.path / "file").touch()
    with pytest.raises(UserFault, match=f"cannot read {name}: ") as caught:
        app.bytes(name)
    assert caught.value.where == name


@pytest.mark.parametrize("content", [b"a = ", b"a = 1\na = 2", b"\xff", b"a = " + b"9" * 5000])
def test_a_file_that_is_not_toml_is_the_users_fault(app: App, content: bytes) -> None:
    (app.path / "f.toml").write_bytes(content)
    with pytest.raises(UserFault) as caught:
        app.toml("f.toml")
    assert (caught.value.exit_code, str(caught.value.where).partition(":")[0]) == (65, "f.toml")
