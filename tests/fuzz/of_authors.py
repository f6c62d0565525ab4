"""What authors of buildpacks and builders write, and what is read of any app before its build."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cnbkit.spec.buildpack import read_metadata
from cnbkit.spec.dockerfile import check
from cnbkit.spec.launch import Launch
from cnbkit_engine.adopt.adoption import adopted
from cnbkit_engine.base.gpu import asks_for_gpus
from cnbkit_engine.build.app_files import AppFiles
from cnbkit_engine.build.asked_python import asked_python
from cnbkit_engine.build.unfit_package import unfit_package
from cnbkit_engine.builder.choices import choices
from cnbkit_engine.builder.distros import builder_suites
from cnbkit_engine.buildpack.composite import Composite
from cnbkit_engine.buildpack.dependency_update import read_feed, updated
from cnbkit_engine.buildpack.source import BuildpackSource
from cnbkit_engine.extend import dockerfile as of_extensions
from cnbkit_engine.extend.request import requests
from cnbkit_engine.lint.finding import Findings
from cnbkit_engine.lint.text import Python, TomlFile
from cnbkit_engine.oci.reference import Reference
from cnbkit_engine.spec.builder import BuilderDescriptor
from cnbkit_engine.spec.lifecycle_files import Analyzed, GroupFile, LayerFile, Report

from .lab import Format

if TYPE_CHECKING:
    from collections.abc import Callable

    from cnbkit.spec.toml import Document

    from .lab import Lab

__all__ = ["FORMATS"]

_BUILDPACK = '[buildpack]\nid = "a/b"\nversion = "1"\n'
_COMPOSITE = f'api = "0.10"\n{_BUILDPACK}[[order]]\n[[order.group]]\nid = "a/c"\nversion = "1"\n'
_PLACES = ("a", "a/b.py", "a" * 200, "docs/readme.md", "x/" * 40 + "y", "a\nb", "ä")


def _data(lab: Lab, name: str) -> bytes:
    return (lab.app / name).read_bytes()


def _text(lab: Lab, name: str) -> str:
    return _data(lab, name).decode(errors="replace")


def _document(kind: type[Document], name: str) -> Callable[[Lab], None]:
    def read(lab: Lab) -> None:
        kind.loads(_data(lab, name), name=name, where=name)

    return read


def _before(lab: Lab) -> None:
    """Which base and run image: read on the machine itself, before there is a sandbox."""
    if asked := asked_python(lab.app, {}):
        asked.satisfied_by("3.13.5")
    unfit_package(lab.app, {}, "3.13", "3.11")
    asks_for_gpus(lab.app, {}, lab.root)


def _files(lab: Lab) -> None:
    files = AppFiles(lab.app)
    assert all("/" not in name for name in {"A": "", **files.variables})
    for place in _PLACES:
        files.chosen(place)


def _builder(lab: Lab) -> None:
    path = lab.app / "builder.toml"
    choices(path)
    builder_suites(path)
    TomlFile(path, Findings()).line("order", 0, "group", 0, "id")
    BuilderDescriptor.loads(path.read_bytes(), name=path.name, where=str(path))


def _buildpack(lab: Lab) -> None:
    data = _data(lab, "buildpack.toml")
    TomlFile(lab.app / "buildpack.toml", Findings()).line("buildpack", "id")
    BuildpackSource(lab.app)
    read_metadata(data, Launch, name="buildpack.toml", where="buildpack.toml")


def _extension(lab: Lab) -> None:
    TomlFile(lab.app / "extension.toml", Findings()).line("extension", "id")
    BuildpackSource(lab.app)


def _package(lab: Lab) -> None:
    Composite(lab.app)


def _feed(lab: Lab) -> None:
    updated(lab.app / "buildpack.toml", read_feed(_data(lab, "feed"), "feed"))


def _dockerfile(lab: Lab) -> None:
    text = _text(lab, "run.Dockerfile")
    check("run", text)
    check("build", text)
    arguments = {"base_image": "x", "A": "1"}
    for each in of_extensions.read(text, "run.Dockerfile"):
        of_extensions.words(each, arguments)
        if each.name in ("ENV", "LABEL"):
            of_extensions.pairs(each, arguments, "run.Dockerfile")


def _extend_config(lab: Lab) -> None:
    requests(lab.root / "generated", ["a/b"], "run", lab.app)


def _adopt(lab: Lab) -> None:
    adopted(lab.app / "Dockerfile", context=lab.app)


def _reference(lab: Lab) -> None:
    Reference.parse(_text(lab, "reference")).to_store("--tag")


def _code(lab: Lab) -> None:
    found = Python([lab.app / "code.py"])
    found.settings()
    found.imports()
    found.plan_names("provides")


FORMATS = (
    Format("builder.toml", _builder),
    Format("buildpack.toml", _buildpack),
    Format("extension.toml", _extension),
    Format("package.toml", _package, {"buildpack.toml": _COMPOSITE}),
    Format("dependency-feed", _feed, {"buildpack.toml": f'api = "0.10"\n{_BUILDPACK}'}, "feed"),
    Format("code-of-a-buildpack", _code, place="code.py"),
    Format("run.Dockerfile", _dockerfile),
    Format(
        "extend-config.toml",
        _extend_config,
        {"/generated/a_b/run.Dockerfile": "FROM x\n"},
        "/generated/a_b/extend-config.toml",
    ),
    Format("Dockerfile", _adopt),
    Format("reference", _reference),
    Format("analyzed.toml", _document(Analyzed, "analyzed.toml")),
    Format("report.toml", _document(Report, "report.toml")),
    Format("group-of-a-builder", _document(GroupFile, "group.toml"), place="group.toml"),
    Format("types-of-a-layer", _document(LayerFile, "layer.toml"), place="layer.toml"),
    Format(".dockerignore", _files, {"pyproject.toml": '[project]\nreadme = "a"\n'}),
    Format("files-of-project.toml", _files, place="project.toml"),
    Format("files-of-pyproject.toml", _files, {".dockerignore": "*\n"}, "pyproject.toml"),
    *(
        Format(f"before-{name.lstrip('.')}", _before, place=name)
        for name in (
            *("requirements.txt", "pyproject.toml", "Pipfile", "Pipfile.lock", "poetry.lock"),
            *("hardware.txt", ".python-version", ".tool-versions"),
        )
    ),
)
