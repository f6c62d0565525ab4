"""Builds pass on each platform: its Platform API, steps, environment and bindings."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cnbkit_engine.base.suites import DEFAULT
from cnbkit_engine.state.home import Home
from cnbkit_engine.testing import LifecycleBuild

from ..e2e.index import PackageIndex
from .imitation import JobEngine, Platform, PlatformEngine, cut, whole, with_newline

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent

WEB = ("-process-type", "web")
PLATFORMS = [
    Platform(
        "kpack 0.18", "0.9", phases=True, binding="kubernetes", binding_root=True,
        cache_image=True, docker_config=True, options=WEB,
    ),
    Platform(
        "Tekton buildpacks 0.6", "0.9", app="/workspace/source", docker_config=True, options=WEB,
    ),
    Platform(
        "Tekton buildpacks-phases 0.3", "0.13", phases=True, app="/workspace/source", value=cut,
        binding="kubernetes", cache_image=True, docker_config=True, options=WEB,
    ),
    Platform("Shipwright buildpacks-v3", "0.13", phases=True, app="/workspace/source", value=cut),
    Platform("Jenkins cnbBuild", "0.12", binding="files", restores=False, docker_config=True),
    Platform("CircleCI orb", "0.12", value=cut),
    Platform("GitLab Auto Build", "0.12", phases=True, value=with_newline, binding="files"),
    Platform("pack 0.40", "0.15", value=whole, binding="files"),
]  # fmt: skip
# No equals sign, space or semicolon: what the platforms above cut at.
SETTINGS = {"BP_PYTHON_VERSION": DEFAULT.python, "BP_PROBE": "team:ml,cost:42"}
APP = {
    "requirements.txt": "corplib==1.0\n",
    "app.py": "import corplib\nprint('corplib', corplib.VERSION)\n",
}
BUILDPACKS = [HERE / "probe", *(ROOT / "buildpacks" / name for name in ("python", "pip", "start"))]


@pytest.fixture(scope="module")
def private(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PackageIndex]:
    """An index that wants a login."""
    folder = tmp_path_factory.mktemp("private")
    with closing(PackageIndex(folder / "index", "ann", "s3cret-pass")) as made:
        made.add("corplib", "1.0")
        yield made


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PackageIndex]:
    """An index for all, where a platform has no bindings."""
    with closing(PackageIndex(tmp_path_factory.mktemp("public") / "index")) as made:
        made.add("corplib", "1.0")
        yield made


@pytest.mark.parametrize("platform", PLATFORMS, ids=lambda each: each.name)
def test_a_build_passes(
    platform: Platform, private: PackageIndex, public: PackageIndex, tmp_path: Path
) -> None:
    binding = _binding(private)
    engine = PlatformEngine(Home.default(), binding, tmp_path / "cache", platform)
    settings = dict(SETTINGS)
    if not platform.binding:
        settings["BP_PIP_INDEX_URL"] = public.url
    builds = LifecycleBuild(engine, tmp_path / "source")
    try:
        built = builds.build(APP, buildpacks=BUILDPACKS, env=settings)
        found = f"index={private.url}" if platform.binding else "-"
        assert f"detect: team:ml,cost:42 {found}\n" in built.log
        assert f"build: team:ml,cost:42 {found}\n" in built.log
        assert "user 1000:1000, amd64, production" in built.log
        assert f"{DEFAULT.python} from BP_PYTHON_VERSION" in built.log
        assert private.password not in built.log
        assert built.image.user == "1000:1000"
        assert built.run("web") == "corplib 1.0\n"

        again = built.rebuild(app={"app.py": "print('changed')\n"})
        assert again.run() == "changed\n"
        moved = {name for name in again.layers if again.layers[name] != built.layers.get(name)}
        assert moved == {"app"}, again.log
        if platform.restores:
            assert again.states["cnbkit/pip:site"] == "reused"
    finally:
        builds.close()


def test_the_job_for_gitlab_builds_in_the_builder(private: PackageIndex, tmp_path: Path) -> None:
    job = ROOT / "platforms" / "gitlab" / "builder.gitlab-ci.yml"
    binding = {
        key: text for key, text in _binding(private).items() if key not in ("type", "default")
    }
    engine = JobEngine(Home.default(), binding, tmp_path / "cache", job)
    builds = LifecycleBuild(engine, tmp_path / "source")
    try:
        built = builds.build(APP, buildpacks=BUILDPACKS, env={"BP_PROBE": "team:ml,cost:42"})
        assert f"build: team:ml,cost:42 package-index={private.url}\n" in built.log
        assert f"{DEFAULT.python} from BP_PYTHON_VERSION" in built.log
        assert private.password not in built.log
        assert built.run() == "corplib 1.0\n"

        # The next commit, of which the registry has no image yet.
        again = built.rebuild(app={"app.py": "print('changed')\n"})
        assert again.run() == "changed\n"
        moved = {name for name in again.layers if again.layers[name] != built.layers.get(name)}
        assert moved == {"app"}, again.log
        assert again.states["cnbkit/pip:site"] == "reused"
    finally:
        builds.close()


def _binding(index: PackageIndex) -> dict[str, str]:
    return {
        "type": "pypi",
        "url": index.url,
        "username": index.user,
        "password": index.password,
        "default": "true",
    }
