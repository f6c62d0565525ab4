"""What a buildpack's class says of itself, asked in an interpreter of its own.

The interpreter is started as `bin/detect` starts it (`-I -S`), so what it has imported after a
detect is what every build of every app would pay for.
"""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import cnbkit
from cnbkit.errors import BuildpackFault
from cnbkit_engine.buildpack.readme import rendered

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["HEAVY", "MODULES", "Probed", "probe"]

MODULES = 51
"""How many modules a detect may load, besides those that Python begins with, or has built in."""

HEAVY = (
    *("argparse", "asyncio", "click", "concurrent", "dataclasses", "email", "http", "httpx"),
    *("importlib.metadata", "inspect", "logging", "multiprocessing", "packaging", "pathlib"),
    *("pydantic", "requests", "rich", "shutil", "subprocess", "tempfile", "tomli_w", "tomllib"),
    *("typing", "unittest", "urllib", "uuid", "yaml", "zipfile"),
)
"""Modules that take longer to import than a detect may take as a whole."""

_SECONDS = 60

_PROBE = """
import sys
begun = set(sys.modules)
heavy = sys.argv.pop(1).split(",")
module, attribute, folder, library, app, *paths = sys.argv[1:]
sys.path[:0] = [folder, library, *paths]
answer = {}
import os
out = os.dup(1)
os.dup2(2, 1)  # whatever the author's modules print is not part of the answer
def tell():
    import json
    sys.stdout.flush()
    with os.fdopen(out, "w") as file:
        file.write(json.dumps(answer))
    os._exit(0)
def fail(stage, error):
    import traceback
    places = [(each.filename, each.lineno) for each in traceback.extract_tb(error.__traceback__)]
    if isinstance(error, SyntaxError):
        places.append((error.filename, error.lineno))
    answer["failed"] = [stage, type(error).__name__ + ": " + str(error),
                        [p for p in places if p[0] and p[0].startswith(folder)]]
    tell()
import builtins
imported = builtins.__import__
whose = [each + "/" for each in (folder, *paths[1:])]
answer["loaded_at"] = loaded_at = {}
def place():
    frame = sys._getframe(2)
    while frame is not None:
        if frame.f_code.co_filename.startswith(tuple(whose)):
            return [frame.f_code.co_filename, frame.f_lineno]
        frame = frame.f_back
def watched(name, *more, **others):
    missing = [each for each in heavy if each not in sys.modules]
    result = imported(name, *more, **others)
    for each in missing:
        if each in sys.modules and each not in loaded_at:
            at = place()
            if at:
                loaded_at[each] = at
    return result
builtins.__import__ = watched
try:
    found = getattr(__import__(module, fromlist=[attribute]), attribute)
except BaseException as error:
    fail("import", error)
builtins.__import__ = imported
from cnbkit import Buildpack, BuildpackFault
answer["is_class"] = isinstance(found, type) and issubclass(found, Buildpack)
if not answer["is_class"]:
    tell()
loaded = set(sys.modules)
from cnbkit.declared import check_class
try:
    check_class(found)
except BuildpackFault as fault:
    answer["declared"] = [fault.what, fault.where, fault.remedy]
    tell()
for name in set(sys.modules) - loaded:  # what detect loads is counted
    del sys.modules[name]
own = found.build is not Buildpack.build or found.decide is not Buildpack.decide
answer["builds"] = own
answer["generates"] = hasattr(Buildpack, "generate") and found.generate is not Buildpack.generate
answer["static"] = static = found.detect is Buildpack.detect
answer["files"], answer["settings"] = found.triggers.files, found.triggers.settings
answer["bindings"] = found.triggers.bindings
answer["plan"], answer["planned"] = "", found.plan is not None
if static and found.plan is not None:
    answer["plan"] = found.plan.document().dumps()
def config():
    if found.config is not None:
        from cnbkit.config import table
        answer["table"] = table(found.config)
if static:
    config()
    tell()
from cnbkit import CnbkitError
from cnbkit.runtime import detect
os.chdir(app)
env = {"CNB_PLATFORM_DIR": app + "/../platform", "CNB_BUILD_PLAN_PATH": app + "/../plan",
       "CNB_BUILDPACK_DIR": folder, "CNB_TARGET_OS": "linux", "CNB_TARGET_ARCH": "amd64"}
for name in answer["files"]:
    made = name.replace("*", "x").replace("?", "x")
    os.makedirs(os.path.dirname(made) or ".", exist_ok=True)
    open(made, "x").close()
    break
else:
    env.update({name.replace("*", "X"): "1" for name in answer["settings"][:1]})
builtins.__import__ = watched
try:
    detect(found(), env)
except BuildpackFault as fault:
    builtins.__import__ = imported
    from cnbkit.blame import raising_line
    line = raising_line(fault)
    at = fault.where or "" if line.startswith("<") else line
    answer["declared"] = [fault.what, at, fault.remedy or ""]
    tell()
except CnbkitError:
    pass
except BaseException as error:
    fail("detect", error)
answer["modules"] = sorted(set(sys.modules) - begun - set(sys.builtin_module_names))
config()
tell()
"""


