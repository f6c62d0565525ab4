"""The generated bin/detect says what `Buildpack.detect` says."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnbkit import Buildpack, DetectContext, Plan, Triggers
from cnbkit.log import Log
from cnbkit_engine.buildpack.launcher import detect_script
from cnbkit_engine.buildpack.source import BuildpackSource

PATTERNS = ("a.txt", "*.yml", "?b", "d/x", "*/y", ".h*", "with space", "q'uote$x")
FILES = (*(p for p in PATTERNS if not set("*?") & set(p)), "k.yml", ".yml", "bb", "d/y", ".hid")
_PLANNED = Plan().provides("it's")
_PLAN = _PLANNED.document().dumps()
VALUES = st.sampled_from(["", " ", "\n", "1", " x y ", "*"])


def _source(folder: Path, triggers: Triggers) -> BuildpackSource:
    """A buildpack that joins by its triggers alone."""
    (folder / "buildpack.toml").write_text(
        'api = "0.12"\n[buildpack]\nid = "x/y"\nversion = "1.2.3"\n'
        '[metadata.cnbkit]\nentry = "pack:Pack"\n'
    )
    (folder / "pack.py").write_text(
        "from cnbkit import *\nclass Pack(Buildpack):\n"
        f"    triggers = Triggers(*{triggers.files!r}, settings={triggers.settings!r},"
        f" bindings={triggers.bindings!r})\n"
        '    plan = Plan().provides("it\'s")\n'
    )
    return BuildpackSource(folder)


@given(
    patterns=st.sets(st.sampled_from(PATTERNS), max_size=3),
    settings_=st.booleans(),
    files=st.sets(st.sampled_from(FILES), max_size=3),
    folders=st.sets(st.sampled_from(["a.txt", "k.yml", "bb"]), max_size=1),
    variable=st.none() | VALUES,
    file=st.none() | VALUES,
)
@settings(max_examples=40)
def test_the_shell_and_python_agree(
    patterns: set[str],
    settings_: bool,
    files: set[str],
    folders: set[str],
    variable: str | None,
    file: str | None,
) -> None:
    triggers = Triggers(*sorted(patterns), settings=("BP_X",) if settings_ else ())
    env = {} if variable is None else {"BP_X": variable}
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        for name in ("app", "platform/env", "pack"):
            (root / name).mkdir(parents=True)
        for name in sorted(folders):
            (root / "app" / name).mkdir()
        for name in files - folders:
            (root / "app" / name).parent.mkdir(exist_ok=True)
            (root / "app" / name).touch()
        if file is not None:
            (root / "platform" / "env" / "BP_X").write_text(file)
        _agree(root, triggers, env)


@given(
    variables=st.dictionaries(
        st.sampled_from(["BPE_A", "BPE_", "XBPE_A", "BPE_a-b", "BPE", "MORE"]),
        st.sampled_from(["", "1", "x\nexport BPE_B='1'\ny", "'", "export BPE_MORE"]),
        max_size=3,
    ),
    files=st.sets(st.sampled_from(["BPE_A", "BPE_", "BPE_a-b", "XBPE_A", "..BPE_A"]), max_size=2),
    folders=st.booleans(),
)
@settings(max_examples=40)
def test_the_shell_and_python_agree_on_variables_that_begin_alike(
    variables: dict[str, str], files: set[str], folders: bool
) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        (root / "platform/env").mkdir(parents=True)
        if folders:
            (root / "platform/env/BPE_FOLDER").mkdir()
        for name in files:
            (root / "platform/env" / name).touch()
        joins, _ = _agree(root, Triggers("a.txt", settings=("BPE_*",)), variables)
        assert joins == bool({"BPE_A", "BPE_"} & {*variables, *files})


@pytest.mark.parametrize(
    ("folder", "joins"),
    [("services/my api", True), ("services", False), ("none", False), ("", False)],
)
@pytest.mark.parametrize("pattern", ["a.txt", "*.txt"])
def test_triggers_are_looked_for_in_the_folder_that_a_setting_names(
    tmp_path: Path, folder: str, joins: bool, pattern: str
) -> None:
    (tmp_path / "app/services/my api").mkdir(parents=True)
    (tmp_path / "app/services/my api/a.txt").touch()
    pack = tmp_path / "pack"
    pack.mkdir()
    source = _source(pack, Triggers(pattern))
    with (pack / "pack.py").open("a") as file:
        file.write('    folder = "BP_IN"\n')
    script = detect_script(source, "/nowhere/python3")
    done = subprocess.run(
        ["/bin/sh", "-c", script, "detect", str(tmp_path), str(tmp_path / "plan")],
        cwd=tmp_path / "app",
        env={"BP_IN": folder},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    assert done.returncode == (0 if joins else 100)
    assert done.stdout == ("  join: found a.txt\n" if joins else f"  skip: none of {pattern}\n")


def _agree(root: Path, triggers: Triggers, env: dict[str, str]) -> tuple[bool, str]:
    """Whether it joins and why, by the script in `root`; Python says the same."""
    for name in ("app", "platform", "pack"):
        (root / name).mkdir(parents=True, exist_ok=True)
    platform, plan = str(root / "platform"), root / "plan"
    script = root / "detect"
    script.write_text(detect_script(_source(root / "pack", triggers), "/nowhere/python3"))
    plan.touch()
    done = subprocess.run(
        ["/bin/sh", str(script), platform, str(plan)],
        cwd=root / "app",
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    ctx = DetectContext(app=str(root / "app"), env=env, buildpack="", platform=platform, log=Log())
    answer = _pack(triggers)().detect(ctx)
    assert done.stderr == ""
    assert done.returncode == (0 if answer.joins else 100)
    assert done.stdout == f"  {'join' if answer.joins else 'skip'}: {answer.reason}\n"
    assert (plan.read_text() == _PLAN) == answer.joins
    return answer.joins, answer.reason


def _pack(given_: Triggers) -> type[Buildpack]:
    class Pack(Buildpack):
        triggers = given_
        plan = _PLANNED

    return Pack


TYPES = st.sampled_from(
    [
        "ca-certificates",
        "CA-Certificates\n",
        " \r\nca-certificates\t\r\n",
        "ca",
        "",
        "ca-certificates x",
        "ca\ncertificates",
        "*",
    ]
)
LAYOUTS = st.sampled_from(
    ["type", "metadata/type", "secret/type", "kind", "metadata/kind", "..d", ""]
)


@st.composite
def _bindings(draw: st.DrawFn) -> dict[str, dict[str, str]]:
    """Folders of bindings: name → file → contents."""
    found = {}
    for name in draw(st.sets(st.sampled_from(["a", "b c", ".hid", "..data"]), max_size=3)):
        layouts = draw(st.sets(LAYOUTS, max_size=2))
        found[name] = {layout: draw(TYPES) for layout in sorted(layouts)}
    return found


def _bind(root: Path, bindings: dict[str, dict[str, str]]) -> None:
    for name, entries in bindings.items():
        if "" in entries:  # a file, no folder
            root.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(entries[""])
            continue
        for entry, text in entries.items():
            (root / name / entry).parent.mkdir(parents=True, exist_ok=True)
            if entry != "..d":
                (root / name / entry).write_text(text)
                continue
            # As Kubernetes mounts it: the entries are links into a folder of their own.
            (root / name / "..2026_01_01").mkdir()
            (root / name / "..2026_01_01" / "type").write_text(text)
            (root / name / "..data").symlink_to("..2026_01_01")
            if not (root / name / "type").exists():
                (root / name / "type").symlink_to("..data/type")


@given(
    first=_bindings(),
    second=_bindings(),
    root_by=st.sampled_from(["variable", "file", "nothing", "empty variable"]),
)
@settings(max_examples=60, deadline=None)
def test_the_shell_and_python_find_the_same_bindings(
    first: dict[str, dict[str, str]], second: dict[str, dict[str, str]], root_by: str
) -> None:
    triggers = Triggers("a.txt", settings=("BP_X",), bindings=("other", "Ca-certificates"))
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        _bind(root / "roots of bindings", first)
        _bind(root / "platform" / "bindings", second)
        (root / "platform" / "env").mkdir(parents=True)
        env = {}
        if root_by == "file":
            file = root / "platform" / "env" / "SERVICE_BINDING_ROOT"
            file.write_text(f"{root}/roots of bindings\n")
        elif root_by != "nothing":
            at = f"{root}/roots of bindings" if root_by == "variable" else ""
            env["SERVICE_BINDING_ROOT"] = at
        _agree(root, triggers, env)


def test_a_binding_lets_it_join_without_starting_any_program(tmp_path: Path) -> None:
    triggers = Triggers("a.txt", bindings=("ca-certificates",))
    _bind(tmp_path / "platform" / "bindings", {"x": {"type": "CA-certificates"}})
    (tmp_path / "platform" / "env").mkdir()
    (tmp_path / "platform" / "env" / "SERVICE_BINDING_ROOT").write_text("/nowhere")
    # With an empty PATH only what the shell has itself can run.
    joins, reason = _agree(tmp_path, triggers, {"PATH": "/nowhere"})
    assert (joins, reason) == (True, "found a binding of type ca-certificates")
    _, reason = _agree(tmp_path / "without", triggers, {"PATH": "/nowhere"})
    assert reason == "none of a.txt, a binding of type ca-certificates"


@pytest.mark.parametrize(("label", "code"), [("CA-Certificates", 0), ("other", 100)])
def test_services_of_cloud_foundry_are_looked_at_by_python(
    tmp_path: Path, label: str, code: int
) -> None:
    triggers = Triggers("a.txt", bindings=("ca-certificates",))
    for name in ("app", "platform/env", "pack", "bin"):
        (tmp_path / name).mkdir(parents=True)
    service = {"name": "x", "label": label, "credentials": {}}
    variable = tmp_path / "platform" / "env" / "VCAP_SERVICES"
    variable.write_text(json.dumps({"p": [service]}))
    script = tmp_path / "bin" / "detect"
    script.write_text(detect_script(_source(tmp_path / "pack", triggers), sys.executable))
    (tmp_path / "bin" / "main.py").write_text(
        f"import sys; sys.path[:0] = {[str(tmp_path / 'pack'), *sys.path]!r}\n"
        "from pack import Pack; Pack.main()\n"
    )
    (tmp_path / "plan").touch()
    done = subprocess.run(
        ["/bin/sh", str(script), str(tmp_path / "platform"), str(tmp_path / "plan")],
        cwd=tmp_path / "app",
        env={"PATH": "/usr/bin:/bin"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    said = {
        0: "  join: found a binding of type ca-certificates\n",
        100: "  skip: none of a.txt, a binding of type ca-certificates\n",
    }
    assert (done.stdout, done.returncode) == (said[code], code)


@pytest.mark.parametrize("name", ["", "a b", "a'b", "a*", "ä", 'x"'])
def test_a_type_no_binding_can_have_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="is not a type of a binding"):
        Triggers(bindings=(name,))
