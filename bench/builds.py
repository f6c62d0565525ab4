"""One app: fresh builds and rebuilds, by Docker and by cnbkit, turn by turn."""

from __future__ import annotations

import os
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bench.docker_engine import DockerEngine, docker_engine
from bench.floor import LifecycleAlone, uv_alone
from bench.measure import MemoryWatch
from bench.registry import local_registry
from bench.sides import App, CnbkitSide, DockerSide, Side
from cnbkit_engine.base.images import BaseImages, machine_architecture
from cnbkit_engine.lifecycle.install import ensure_lifecycle
from cnbkit_engine.oci.store import ImageStore
from cnbkit_engine.state.home import Home

if TYPE_CHECKING:
    from pathlib import Path

    from bench.registry import LocalRegistry
    from bench.stories import Story

__all__ = [
    "CASES",
    "CNBKIT",
    "DOCKER",
    "DOCKER_UV",
    "Rounds",
    "measure_builds",
    "with_pip",
    "with_uv",
]

DOCKER, DOCKER_UV, CNBKIT = "docker (pip)", "docker (uv)", "cnbkit"
CASES = {
    "fresh": "fresh",
    "none": "no change",
    "code": "one line of code",
    "light": "one light dependency",
}

# Debian's packages first: they change least.
_APT = """\
RUN apt-get update && apt-get install -y --no-install-recommends {packages} \\
 && rm -rf /var/lib/apt/lists/*
"""
_COMMAND = 'COPY . .\nCMD ["python3", "app.py"]\n'


def with_pip(index: str = "") -> str:
    """A Dockerfile's lines that install by pip, and copy the app.

    Args:
        index: another one than pip's own.
    """
    option = f" --index-url {index}" if index else ""
    return f"""\
WORKDIR /app
COPY requirements.txt .
RUN pip install --no-cache-dir{option} -r requirements.txt
{_COMMAND}"""


def with_uv(index: str = "") -> str:
    """The same by uv, which keeps what it fetches and compiles bytecode."""
    option = f" --default-index {index}" if index else ""
    return f"""\
WORKDIR /app
COPY requirements.txt .
RUN --mount=type=cache,target=/root/.cache/uv \\
    uv pip install --system --link-mode=copy --compile-bytecode{option} -r requirements.txt
{_COMMAND}"""


@dataclass(frozen=True)
class Rounds:
    """How often each thing is measured.

    Args:
        fresh: builds from nothing.
        rebuild: of each kind; memory is watched only if there are several.
    """

    fresh: int
    rebuild: int


@dataclass
class _Session:
    """Everything that stands ready while measuring."""

    sides: list[Side]
    engine: DockerEngine
    services: set[int]
    times: dict[str, dict[str, dict[str, list[float]]]] = field(default_factory=dict)

    def measure(self, case: str, number: int) -> None:
        """One round: each side builds once, another one first each time."""
        turn = number % len(self.sides)
        for side in [*self.sides[turn:], *self.sides[:turn]]:
            _prepare(case, side, number)
            told = []
            for output, value in side.build().items():
                rows = self.times.setdefault(output, {}).setdefault(case, {})
                rows.setdefault(side.name, []).append(value)
                told.append(f"{output} {value:.2f} s")
            print(f"  {CASES[case]:20} {side.name:14} {', '.join(told)}", flush=True)

    def watch_memory(self, case: str) -> dict[str, tuple[int, int]]:
        """Build once more, untimed; bytes at the peak: (all processes, the buildpacks')."""
        found: dict[str, tuple[int, int]] = {}
        for side in self.sides:
            if side.name in found:  # where cnbkit puts the image is no matter here
                continue
            docker = isinstance(side, DockerSide)
            _prepare(case, side, -1)
            print(f"  memory, {CASES[case]}: {side.name}", flush=True)
            with MemoryWatch(
                roots={self.engine.pid, os.getpid()} if docker else {os.getpid()},
                without=self.services - ({self.engine.pid} if docker else set()),
                part=lambda line: "/cnb/buildpacks/" in line,
            ) as watch:
                side.build()
            found[side.name] = (watch.peak, watch.part_peak)
        return found


