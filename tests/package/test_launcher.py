"""The generated bin/detect says what `Buildpack.detect` says."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from cnbkit import Buildpack, DetectContext, Plan, Triggers
from cnbkit.log import Log
from cnbkit.package.launcher import detect_script
from cnbkit.package.source import BuildpackSource

PATTERNS = ("a.txt", "*.yml", "?b", "d/x", "*/y", ".h*", "with space", "q'uote$x")
FILES = (*(p for p in PATTERNS if not set("*?") & set(p)), "k.yml", ".yml", "bb", "d/y", ".hid")
VALUES = st.sampled_from(["", " ", "\n", "1", " x y ", "*"])


def _source(folder: Path, triggers: Triggers) -> BuildpackSource:
    """A buildpack that joins by its triggers alone."""
    (folder / "buildpack.toml").write_text(
        'api = "0.12"\n[buildpack]\nid = "x/y"\nversion = "1.2.3"\n'
        '[metadata.cnbkit]\nentry = "pack:Pack"\n'
    )
    (folder / "pack.py").write_text(
        "from cnbkit import *\nclass Pack(Buildpack):\n"
        f"    triggers = Triggers(*{triggers.files!r}, settings={triggers.settings!r})\n"
        '    plan = Plan().provides("it")\n'
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
        script = root / "detect"
        script.write_text(detect_script(_source(root / "pack", triggers), "/nowhere/python3"))
        (root / "plan").touch()
        done = subprocess.run(
            ["sh", str(script), str(root / "platform"), str(root / "plan")],
            cwd=root / "app",
            env=env,
            capture_output=True,
            text=True,
            check=False,
        )
        platform = str(root / "platform")
        ctx = DetectContext(
            app=str(root / "app"), env=env, buildpack="", platform=platform, log=Log()
        )
        answer = _pack(triggers)().detect(ctx)
        assert done.stderr == ""
        assert done.returncode == (0 if answer.joins else 100)
        assert done.stdout == f"  {'join' if answer.joins else 'skip'}: {answer.reason}\n"
        assert ("it" in (root / "plan").read_text()) == answer.joins


def _pack(given_: Triggers) -> type[Buildpack]:
    class Pack(Buildpack):
        triggers = given_
        plan = Plan().provides("it")

    return Pack
