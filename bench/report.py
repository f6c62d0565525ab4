"""What was measured, as bench/RESULTS.md says it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.builds import CASES, CNBKIT, DOCKER, DOCKER_UV
from bench.detect import BARE
from bench.ecosystems import ECOSYSTEMS, table
from bench.many import table as many_table
from bench.rebase import rebased
from bench.stories import STORIES
from bench.table import markdown, milliseconds, ratio, seconds
from bench.variants import variants_table

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["report"]

_HEAD = """\
# Measurements

Written by `make bench`; do not edit. Seconds are medians with their range; a ratio is cnbkit's
median by the other's, so below 1 cnbkit is the faster or smaller one.
"""

_BUILDS = """
## Builds beside docker build

- **docker (pip)**: `docker build` with BuildKit, then `docker push`. Its Dockerfile copies
  requirements.txt, runs `pip install --no-cache-dir`, copies the app; where Debian's libraries are
  needed `apt-get install` comes before that. **docker (uv)**: the same with `uv pip install`,
  compiling bytecode, uv's cache in a cache mount.
- **cnbkit**: `cnbkit build`, with `--publish` for the registry.
- Docker's base image holds what python:3.13-slim does (Debian 13, Python 3.13, pip), made of the
  same Debian packages as cnbkit's. Before anything is measured it is in Docker's engine and in the
  registry, where `docker push` mounts it instead of sending it; cnbkit's run image is in cnbkit's
  store, and travels with each fresh image.
- The registry is Debian's docker-registry on a loopback address, one for both. Each fresh build
  has an image name the registry has not seen, Docker's build cache emptied (`docker builder prune
  --all`), and for cnbkit a new home with nothing in it but tools, assembled buildpacks and base
  images. Wheels are downloaded anew by both.
- "one line of code" changes a line of app.py to what it never was; "one light dependency" another
  version of certifi. Each starts from the build before it. Sides take turns, a different one first
  in each round.
"""

_MEMORY = """
Memory is the largest sum of PSS over all processes that work on one build (a run of its own, not a
timed one): the docker command, dockerd, containerd and what they start; the cnbkit command, the
lifecycle, the buildpacks and what they start. The registry does not count.
"""

_FLOOR = """
What a build cannot be quicker than while it consists of these parts: uv outside of any image, and
the lifecycle's creator in the same sandbox, publishing the app without its packages.
"""

_MANY = """
## 150 packages

20 heavy and 130 light packages made by `bench/packages.py`, served to all sides on loopback as the
public index serves its own; six of the light ones put modules into one's import package. Sides,
registry and turns are those of the builds above; images go to the registry. "to pip" is what the
goal is for. "after a failed build" is the build after one that ended with a package that cannot be
compiled, all others fetched. uv alone: the same packages into a folder, cache empty, bytecode
compiled.
"""

_DETECT = """
## Start-up of bin/detect

Started in the build root's sandbox, turn by turn. Exit code 100 is "not for me". bin/detect is a
shell script that knows by itself when nothing the buildpack looks for is there.
"""

_REBASE = """
## Rebase of many images

The run image has one layer more; each image in the store is put on it by the lifecycle's rebaser,
one after the other, each in a process and a sandbox of its own as `cnbkit rebase` does it. Nothing
is built. Of each image the layers are checked afterwards: the new run image's, then its own.
"""


def report(found: Mapping[str, Any]) -> str:
    """The whole document.

    Args:
        found: what was measured, by part.
    """
    text = _HEAD
    built = {name: story for name, story in STORIES.items() if name in found}
    if built:
        text += _BUILDS
    for name, story in built.items():
        text += f"\n### {story.title}\n" + _machine(found[name]) + _builds(found[name]["found"])
    for name, ecosystem in ECOSYSTEMS.items():
        if name in found:
            text += f"\n## {ecosystem.title}\n" + _machine(found[name])
            text += table(ecosystem, found[name]["found"])
    if "many" in found:
        text += _MANY + _machine(found["many"]) + "\n" + many_table(found["many"]["found"])
    if "variants" in found:
        text += "\n## One app for several kinds of hardware\n" + _machine(found["variants"])
        text += variants_table(found["variants"]["found"])
    if "detect" in found:
        text += _DETECT + _machine(found["detect"]) + _detect(found["detect"]["found"])
    if "rebase" in found:
        text += _REBASE + _machine(found["rebase"]) + "\n" + rebased(found["rebase"]["found"])
    return text


def _machine(part: Mapping[str, Any]) -> str:
    load = " → ".join(f"{value:.1f}" for value in part["load"])
    rows = [*part["machine"].items(), ("Load before → after", load)]
    return "\n" + markdown(("on", ""), rows).replace("| --: |", "| --- |") + "\n"


def _builds(found: Mapping[str, Any]) -> str:
    text = ""
    for output, title in (("registry", "Image in a registry"), ("local", "Image on the machine")):
        rows = []
        for case, words in CASES.items():
            times = found["times"].get(output, {}).get(case, {})
            ours, pip, uv = (times.get(name, []) for name in (CNBKIT, DOCKER, DOCKER_UV))
            rows.append(
                (words, seconds(pip), seconds(uv), seconds(ours), ratio(ours, pip), ratio(ours, uv))
            )
        head = ("", DOCKER, DOCKER_UV, CNBKIT, "to pip", "to uv")
        text += f"\n#### {title}\n\n{markdown(head, rows)}"
    return text + _floor(found) + _sizes(found) + _memory(found)


def _floor(found: Mapping[str, Any]) -> str:
    if "floor" not in found:
        return ""
    times = found["times"]["registry"]
    rows = []
    for name, case, what in (
        ("uv", "fresh", "uv: the packages downloaded, unpacked, compiled; no image"),
        ("lifecycle", "code", "lifecycle: one line of code, one buildpack of one line of shell"),
    ):
        alone, ours, pip = found["floor"][name], times[case][CNBKIT], times[case][DOCKER]
        rows.append((what, seconds(alone), seconds(ours), ratio(alone, ours), ratio(alone, pip)))
    head = ("alone", "alone", "cnbkit's whole build", "alone to cnbkit", "alone to docker (pip)")
    return f"\n#### The parts alone\n{_FLOOR}\n{markdown(head, rows)}"


def _sizes(found: Mapping[str, Any]) -> str:
    sizes, base = found["sizes"], found["base"]
    rows = [
        (
            name,
            _megabytes(sizes[name]),
            _megabytes(base["cnbkit" if name == CNBKIT else "docker"]),
            ratio([sizes[CNBKIT]], [sizes[name]]),
        )
        for name in (DOCKER, DOCKER_UV, CNBKIT)
    ]
    head = ("", "image", "of it the base", "cnbkit's to it")
    return f"\n#### Compressed size, as the manifest states it\n\n{markdown(head, rows)}"


def _memory(found: Mapping[str, Any]) -> str:
    if not found["memory"]:
        return ""
    rows = [
        (f"{name}, {CASES[case]}", _megabytes(peak), _megabytes(part) if part else "-")
        for case, sides in found["memory"].items()
        for name, (peak, part) in sides.items()
    ]
    head = ("", "all", "buildpacks and below")
    return f"\n#### Memory at the peak\n{_MEMORY}\n{markdown(head, rows)}"


def _detect(found: Mapping[str, Any]) -> str:
    bare = found[BARE]["wall"]
    rows = [
        (
            name,
            str(item["code"]),
            milliseconds(item["wall"]),
            milliseconds(item["cpu"]),
            ratio(item["wall"], bare),
        )
        for name, item in found.items()
    ]
    return markdown(("", "exit", "wall", "CPU", "to bare Python"), rows)


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"