def measure_builds(story: Story, scratch: Path, results: Path, rounds: Rounds) -> dict[str, Any]:
    """Measure everything and return plain data.

    Args:
        story: the app.
        scratch: an empty folder on a disk, with a short path; may be deleted afterwards.
        results: keeps what later measurements use again, and logs.
        rounds: how often.
    """
    with ExitStack() as stack:
        registry, registry_pid = stack.enter_context(local_registry(scratch))
        engine = stack.enter_context(docker_engine(scratch / "docker"))
        session = _Session(
            _sides(story, scratch, results, registry, engine), engine, {registry_pid, engine.pid}
        )
        print("Warming up ...", flush=True)
        for side in session.sides:
            if isinstance(side, CnbkitSide):
                side.reset()
                side.build()  # assembles the buildpacks
        memory = {} if rounds.rebuild == 1 else {"fresh": session.watch_memory("fresh")}
        sizes = {}
        for case in CASES:
            for number in range(rounds.fresh if case == "fresh" else rounds.rebuild):
                session.measure(case, number)
            if case == "fresh":
                sizes = {side.name: side.size() for side in session.sides if side.size()}
                print("Building once more, since the engine has one build cache ...", flush=True)
                for side in session.sides:  # which each fresh build emptied for all others
                    side.build()
            if case == "code" and memory:
                memory["code"] = session.watch_memory("code")
        floor = _floor(story, scratch, results, registry, rounds)
        return {
            "docker": engine.version(),
            "floor": floor,
            "base": {
                "docker": registry.size("base"),
                "cnbkit": _run_image_size(Home.default()),
            },
            "sizes": sizes,
            "memory": memory,
            "times": session.times,
        }


def _floor(
    story: Story, scratch: Path, results: Path, registry: LocalRegistry, rounds: Rounds
) -> dict[str, list[float]]:
    """Seconds of the parts alone: `uv` what is downloaded, `lifecycle` after a change of code."""
    app = App(story.folder, scratch / "apps" / "alone")
    app.reset()
    log = results / "alone.log"
    (scratch / "alone").mkdir()
    lifecycle = LifecycleAlone(app, registry, Home.default(), scratch / "alone", log)
    lifecycle.build()  # the image whose layers the others re-use
    found: dict[str, list[float]] = {"uv": [], "lifecycle": []}
    for _ in range(rounds.fresh):
        found["uv"].append(uv_alone(app, scratch, log))
    for number in range(rounds.rebuild):
        app.change_code(number)
        found["lifecycle"].append(lifecycle.build())
    for name, values in found.items():
        print(f"  {name} alone: {', '.join(f'{value:.2f} s' for value in values)}", flush=True)
    return found


def _prepare(case: str, side: Side, number: int) -> None:
    if case == "fresh":
        side.reset()
    elif case == "code":
        side.app.change_code(number + 2)
    elif case == "light":
        side.app.change_light(number + 1)


def _sides(
    story: Story, scratch: Path, results: Path, registry: LocalRegistry, engine: DockerEngine
) -> list[Side]:
    base = f"{registry.host}/base"
    engine.make_base(results / "docker-base.tar", base)
    engine.make_uv_base(base, f"{base}-uv")
    prepared = Home.default()
    BaseImages(prepared, ImageStore(prepared.images), progress=print).prepare()
    ensure_lifecycle(prepared, arch=machine_architecture(), progress=print)

    def app(name: str) -> App:
        return App(story.folder, scratch / "apps" / name)

    def docker(name: str, key: str, dockerfile: str, image: str) -> Side:
        return DockerSide(
            name, dockerfile, image, engine, registry, app(key), results / f"{key}.log"
        )

    def cnbkit(key: str, target: LocalRegistry | None) -> Side:
        home = Home(scratch / key)
        return CnbkitSide(CNBKIT, target, home, prepared, app(key), results / f"{key}.log")

    apt = _APT.format(packages=" ".join(story.debian)) if story.debian else ""
    return [
        docker(DOCKER, "docker-pip", apt + with_pip(), base),
        cnbkit("cnbkit-publish", registry),
        docker(DOCKER_UV, "docker-uv", apt + with_uv(), f"{base}-uv"),
        cnbkit("cnbkit-store", None),
    ]


def _run_image_size(home: Home) -> int:
    from cnbkit_engine.oci.image import Image

    store = ImageStore(home.images)
    name = next(name for name in store.names() if name.startswith("cnbkit/run:"))
    return Image.from_store(store, name).size
