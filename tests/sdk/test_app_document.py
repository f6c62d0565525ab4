"""Files of an app as models, and every fault of theirs with its line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cnbkit import App, BuildpackFault, Model, UserFault, field

if TYPE_CHECKING:
    from pathlib import Path


class Port(Model):
    number: int
    name: str = "http"


class Service(Model):
    command: str
    ports: list[Port] = field(default_factory=list)


@pytest.fixture
def app(tmp_path: Path) -> App:
    return App(str(tmp_path))


TOML = """\
command = "serve"

[[ports]]
number = 80
name = "web"

[[ports]]
number = 81
"""
YAML = """\
# The service.
command: serve
ports:
  - number: 80
    name: web
  - {number: 81}
"""
JSON = """\
{
  "command": "serve",
  "ports": [
    {"number": 80,
     "name": "web"},
    {
      "number": 81
    }
  ]
}
"""
TEXTS = {"toml": TOML, "yaml": YAML, "yml": YAML, "json": JSON}
# What is wrong with it, and the line of each in each notation.
WRONG = [
    (("80", '"x"'), "ports[0].number: ", {"toml": 4, "yaml": 4, "yml": 4, "json": 4}),
    (("name", "title"), "ports[0].title: ", {"toml": 5, "yaml": 5, "yml": 5, "json": 5}),
    (("81", "[]"), "ports[1].number: ", {"toml": 8, "yaml": 6, "yml": 6, "json": 7}),
    (("command", "program"), "command: is required", {"toml": 1, "yaml": 2, "yml": 2, "json": 1}),
]


@pytest.mark.parametrize("suffix", TEXTS)
def test_a_file_is_read_by_its_suffix(app: App, suffix: str) -> None:
    (app.path / f"service.{suffix}").write_text(TEXTS[suffix])
    assert app.read(f"service.{suffix}", Service) == Service(
        command="serve", ports=[Port(number=80, name="web"), Port(number=81)]
    )


@pytest.mark.parametrize("suffix", TEXTS)
@pytest.mark.parametrize(("change", "what", "lines"), [each for each in WRONG if each[2]])
def test_what_does_not_fit_is_told_with_its_line(
    app: App, suffix: str, change: tuple[str, str], what: str, lines: dict[str, int]
) -> None:
    name = f"service.{suffix}"
    (app.path / name).write_text(TEXTS[suffix].replace(*change, 1))
    with pytest.raises(UserFault) as caught:
        app.read(name, Service)
    told = [
        caught.value.what + f" at {caught.value.where}",
        *(caught.value.detail or "").split("\n"),
    ]
    line = lines[suffix]
    assert any(what in each and f"{name}:{line}" in each for each in told), told


def test_everything_wrong_is_told_at_once(app: App) -> None:
    (app.path / "a.yml").write_text("command: [1]\nports:\n- {}\n- number: x\n")
    with pytest.raises(UserFault) as caught:
        app.read("a.yml", Service)
    assert caught.value.detail is not None
    assert [each.partition(": ")[0] for each in caught.value.detail.splitlines()] == [
        "a.yml:1",
        "a.yml:3",
        "a.yml:4",
    ]


BROKEN = {
    "a.toml": ("command = 'x'\nports = \n", 2),
    "a.yaml": ("command: x\nports: [1\n", 3),
    "a.json": ('{"command": "x",\n "ports": [}', 2),
    "a.ini": ("[a]\nx = 1\n[a]\n", 3),
    "b.ini": ("[a]\nx = 1\nnothing\n", 3),
    "list.json": ("[1]", 1),
    "list.yml": ("- 1", 1),
    "python.yaml": ("command: !!python/object/apply:os.system [id]\n", 1),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_not_in_that_notation_is_told_with_its_line(app: App, name: str) -> None:
    text, line = BROKEN[name]
    (app.path / name).write_text(text)
    with pytest.raises(UserFault) as caught:
        app.read(name, Service)
    assert caught.value.where == f"{name}:{line}", caught.value


class Section(Model):
    index: str = ""
    Timeout: str = ""


class Ini(Model):
    main: Section


def test_values_of_ini_are_texts_under_their_section(app: App) -> None:
    (app.path / "pip.ini").write_text("; a comment\n[main]\nindex = https://x/%s\nTimeout: 5\n")
    assert app.read("pip.ini", Ini) == Ini(main=Section(index="https://x/%s", Timeout="5"))
    (app.path / "pip.ini").write_text("[main]\nindex = a\n b\n\n[other]\nx = 1\n")
    with pytest.raises(UserFault) as caught:
        app.read("pip.ini", Ini)
    assert caught.value.where == "pip.ini:5"


def test_an_alias_within_itself_ends(app: App) -> None:
    (app.path / "a.yml").write_text("command: &a\n  ports: *a\n")
    with pytest.raises(UserFault, match="command"):
        app.read("a.yml", Service)


def test_an_unknown_suffix_is_the_buildpacks_fault(app: App) -> None:
    (app.path / "a.xml").write_text("<a/>")
    with pytest.raises(BuildpackFault, match="neither TOML, YAML, JSON nor INI"):
        app.read("a.xml", Service)
    with pytest.raises(UserFault, match=r"cannot read absent\.yml"):
        app.read("absent.yml", Service)


def test_folders_and_patterns(app: App) -> None:
    (app.path / "conf").mkdir()
    for name in ("b.yml", "a.yml", ".hidden.yml", "conf/c.yml"):
        (app.path / name).touch()
    (app.path / "d.yml").mkdir()
    assert app.glob("*.yml") == ["a.yml", "b.yml"]
    assert app.glob("*/*.yml") == ["conf/c.yml"]
    assert app.glob("absent/*") == []
    assert [app.has_dir(name) for name in ("conf", "a.yml", "absent")] == [True, False, False]


@pytest.mark.parametrize(
    ("name", "text", "line", "what"),
    [
        ("a.json", "[" * 100_000, 1, "nested too deeply"),
        ("b.json", '{"a": ' * 5_000 + "1" + "}" * 5_000, 1, "nested too deeply"),
        ("c.json", '{"a": ' + "1" * 5_000 + "}", 1, "Exceeds the limit"),
        ("a.yaml", "a: " + "[" * 5_000, 1, "nested too deeply"),
        ("b.yaml", "a: \x00", 1, "unacceptable character"),
        ("a.ini", "\x00", 1, "no section"),
        ("b.ini", "\n\nport = 1\n[server]\n", 3, "no section"),
        ("d.ini", "[a]\nb" + " " * 200_000 + "c\n", 2, "three hundred blanks"),
        ("c.ini", "[a]\nname = 1\nno value\n", 3, "neither a section nor"),
    ],
)
def test_hostile_text_is_a_fault_of_the_app(
    app: App, name: str, text: str, line: int, what: str
) -> None:
    (app.path / name).write_text(text)
    with pytest.raises(UserFault, match=what) as caught:
        app.read(name, Service)
    assert str(caught.value.where) == f"{name}:{line}"
