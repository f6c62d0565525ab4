"""Our buildpacks, one by one, in a builder that others made."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from cnbkit_engine.cli.package import command as package
from cnbkit_engine.testing import LifecycleBuild
from cnbkit_engine.testing.pack import PackEngine

from .conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from cnbkit_engine.testing.pack_services import PackServices

APP = {"app.py": "import six\nprint('six', six.__version__)\n", "requirements.txt": "six==1.17.0\n"}


@pytest.fixture
def foreign_builder(build_image: str, tmp_path: Path) -> Path:
    """A builder without a buildpack of ours."""
    path = tmp_path / "builder.toml"
    path.write_text(
        f'[build]\nimage = "{build_image}"\n'
        f'[[buildpacks]]\nuri = "{ROOT / "tests" / "examples" / "foreign" / "motd"}"\n'
        '[[order]]\n[[order.group]]\nid = "samples/motd"\n'
    )
    return path


def test_packages_named_to_pack_build_in_somebody_elses_builder(
    pack_services: PackServices, foreign_builder: Path, tmp_path: Path
) -> None:
    options = []
    for name in ("python", "pip", "start"):
        file = tmp_path / f"{name}.cnb"
        folder = str(ROOT / "buildpacks" / name)
        target = f"linux/{pack_services.arch}"
        arguments = [folder, "--output", str(file), "--target", target]
        done = CliRunner().invoke(package, arguments)
        assert done.exit_code == 0, done.output
        options += ["--buildpack", str(file)]
    engine = PackEngine(pack_services, options, trusted=False)
    with closing(LifecycleBuild(engine, tmp_path / "builds")) as builds:
        built = builds.build(APP, builder=foreign_builder)
        assert built.run("web") == "six 1.17.0\n"
        again = built.rebuild(app={"app.py": "print('changed')\n"})
        assert again.states["cnbkit/pip:site"] == "reused"
        assert again.run("web") == "changed\n"


def test_a_source_folder_says_that_it_has_to_be_packaged(
    pack_services: PackServices, foreign_builder: Path, tmp_path: Path
) -> None:
    options = ["--buildpack", str(ROOT / "buildpacks" / "start")]
    engine = PackEngine(pack_services, options, trusted=False)
    with closing(LifecycleBuild(engine, tmp_path / "builds")) as builds:
        failed = builds.build(APP, builder=foreign_builder, code=21)
        assert "to do: run `cnbkit package` on it" in failed.log
