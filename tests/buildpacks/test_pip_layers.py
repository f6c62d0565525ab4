"""Which layers packages are installed into, and that nothing is fetched or made twice for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnbkit_pip.layers.partition import light_layer

from ..e2e.index import wheel, wheel_name
from .test_pip_resolution import INPUT, Index, buildpack, index

if TYPE_CHECKING:
    from pathlib import Path

    from cnbkit.testing import BuildpackRun

__all__ = ["buildpack", "index"]

# The second puts a module into the import package of the first.
ENTANGLED: dict[str, dict[str, str]] = {
    "host": {"host/__init__.py": ""},
    "plugin": {"host/plugin.py": ""},
    "other": {},
    "others": {},
}


def test_packages_that_share_folders_are_fetched_once_and_only_they_are_installed_again(
    buildpack_run: BuildpackRun, buildpack: Path, index: Index
) -> None:
    layers = {name: light_layer(name) for name in ENTANGLED}
    assert len({layers["host"], layers["plugin"], layers["other"]}) == 3
    for name, files in ENTANGLED.items():
        index.add(name, wheel_name(name, "1.0"), wheel(name, "1.0", extra=files))
    result = buildpack_run(
        buildpack,
        app={"requirements.txt": "".join(f"{name}==1.0\n" for name in ENTANGLED)},
        env={**INPUT, "BP_PIP_INDEX_URL": index.url},
    )
    assert result.code == 0, result.log
    places = {
        path.name.partition("-")[0]: path.relative_to(result.layers_dir).parts[0]
        for path in result.layers_dir.glob("*wheels*/prefix/lib/python*/site-packages/*.dist-info")
    }
    assert places["host"] == places["plugin"]
    assert {name: places[name] for name in ("other", "others")} == {
        name: layers[name] for name in ("other", "others")
    }
    wheels = [path for path in index.sent if path.endswith(".whl")]
    assert len(wheels) == len(set(wheels)) == len(ENTANGLED)
    assert "host, plugin share folders, so they get one layer" in result.log
    assert result.log.count("Installing 4 packages") == 1
    # Neither what has nothing to do with it is made again, bytecode included.
    assert result.log.count("other 1.0") == 1
    for path in result.layers_dir.glob("*wheels*/prefix/lib/python*/site-packages/*.py"):
        assert [*path.parent.glob(f"__pycache__/{path.stem}.*.pyc")], path
    # What is known from the last build is right at once.
    again = result.rebuild(app={"requirements.txt": "host==1.0\nplugin==1.0\nother==1.0\n"})
    assert "share folders" not in again.log
