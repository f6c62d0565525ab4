"""A commit in CI, built by each template: as the first one of its image, and after another one.

    python bench/commits.py [--commits 3] [--app examples/vision]

Each commit changes one line of app.py, has a tag of its own and is built on a machine that has
nothing of the commit before, but for the builder image and base images. All go to one registry on
this machine. bench/commit_templates.py says what stands for each CI service.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

HERE = Path(__file__).resolve().parent
if str(HERE.parent) not in sys.path:  # started as a program, its own folder is there instead
    sys.path.insert(0, str(HERE.parent))

from bench.commit_templates import CircleCi, Kpack, Tekton  # noqa: E402
from bench.table import markdown, ratio, seconds  # noqa: E402
from cnbkit_engine.oci.image import Image  # noqa: E402
from cnbkit_engine.oci.remote import Remote  # noqa: E402
from cnbkit_engine.oci.store import ImageStore  # noqa: E402
from cnbkit_engine.state.home import Home  # noqa: E402
from cnbkit_engine.state.workspace import Workspace  # noqa: E402
from cnbkit_engine.testing.pack_services import PackServices  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from bench.commit_templates import Template

__all__ = ["Commits", "copies", "measure_commits", "own_layers", "table"]

_BUILDER = HERE.parent / "builder" / "builder.toml"
_APP = HERE.parent / "examples" / "vision"
_PACKAGES = "cnbkit/pip:site"
_OF_A_COMMIT = {"app", "config"}
"""Layers that a commit changes: the app's files; what the lifecycle repeats of the labels."""


@dataclass
class Commits:
    """Seconds of a template's commits.

    Attributes:
        alone: of those that had nothing to go on from.
        after: of those that had the commit before.
    """

    alone: list[float] = field(default_factory=list)
    after: list[float] = field(default_factory=list)


def measure_commits(
    templates: Sequence[Template], app: Path, commits: int, folder: Path, arch: str
) -> dict[str, Commits]:
    """Build commits turn by turn, by every template in both ways.

    Args:
        templates: who builds.
        app: its app.py is changed by each commit, in a copy.
        commits: how many in each way, besides the first one.
        folder: empty; for the copy and for images that are looked at.
        arch: of the images.

    Raises:
        AssertionError: a build failed; the commit after another one has more new layers than the
            app's, or the one alone was not built anew.
    """
    found = {template.name: Commits() for template in templates}
    before: dict[str, Mapping[str, str]] = {}
    for number, copy in enumerate(copies(app, folder / "app", commits + 1)):
        for template in templates:
            for reuse in (False, True) if number else (True,):
                template.fresh_machine()
                begin = time.perf_counter()
                image, said = template.build(copy, f"{number:07x}", reuse=reuse)
                took = time.perf_counter() - begin
                goes_on = reuse and number > 0
                assert (f"Reusing layer '{_PACKAGES}'" in said) == goes_on, said
                print(f"  {template.name}, {number}, {reuse=}: {took:.2f} s", flush=True)
                if number:
                    times = found[template.name]
                    (times.after if reuse else times.alone).append(took)
                if reuse:
                    layers = own_layers(image, folder / "images", arch)
                    old = before.get(template.name, {})
                    changed = {what for what, digest in layers.items() if digest != old.get(what)}
                    assert _PACKAGES in layers, layers
                    assert not number or changed <= _OF_A_COMMIT, changed
                    before[template.name] = layers
    return found


def copies(app: Path, folder: Path, count: int) -> Iterator[Path]:
    """The app as it is at each commit, with one line of it changed."""
    for number in range(count):
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(app, folder, ignore=shutil.ignore_patterns("__pycache__"))
        file = folder / "app.py"
        text, line = file.read_text(), 'GREETING = "Shapes in the picture'
        assert line in text
        file.write_text(text.replace(line, f"{line}, number {number}"))
        yield folder


def own_layers(name: str, folder: Path, arch: str) -> Mapping[str, str]:
    """The image's own layers in the registry: digests by what they are."""
    store = ImageStore(folder)
    Remote(name).fetch(store, "seen", arch)
    layers = Image.from_store(store, "seen").layers
    return {layer.what: layer.digest for layer in layers if layer.kind != "base"}


def table(found: Mapping[str, Commits]) -> str:
    """What `measure_commits` found, in Markdown."""
    rows = [
        (name, seconds(times.alone), seconds(times.after), ratio(times.after, times.alone))
        for name, times in found.items()
    ]
    return markdown(("", "nothing of a commit before", "after a commit", "ratio"), rows)


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(prog="bench/commits.py", description=__doc__)
    parser.add_argument("--commits", type=int, default=3, metavar="N", help="in each way")
    parser.add_argument("--app", type=Path, default=_APP, metavar="DIR")
    options = parser.parse_args()
    from tests.go_programs import go_programs

    home = Home.default()
    packages = ("cnbkit/tools/kpack", "github.com/pivotal/kpack/cmd/build-init")
    with Workspace(home.tools, background=True) as space:
        programs = go_programs("kpack", packages, {}, space)
    services = PackServices(home)
    try:
        builder = services.builder(_BUILDER)
        services.docker.docker("pull", "--quiet", builder)
        services.docker.docker("pull", "--quiet", services.run_image)
        templates = (
            CircleCi(services, builder),
            Tekton(services, builder),
            Kpack(services, builder, programs),
        )
        with tempfile.TemporaryDirectory() as folder:
            found = measure_commits(
                templates, options.app, options.commits, Path(folder), services.arch
            )
        print(table(found))
    finally:
        services.stop()


if __name__ == "__main__":
    main()