@dataclass(frozen=True)
class Probed:
    """What came out.

    Args:
        failed: stage ("import" or "detect"), the exception and its places in the folder; None
            if nothing failed.
        declared: what is wrong with the class's declaration or detect, where, and what to write.
        is_class: whether the entry is a buildpack's class.
        builds: whether it has a `build` of its own, or a `decide`.
        generates: whether it has a `generate` of its own.
        static: whether triggers alone decide.
        files: file patterns of its triggers.
        settings: BP_* variables of its triggers.
        bindings: types of bindings of its triggers.
        plan: the build plan as TOML, if triggers alone decide.
        planned: whether a plan is declared, be it an empty one.
        modules: what was loaded after a detect; empty if triggers alone decide.
        loaded_at: the author's line that loaded a heavy one first, by its name.
        readme: the README with the table of its options; empty if it has no options or README.
        readme_fault: why the README cannot have that table, and what to do.
    """

    failed: tuple[str, str, list[tuple[str, int]]] | None = None
    declared: tuple[str, str, str] | None = None
    is_class: bool = False
    builds: bool = False
    generates: bool = False
    static: bool = False
    files: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    bindings: tuple[str, ...] = ()
    plan: str = ""
    planned: bool = False
    modules: tuple[str, ...] = ()
    loaded_at: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    readme: str = ""
    readme_fault: tuple[str, str] | None = None

    @property
    def heavy(self) -> list[str]:
        """Modules loaded at detect that should not be."""
        return [name for name in HEAVY if name in self.modules]


def probe(paths: Sequence[Path], module: str, attribute: str) -> Probed:
    """Import a buildpack's class and, if it has a detect of its own, run that on one empty file.

    Args:
        paths: where its code and its libraries are imported from; the buildpack's folder first.
        module: the module of `entry`.
        attribute: the class in it.
    """
    library = Path(cnbkit.__file__).parents[1]
    command = [sys.executable, "-I", "-S", "-B", "-X", "utf8", "-c", _PROBE]
    command += [",".join(HEAVY), module, attribute]
    with tempfile.TemporaryDirectory(prefix="cnbkit-check-") as scratch:
        for name in ("app", "platform/env"):
            (Path(scratch) / name).mkdir(parents=True)
        folder, *shared = (str(path.resolve()) for path in paths)
        arguments = [folder, str(library), f"{scratch}/app"]
        last = [sysconfig.get_path("purelib"), *shared]
        try:
            done = subprocess.run(
                [*command, *arguments, *last],
                capture_output=True,
                text=True,
                stdin=subprocess.DEVNULL,
                timeout=_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return Probed(failed=("import", f"not done after {_SECONDS} seconds", []))
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        text = done.stderr.strip().rpartition("\n")[2] or f"exit status {done.returncode}"
        return Probed(failed=("import", f"Python ended early: {text}", []))
    if "failed" in answer:
        stage, what, places = answer["failed"]
        return Probed(failed=(stage, what, [(path, line) for path, line in places]))
    if "declared" in answer:
        what, where, remedy = answer["declared"]
        return Probed(is_class=True, declared=(what, where, remedy))
    readme, readme_fault = _readme(paths[0] / "README.md", answer.get("table", ""))
    return Probed(
        is_class=answer["is_class"],
        builds=answer.get("builds", False),
        generates=answer.get("generates", False),
        static=answer.get("static", False),
        files=tuple(answer.get("files", ())),
        settings=tuple(answer.get("settings", ())),
        bindings=tuple(answer.get("bindings", ())),
        plan=answer.get("plan", ""),
        planned=answer.get("planned", False),
        modules=tuple(answer.get("modules", ())),
        loaded_at={name: (file, line) for name, (file, line) in answer["loaded_at"].items()},
        readme=readme,
        readme_fault=readme_fault,
    )


def _readme(path: Path, table: str) -> tuple[str, tuple[str, str] | None]:
    """The README with the table of options, and why it cannot have it."""
    if not table:
        return "", None
    try:
        return rendered(path.read_text(encoding="utf-8", errors="surrogateescape"), table), None
    except OSError:
        return "", None
    except BuildpackFault as fault:
        return "", (fault.what, fault.remedy or "")
