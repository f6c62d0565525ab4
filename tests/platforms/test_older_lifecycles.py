"""Our buildpacks on the lifecycles that platforms still run, made of their Go modules."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cnbkit.spec.buildpack import BuildpackDescriptor
from cnbkit_engine.base.suites import DEFAULT
from cnbkit_engine.lifecycle.install import PHASES
from cnbkit_engine.state.home import Home
from cnbkit_engine.testing import LifecycleBuild

from ..e2e.index import PackageIndex
from .imitation import Platform, PlatformEngine

if TYPE_CHECKING:
    from collections.abc import Callable

    from cnbkit_engine.build.build import Kit

ROOT = Path(__file__).resolve().parents[2]
NEWEST = {"0.17.7": "0.12", "0.19.6": "0.13", "0.20.11": "0.14"}
"""The newest Platform API that each knows."""

APP = {
    "requirements.txt": "corplib==1.0\n",
    "app.py": "import corplib\nprint('corplib', corplib.VERSION)\n",
    "entrypoint.toml": 'web = "python app.py"\n'
    'check = {command = "python -m corplib", exec-env = ["test"]}\n',
    "business-tags.yaml": "team: ml\n",
}
BUILDPACKS = [ROOT / "buildpacks" / name for name in ("python", "pip", "elf", "start", "labels")]


@dataclass
class OlderEngine(PlatformEngine):
    """A platform with another lifecycle."""

    lifecycle: Path

    def kit(self, builder: Path) -> Kit:
        """All but the lifecycle is cnbkit's."""
        return replace(super().kit(builder), lifecycle=self.lifecycle)


@pytest.fixture
def older_lifecycle(program: Callable[..., Path]) -> Callable[[str], Path]:
    """The folder of an older lifecycle's programs, by its version."""

    def make(version: str) -> Path:
        source = "github.com/buildpacks/lifecycle/cmd"
        folder = program(
            f"lifecycles/{version}",
            packages=(f"{source}/lifecycle", f"{source}/launcher"),
            variables={f"{source}.Version": version},
        )
        for name in PHASES:
            if not (folder / name).exists():
                (folder / name).symlink_to("lifecycle")
        return folder

    return make


@pytest.mark.parametrize("phases", [False, True], ids=["creator", "phases"])
@pytest.mark.parametrize(
    "version",
    # Making one takes minutes: by day the one that kpack has.
    [pytest.param("0.17.7", marks=pytest.mark.nightly),
     pytest.param("0.19.6", marks=pytest.mark.nightly), "0.20.11"],
)  # fmt: skip
def test_a_build_passes_and_the_next_has_every_layer_reused(
    version: str, phases: bool, older_lifecycle: Callable[[str], Path], tmp_path: Path
) -> None:
    platform = Platform(f"lifecycle {version}", NEWEST[version], phases=phases)
    lifecycle = older_lifecycle(version)
    engine = OlderEngine(Home.default(), {}, tmp_path / "cache", platform, lifecycle)
    builds = LifecycleBuild(engine, tmp_path / "source")
    with closing(PackageIndex(tmp_path / "index")) as index, closing(builds):
        index.add("corplib", "1.0")
        settings = {"BP_PIP_INDEX_URL": index.url, "BP_PYTHON_VERSION": DEFAULT.python}
        built = builds.build(APP, buildpacks=BUILDPACKS, env=settings)
        assert built.run("web") == "corplib 1.0\n"
        assert built.image.labels["team"] == "ml"

        again = built.rebuild()
        assert again.layers == built.layers
        assert {each for name, each in again.states.items() if name != "app"} == {"reused"}

        changed = again.rebuild(app={"app.py": "print('changed')\n"})
        assert changed.run() == "changed\n"
        moved = {name for name in changed.layers if changed.layers[name] != built.layers[name]}
        assert moved == {"app"}, changed.log


def test_descriptors_say_the_lowest_api_that_has_what_they_use() -> None:
    """Of Buildpack API 0.12 that is `exec-env` in the buildpack's own table, of 0.11 nothing."""
    said = {}
    for folder in ("buildpacks", "builder", "examples"):
        for path in sorted((ROOT / folder).rglob("buildpack.toml")):
            descriptor = BuildpackDescriptor.loads(path.read_text())
            lowest = "0.12" if descriptor.buildpack.exec_env else "0.10"
            said[str(path.relative_to(ROOT))] = (descriptor.api, lowest)
    assert len(said) > 20
    assert [name for name, (api, lowest) in said.items() if api != lowest] == []
