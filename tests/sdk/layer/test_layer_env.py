"""The environment of layers: its rules, and the same inputs given to the lifecycle itself."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cnbkit.layer.env import EnvChanges, LayerEnv

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hypothesis.strategies import SearchStrategy

NOBODY = 65534

SUFFIXES = (
    "",
    ".",
    ".append",
    ".prepend",
    ".default",
    ".override",
    ".delim",
    ".unknown",
    ".BAR.append",
    ".append.bak",
)
# One byte that is not UTF-8 among them: values are bytes to the lifecycle.
VALUES = st.text("ab:;/é\n =.\udcff", max_size=5)
DIRECTORIES = {
    "build": ("env", "env.build", "env.launch"),
    "launch": ("env", "env.build", "env.launch", "env.launch/web", "env.launch/worker"),
}
PATHS = ("PATH", "LD_LIBRARY_PATH", "LIBRARY_PATH", "CPATH", "PKG_CONFIG_PATH")


class Case(NamedTuple):
    """The environment before, and what two layers of two buildpacks hold."""

    before: dict[str, str]
    layers: list[tuple[dict[str, str], set[str]]]


def _cases(phase: str, before: tuple[str, ...]) -> SearchStrategy[Case]:
    names = st.sampled_from([*PATHS, "FOO", "FOO_1"])
    files = st.dictionaries(
        st.builds(
            lambda directory, name, suffix: f"{directory}/{name}{suffix}",
            st.sampled_from(DIRECTORIES[phase]),
            names,
            st.sampled_from(SUFFIXES),
        ),
        VALUES,
        max_size=10,
    )
    present = st.sets(st.sampled_from(["bin", "lib", "include", "pkgconfig"]))
    return st.builds(
        Case,
        before=st.dictionaries(st.sampled_from(before), VALUES),
        layers=st.lists(st.tuples(files, present), min_size=2, max_size=2),
    )


def _fill(layer: Path, files: dict[str, str], present: set[str]) -> None:
    for child in present:
        (layer / child).mkdir(parents=True)
    for name, value in files.items():
        path = layer / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.fsencode(value))


def _parse(block: bytes) -> dict[str, str]:
    pairs = (os.fsdecode(entry).partition("=") for entry in block.split(b"\0") if entry)
    return {name: value for name, _, value in pairs if not name.startswith("CNB_")}


@given(case=_cases("launch", (*PATHS, "FOO", "OTHER")))
@settings(max_examples=60)
def test_the_launch_environment_is_the_one_the_real_launcher_makes(
    case: Case, lifecycle: Path
) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        (root / "config").mkdir()
        (root / "config" / "metadata.toml").write_text(
            "[[processes]]\n"
            'type = "web"\ncommand = ["/usr/bin/env", "-0"]\ndirect = true\nbuildpack-id = "x/0"\n'
            + "".join(f'[[buildpacks]]\napi = "0.12"\nid = "x/{each}"\n' for each in (0, 1))
        )
        expected = case.before
        for number, (files, present) in enumerate(case.layers):
            layer = root / f"x_{number}" / "layer"
            layer.mkdir(parents=True)
            _fill(layer, files, present)
            expected = LayerEnv.read(str(layer)).apply_layer(
                expected, str(layer), phase="launch", process="web"
            )
        done = subprocess.run(
            ["web"],
            executable=lifecycle / "launcher",
            env={
                **case.before,
                "CNB_LAYERS_DIR": scratch,
                "CNB_APP_DIR": scratch,
                "CNB_PLATFORM_API": "0.15",
            },
            capture_output=True,
            check=True,
        )
    assert _parse(done.stdout) == expected


@pytest.fixture(scope="module")
def builder(lifecycle: Path) -> Iterator[Path]:
    """The lifecycle's `builder` where any user can run it; it refuses to be root."""
    with tempfile.TemporaryDirectory() as scratch:
        Path(scratch).chmod(0o755)
        program = Path(scratch) / "builder"
        shutil.copyfile(lifecycle / "lifecycle", program)
        program.chmod(0o755)
        yield program


@given(case=_cases("build", PATHS))
@settings(max_examples=40)
def test_the_build_environment_is_the_one_the_real_builder_makes(case: Case, builder: Path) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        expected = case.before
        for number, (files, present) in enumerate(case.layers):
            layer = root / "layers" / f"x_{number}" / "layer"
            layer.mkdir(parents=True)
            _fill(layer, files, present)
            layer.with_suffix(".toml").write_text("[types]\nbuild = true\n")
            _buildpack(root, number, "exit 0")
            expected = LayerEnv.read(str(layer)).apply_layer(expected, str(layer), phase="build")
        # The shell itself adds variables to what it hands on; the kernel has what it was given.
        _buildpack(root, 2, f"/bin/cat /proc/$$/environ >{root}/seen")
        for name in ("app", "platform"):
            (root / name).mkdir()
        (root / "plan.toml").touch()
        (root / "analyzed.toml").touch()
        (root / "group.toml").write_text(
            "".join(
                f'[[group]]\nid = "x/{each}"\nversion = "1.0.0"\napi = "0.12"\n'
                for each in range(3)
            )
        )
        for path in [root, *root.rglob("*")]:
            os.chown(path, NOBODY, NOBODY) if os.geteuid() == 0 else None
        subprocess.run(
            [
                str(builder),
                *("-app", str(root / "app")),
                *("-buildpacks", str(root / "buildpacks")),
                *("-group", str(root / "group.toml")),
                *("-layers", str(root / "layers")),
                *("-plan", str(root / "plan.toml")),
                *("-platform", str(root / "platform")),
                *("-analyzed", str(root / "analyzed.toml")),
            ],
            env={**case.before, "CNB_PLATFORM_API": "0.15"},
            user=NOBODY if os.geteuid() == 0 else None,
            capture_output=True,
            check=True,
        )
        seen = _parse((root / "seen").read_bytes())
    assert seen == expected


