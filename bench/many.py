"""An app of 150 packages beside Docker: fresh, rebuilds, a retry after a failure.

    python bench/many.py [--runs N] [--quick] [--scale F] [--builder FILE]

The packages are made here and come from an index on this machine (bench/packages.py), for all
sides. Besides Docker and cnbkit, uv alone installs them into a folder, cache empty, bytecode
compiled: no build can be quicker than that.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

HERE = Path(__file__).resolve().parent
if str(HERE.parent) not in sys.path:  # started as a program, its own folder is there instead
    sys.path.insert(0, str(HERE.parent))

from bench.builds import CNBKIT, DOCKER, DOCKER_UV, Rounds, with_pip, with_uv  # noqa: E402
from bench.docker_engine import docker_engine  # noqa: E402
from bench.machine import load  # noqa: E402
from bench.measure import Command, CommandFailed, timed  # noqa: E402
from bench.packages import HEAVY, LIGHT, index, publish, requirements  # noqa: E402
from bench.registry import local_registry  # noqa: E402
from bench.sides import CnbkitSide, DockerSide  # noqa: E402
from bench.table import markdown, ratio, seconds  # noqa: E402
from bench.turns import Written, take_turns  # noqa: E402
from cnbkit_engine.base.images import BaseImages, machine_architecture  # noqa: E402
from cnbkit_engine.lifecycle.install import ensure_lifecycle  # noqa: E402
from cnbkit_engine.oci.store import ImageStore  # noqa: E402
from cnbkit_engine.state.home import Home  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["CASES", "GOALS", "files", "measure_many", "table"]

CASES = {
    "fresh": "fresh",
    "none": "no change",
    "code": "one line of code",
    "light": "one light package",
    "heavy": "one heavy package",
}
GOALS = {"fresh": 0.35, "light": 0.05, "code": 1.5}
"""What cnbkit's time to docker's (pip) is meant to be at most."""

_RETRY, _UV = "retry", "uv"


def files(changes: Mapping[str, int]) -> dict[str, str | bytes]:
    """The app.

    Args:
        changes: how often its code, its light and its heavy package were changed, and whether it
            asks for what is `broken`.
    """
    return {
        "requirements.txt": requirements(
            light=changes.get("light", 0),
            heavy=changes.get("heavy", 0),
            broken=bool(changes.get("broken")),
        ),
        "app.py": f"import light000\nprint(light000.VERSION)\n# {changes.get('code', 0)}\n",
    }


def measure_many(
    scratch: Path, results: Path, rounds: Rounds, scale: float, options: Sequence[str] = ()
) -> dict[str, Any]:
    """Measure everything, and return plain data.

    Args:
        scratch: an empty folder on a disk, with a short path.
        results: keeps Docker's base image, and logs.
        rounds: how often.
        scale: of what the packages hold.
        options: more of `cnbkit build`.
    """
    publish(scratch / "packages", scale)
    prepared = Home.default()
    BaseImages(prepared, ImageStore(prepared.images), progress=print).prepare()
    ensure_lifecycle(prepared, arch=machine_architecture(), progress=print)
    with ExitStack() as stack:
        url, sent = stack.enter_context(index(scratch / "packages"))
        registry, _ = stack.enter_context(local_registry(scratch))
        engine = stack.enter_context(docker_engine(scratch / "docker"))
        base = f"{registry.host}/base"
        engine.make_base(results / "docker-base.tar", base)
        engine.make_uv_base(base, f"{base}-uv")

        def docker(name: str, key: str, dockerfile: str, image: str) -> tuple[DockerSide, Written]:
            app = Written(scratch / "apps" / key, files)
            log = results / f"{key}.log"
            return DockerSide(name, dockerfile, image, engine, registry, app, log), app

        app = Written(scratch / "apps" / "cnbkit-many", files)
        ours = CnbkitSide(
            CNBKIT,
            registry,
            Home(scratch / "cnbkit"),
            prepared,
            app,
            results / "cnbkit-many.log",
            ("--network", "host", "--env", f"BP_PIP_INDEX_URL={url}", *options),
        )
        found = take_turns(
            [
                docker(DOCKER, "docker-many-pip", with_pip(url), base),
                (ours, app),
                docker(DOCKER_UV, "docker-many-uv", with_uv(url), f"{base}-uv"),
            ],
            CASES,
            rounds,
        )
        retries, fetched = [], []
        for _ in range(rounds.fresh):
            retries.append(_retried(ours, app, sent))
            fetched.append(sum(sent))
        found["retry"] = {"times": retries, "fetched": fetched}
        found["uv"] = [
            _alone(app, scratch, url, results / "uv-many.log") for _ in range(rounds.fresh)
        ]
    return {**found, "packages": HEAVY + LIGHT, "scale": scale, "load": load()}


def _retried(side: CnbkitSide, app: Written, sent: list[int]) -> float:
    """Seconds of a build after one that failed when all but one package had been fetched."""
    side.reset()
    app.change("broken", 1)
    try:
        side.build()
    except CommandFailed:
        app.change("broken", 0)
    else:
        raise AssertionError("a package that cannot be built was built")
    sent.clear()
    value = side.build()["registry"]
    print(f"  after a failed build: {value:.2f} s, {sum(sent) / 1e6:.1f} MB fetched", flush=True)
    return value


def _alone(app: Written, scratch: Path, url: str, log: Path) -> float:
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        command: list[str | Path] = [Path(sys.executable).with_name("uv"), "pip", "install"]
        command += ["--quiet", "--compile-bytecode", "--target", Path(folder) / "target"]
        command += ["-r", app.folder / "requirements.txt"]
        env = {**os.environ, "UV_CACHE_DIR": f"{folder}/cache", "UV_DEFAULT_INDEX": url}
        value = timed(Command([str(each) for each in command], scratch, env), log)
    print(f"  uv alone: {value:.2f} s", flush=True)
    return value


def table(found: Mapping[str, Any]) -> str:
    """The results in Markdown."""
    rows = []
    for case, words in CASES.items():
        times = found["times"].get(case, {})
        pip, uv, ours = (times.get(name, []) for name in (DOCKER, DOCKER_UV, CNBKIT))
        goal = f"{GOALS[case]:.2f}" if case in GOALS else "-"
        told = (seconds(pip), seconds(uv), seconds(ours), ratio(ours, pip), goal, ratio(ours, uv))
        rows.append((words, *told))
    text = markdown(("", DOCKER, DOCKER_UV, CNBKIT, "to pip", "goal", "to uv"), rows)
    fresh = found["times"].get("fresh", {}).get(CNBKIT, [])
    retry, alone = found["retry"], found["uv"]
    text += "\n" + markdown(
        ("alone", "seconds", "a fresh build to it"),
        [("uv, cache empty", seconds(alone), ratio(fresh, alone))],
    )
    text += (
        f"\nAfter a failed build: {seconds(retry['times'])}, "
        f"{median(retry['fetched']) / 1e6:.1f} MB fetched.\n\n"
    )
    sizes = found["sizes"]
    return text + markdown(
        ("", "compressed image", "cnbkit's to it"),
        [
            (name, f"{size / 1e6:.1f} MB", ratio([sizes[CNBKIT]], [size]))
            for name, size in sizes.items()
        ],
    )


def main() -> None:
    """Measure, and print the table; `bench/run.py --only many` puts it into the report."""
    parser = argparse.ArgumentParser(prog="bench/many.py", description=__doc__)
    parser.add_argument("--runs", type=int, default=3, metavar="N", help="of each case")
    parser.add_argument("--quick", action="store_true", help="once, with a quarter of the size")
    parser.add_argument("--scale", type=float, default=1.0, metavar="F", help="of the packages")
    parser.add_argument("--builder", metavar="FILE", type=Path, help="another one, to compare")
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # end what was started, too
    results = HERE / "results"
    results.mkdir(exist_ok=True)
    options = ("--builder", str(asked.builder.resolve())) if asked.builder else ()
    with tempfile.TemporaryDirectory(prefix="cnbkit-bench-", dir="/var/tmp") as folder:
        rounds = Rounds(1, 1) if asked.quick else Rounds(asked.runs, asked.runs)
        scale = 0.25 if asked.quick else asked.scale
        found = measure_many(Path(folder), results, rounds, scale, options)
    print(table(found))


if __name__ == "__main__":
    main()
