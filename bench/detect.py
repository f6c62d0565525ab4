"""How long `bin/detect` takes, in the build root, beside its Python doing nothing."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from bench.foreign import OTHERS, build_others
from cnbkit_engine.base.images import BaseImages, machine_architecture
from cnbkit_engine.builder.folder import ensure_builder
from cnbkit_engine.buildpack.assemble import Runtime
from cnbkit_engine.oci.store import ImageStore
from cnbkit_engine.sandbox.sandbox import Bind, Sandbox
from cnbkit_engine.state.home import Home
from cnbkit_engine.state.workspace import Workspace

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["BARE", "measure_detect"]

_ANCHORS = Path(__file__).parent / "anchors"
BARE = "bare Python, -I -S -c pass"

# Runs inside, in the build root's Python: starts each command in turn, again and again, and prints
# wall and CPU seconds of each start.
_HARNESS = """\
import json, os, sys, time
runs, commands = json.loads(sys.argv[1])
quiet = [(os.POSIX_SPAWN_OPEN, fd, "/dev/null", os.O_WRONLY, 0) for fd in (1, 2)]
found = {name: {"wall": [], "cpu": [], "code": 0} for name in commands}
for number in range(runs + 2):
    for name, (folder, argv, env) in commands.items():
        os.chdir(folder)
        plan = "/tmp/plan.toml"
        open(plan, "w").close()
        start = time.perf_counter()
        pid = os.posix_spawn(argv[0], argv, {**os.environ, **env}, file_actions=quiet)
        _, status, usage = os.wait4(pid, 0)
        wall = time.perf_counter() - start
        found[name]["code"] = os.waitstatus_to_exitcode(status)
        if number >= 2:
            found[name]["wall"].append(wall)
            found[name]["cpu"].append(usage.ru_utime + usage.ru_stime)
print(json.dumps(found))
"""


def measure_detect(example: Path, builder_toml: Path, results: Path, runs: int) -> dict[str, Any]:
    """Start everything `runs` times, turn by turn, and return plain data.

    Args:
        example: an app the Python buildpacks match.
        builder_toml: the reference builder.
        results: where the other SDKs' buildpacks are built.
        runs: how often.
    """
    others = build_others(results)
    home = Home.default()
    base = BaseImages(home, ImageStore(home.images), progress=print)
    root, _ = base.prepare()
    runtime = Runtime(arch=machine_architecture())
    folder = ensure_builder(home, builder_toml, runtime, root, print)
    own = ensure_builder(home, _ANCHORS / "builder.toml", runtime, root, print)
    with Workspace(home.tmp) as space:
        for name in ("empty", "platform", "tmp"):
            (space / name).mkdir()
        binds = (
            Bind(folder / "buildpacks", "/cnb/buildpacks"),
            Bind(own / "buildpacks", "/cnb/own"),
            *(Bind(path, f"/cnb/{name}") for name, path in others.items()),
            Bind(example, "/workspace"),
            Bind(space / "empty", "/layers", given=True),
            Bind(space / "platform", "/platform", given=True),
            Bind(space / "tmp", "/tmp", writable=True, given=True),
        )
        sandbox = Sandbox(
            home.tmp, root=root, binds=binds, env={"PATH": "/usr/bin:/bin"}, network=False
        )
        asked = json.dumps([runs, _commands(folder / "buildpacks", list(others), runtime)])
        with (space / "result.json").open("w+b") as output:
            argv = [runtime.python, "-I", "-c", _HARNESS, asked]
            if sandbox.run(argv, stdin=subprocess.DEVNULL, stdout=output):
                raise SystemExit("bench: detect cannot be measured; see above")
            return _read(output)


def _commands(buildpacks: Path, others: list[str], runtime: Runtime) -> Mapping[str, object]:
    found: dict[str, object] = {
        BARE: ("/workspace", [runtime.python, "-I", "-S", "-c", "pass"], {}),
        "bare shell, -c :": ("/workspace", ["/bin/sh", "-c", ":"], {}),
    }
    places = {"cnbkit, a detect in Python": Path("/cnb/own/bench_cnbkit/0.0.0")}
    places.update({OTHERS[name]: Path("/cnb") / name for name in others})
    for path in sorted(buildpacks.glob("*/*/bin/detect")):
        inside = Path("/cnb/buildpacks") / path.parents[1].relative_to(buildpacks)
        places[path.parents[2].name.replace("_", "/", 1)] = inside
    for name, inside in places.items():
        env = {
            "CNB_BUILDPACK_DIR": str(inside),
            "CNB_PLATFORM_DIR": "/platform",
            "CNB_BUILD_PLAN_PATH": "/tmp/plan.toml",
            "CNB_TARGET_OS": "linux",
            "CNB_TARGET_ARCH": runtime.arch,
            "CNB_TARGET_DISTRO_NAME": "debian",
            "CNB_TARGET_DISTRO_VERSION": "12",
        }
        argv = [str(inside / "bin/detect"), "/platform", "/tmp/plan.toml"]
        found[f"{name}, in the app"] = ("/workspace", argv, env)
        found[f"{name}, in an empty folder"] = ("/layers", argv, env)
    return found


def _read(output: IO[bytes]) -> dict[str, Any]:
    output.seek(0)
    result: dict[str, Any] = json.load(output)
    return result