def _buildpack(root: Path, number: int, script: str) -> None:
    folder = root / "buildpacks" / f"x_{number}" / "1.0.0"
    (folder / "bin").mkdir(parents=True)
    (folder / "buildpack.toml").write_text(
        f'api = "0.12"\n[buildpack]\nid = "x/{number}"\nversion = "1.0.0"\n'
    )
    program = folder / "bin" / "build"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


@pytest.mark.parametrize(
    ("files", "before", "after"),
    [
        ({"A": "x"}, {"A": "y"}, {"A": "x"}),
        ({"A.override": "x"}, {"A": "y"}, {"A": "x"}),
        ({"A.default": "x"}, {"A": "y"}, {"A": "y"}),
        ({"A.default": "x"}, {}, {"A": "x"}),
        ({"A.append": "x"}, {"A": "y"}, {"A": "yx"}),
        ({"A.append": "x", "A.delim": ":"}, {"A": "y"}, {"A": "y:x"}),
        ({"A.append": "x", "A.delim": ":"}, {"A": ""}, {"A": "x"}),
        ({"A.prepend": "x", "A.delim": ":"}, {"A": "y"}, {"A": "x:y"}),
        ({"A.prepend": "x", "A.delim": ":"}, {}, {"A": "x"}),
        ({"A.": "x"}, {"A": "y"}, {"A": "x:y"}),
        ({"A.": "x", "A.delim": ";"}, {"A": "y"}, {"A": "x;y"}),
        ({"A.unknown": "x"}, {"A": "y"}, {"A": "y"}),
        ({"A.delim": "x"}, {}, {}),
        ({"A.append": "x", "A.override": "z"}, {"A": "y"}, {"A": "z"}),
        ({"A": "x", "A.append": "z", "A.prepend": "w"}, {"A": "y"}, {"A": "wxz"}),
        ({"A.append": "x\n"}, {"A": "y"}, {"A": "yx\n"}),
        ({"A.append": "x", "B.delim": ":"}, {"A": "y"}, {"A": "yx"}),
    ],
    ids=str,
)
def test_each_action_changes_the_variable_by_its_rule(
    files: dict[str, str], before: dict[str, str], after: dict[str, str]
) -> None:
    assert EnvChanges(files).apply(before) == after


def test_a_default_applies_to_a_variable_that_is_set_but_empty() -> None:
    """Fault of libcnb.rs 0.30.4: it left the variable empty."""
    env = EnvChanges()
    env.default("A", "x")
    assert env.apply({"A": ""}) == {"A": "x"}


def test_a_file_name_with_two_dots_is_no_variable(tmp_path: Path) -> None:
    """Fault of libcnb.rs 0.30.4: it read `FOO.BAR.append` as the variable `FOO.BAR`."""
    (tmp_path / "FOO.BAR.append").write_text("x")
    assert EnvChanges.read(str(tmp_path)).apply({}) == {}


def test_what_is_limited_to_a_process_is_read_back(tmp_path: Path) -> None:
    """Fault of libcnb.rs 0.30.4: reading failed with "Is a directory"."""
    env = LayerEnv()
    env.launch.override("A", "all")
    env.process("web").override("A", "web")
    env.write(str(tmp_path))
    assert LayerEnv.read(str(tmp_path)) == env


def test_a_process_sees_launch_values_and_layer_paths_too(tmp_path: Path) -> None:
    """Fault of libcnb.rs 0.30.4: a process's environment had only its own values."""
    (tmp_path / "bin").mkdir()
    env = LayerEnv()
    env.override("A", "both")
    env.launch.override("B", "launch")
    env.process("web").override("C", "web")
    layer = str(tmp_path)
    web = env.apply_layer({"PATH": "/usr/bin"}, layer, phase="launch", process="web")
    assert web == {"A": "both", "B": "launch", "C": "web", "PATH": f"{layer}/bin:/usr/bin"}
    assert "C" not in env.apply_layer({}, layer, phase="launch", process="worker")
    assert env.apply_layer({}, layer, phase="build") == {"A": "both", "PATH": f"{layer}/bin"}


def test_scopes_apply_after_one_another(tmp_path: Path) -> None:
    env = LayerEnv()
    for changes, value in (
        (env, "1"),
        (env.build, "b"),
        (env.launch, "l"),
        (env.process("w"), "p"),
    ):
        changes.append("A", value)
    layer = str(tmp_path)
    assert env.apply_layer({}, layer, phase="build") == {"A": "1b"}
    assert env.apply_layer({}, layer, phase="launch") == {"A": "1l"}
    assert env.apply_layer({}, layer, phase="launch", process="w") == {"A": "1lp"}


def test_layer_directories_come_before_what_was_there(tmp_path: Path) -> None:
    for child in ("bin", "lib", "include", "pkgconfig"):
        (tmp_path / child).mkdir()
    layer = str(tmp_path)
    before = dict.fromkeys(PATHS, "/old")
    assert LayerEnv().apply_layer(before, layer, phase="build") == {
        "PATH": f"{layer}/bin:/old",
        "LD_LIBRARY_PATH": f"{layer}/lib:/old",
        "LIBRARY_PATH": f"{layer}/lib:/old",
        "CPATH": f"{layer}/include:/old",
        "PKG_CONFIG_PATH": f"{layer}/pkgconfig:/old",
    }
    assert LayerEnv().apply_layer({}, layer, phase="launch") == {
        "PATH": f"{layer}/bin",
        "LD_LIBRARY_PATH": f"{layer}/lib",
    }


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["env", "build", "launch", "web"]),
            st.sampled_from(["override", "default", "append", "prepend"]),
            st.sampled_from(["A", "B"]),
            VALUES,
        ),
        max_size=8,
    )
)
def test_what_is_written_reads_back_and_applies_alike(
    calls: list[tuple[str, str, str, str]],
) -> None:
    env = LayerEnv()
    scopes = {"env": env, "build": env.build, "launch": env.launch, "web": env.process("web")}
    for scope, action, name, value in calls:
        getattr(scopes[scope], action)(name, value)
    with tempfile.TemporaryDirectory() as layer:
        env.write(layer)
        again = LayerEnv.read(layer)
        assert again == env
        assert bool(again) == bool(calls)
        assert again.apply_layer({}, layer, phase="launch", process="web") == env.apply_layer(
            {}, layer, phase="launch", process="web"
        )
        assert any(Path(layer).iterdir()) == bool(calls)


def test_what_is_said_twice_is_joined_in_order() -> None:
    env = EnvChanges()
    for value in "ab":
        env.append("A", value, ":")
        env.prepend("B", value, ":")
        env.default("C", value)
    assert env.apply({"A": "x", "B": "x"}) == {"A": "x:a:b", "B": "b:a:x", "C": "b"}


def test_one_variable_has_one_delimiter_in_a_directory() -> None:
    env = EnvChanges()
    env.append("A", "x", ":")
    for delim in (";", ""):
        with pytest.raises(ValueError, match="A has the delimiter ':' already"):
            env.prepend("A", "y", delim)
    env.append("B", "x", ";")
    assert env.apply({"B": "b"}) == {"A": "x", "B": "b;x"}


def test_what_a_kept_layer_says_is_replaced_and_not_joined_to() -> None:
    env = EnvChanges({"A.append": "old", "A.delim": ":", "B.append": "kept"})
    env.append("A", "new", ";")
    assert dict(env.files()) == {"A.append": "new", "A.delim": ";", "B.append": "kept"}


def test_changes_can_change_so_they_have_no_hash() -> None:
    for env in (EnvChanges(), LayerEnv()):
        with pytest.raises(TypeError, match="unhashable"):
            hash(env)


@pytest.mark.parametrize("name", ["", "A.B", "A=B", "A/B", "../A", "A\0"])
def test_a_name_that_cannot_be_a_variable_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="cannot name an environment variable"):
        EnvChanges().override(name, "x")


def test_a_value_with_a_nul_character_is_refused() -> None:
    with pytest.raises(ValueError, match="NUL"):
        EnvChanges().override("A", "x\0y")


@pytest.mark.parametrize("type_", ["", "..", "../../x", "a b"])
def test_a_process_type_cannot_lead_out_of_the_layer(type_: str) -> None:
    with pytest.raises(ValueError, match="process type"):
        LayerEnv().process(type_)


def test_values_may_be_paths() -> None:
    env = EnvChanges()
    env.prepend("PATH", Path("/x/bin"), ":")
    assert env.apply({"PATH": "/bin"}) == {"PATH": "/x/bin:/bin"}


def test_files_nobody_understands_survive_reading_and_writing(tmp_path: Path) -> None:
    (tmp_path / "env").mkdir()
    (tmp_path / "env" / "A.later").write_bytes(b"\xff\r\n")
    LayerEnv.read(str(tmp_path)).write(str(tmp_path / "copy"))
    assert (tmp_path / "copy" / "env" / "A.later").read_bytes() == b"\xff\r\n"


def test_a_missing_directory_changes_nothing(tmp_path: Path) -> None:
    env = LayerEnv.read(str(tmp_path / "absent"))
    assert not env
    assert env.apply_layer({"A": "x"}, str(tmp_path / "absent"), phase="build") == {"A": "x"}
