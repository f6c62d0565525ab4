"""`cnbkit new`."""

from __future__ import annotations

import keyword
from pathlib import Path
from string import Template

import click

import cnbkit
from cnbkit.errors import UserFault
from cnbkit.spec import names
from cnbkit_engine.cli.say import say
from cnbkit_engine.cli.written import write_files

__all__ = ["command"]

_TEMPLATES = Path(__file__).with_name("templates")
_GITHUB = ".github"


@click.command("new")
@click.argument("name")
@click.option(
    "--kind",
    type=click.Choice(["component", "composite", "extension"]),
    default="component",
    show_default=True,
    help="A buildpack with code, an order of others, or an image extension.",
)
@click.option(
    "--dir",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where to put it; a folder called like the id's last part if not given.",
)
@click.option("--github", is_flag=True, help="Add a workflow that checks and tests every push.")
def command(name: str, kind: str, folder: Path | None, github: bool) -> None:
    """Start a buildpack with the id NAME, such as acme/hello.

    Makes a folder with its code, tests and README. They are green at once.
    """
    pack = _checked(name)
    folder = folder or Path(pack.rpartition("/")[2])
    files = _composite(pack) if kind == "composite" else _rendered(kind, _words(pack))
    files.update(_rendered("common", _words(pack)))
    if not github:
        files = {path: text for path, text in files.items() if not path.startswith(_GITHUB)}
    _write(folder, files)
    say(f"Made {folder} with the {kind} {pack}. Next:")
    say(f"  cnbkit test {folder}")
    say(f"  cnbkit check {folder}")
    if kind == "extension":
        say(f'  name it in a builder.toml: [[extensions]] uri = "{folder}"')
    else:
        app = "tests/app" if kind == "component" else "hello/tests/app"
        say(f"  cnbkit build {folder}/{app} --builder {folder}/builder.toml --tag greeting")


def _checked(name: str) -> str:
    try:
        return names.buildpack_id(name)
    except ValueError as error:
        raise UserFault(
            f"{name!r} cannot be the id of a buildpack: {error}",
            where="NAME",
            remedy="write it like acme/hello: who it is from, and what it is called",
        ) from None


def _composite(pack: str) -> dict[str, str]:
    inner = _rendered("component", _words(f"{pack}-hello"))
    files = {f"hello/{path}": text for path, text in inner.items() if path != "builder.toml"}
    return {**_rendered("composite", _words(pack)), **files}


def _words(pack: str) -> dict[str, str]:
    """What the templates are filled with."""
    last = pack.rstrip("/").rpartition("/")[2]
    parts = ["".join(filter(str.isalnum, part)) for part in last.replace(".", "-").split("-")]
    parts = [part for part in parts if part] or ["my"]
    class_name = "".join(part[0].upper() + part[1:] for part in parts)
    if not class_name[0].isalpha() or class_name in cnbkit.__all__ or keyword.iskeyword(class_name):
        class_name = f"My{class_name}"
    module = "_".join(part.lower() for part in parts)
    return {
        "id": pack,
        "name": last,
        "slug": "-".join(part.lower() for part in parts),
        # A name of its own, whatever modules Python and its packages have.
        "module": f"{module}_buildpack" if module[0].isalpha() else f"my_{module}_buildpack",
        "class_name": class_name,
        "setting": f"BP_{module.upper()}_GREETING",
        # What is made for one minor version is for its fixes, too.
        "release": cnbkit.__version__.rpartition(".")[0],
    }


def _rendered(kind: str, words: dict[str, str]) -> dict[str, str]:
    """Path → text of every template of a kind."""
    files = {}
    for template in sorted((_TEMPLATES / kind).rglob("*.tmpl")):
        path = template.relative_to(_TEMPLATES / kind).as_posix().removesuffix(".tmpl")
        text = template.read_text(encoding="utf-8")
        files[path.replace("__module__", words["module"])] = Template(text).substitute(words)
    return files


def _write(folder: Path, files: dict[str, str]) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UserFault(
            f"{folder} is there already, and nothing is overwritten",
            where=str(folder),
            remedy="choose another place with --dir, or move that away",
        )
    write_files(
        folder, files, option="--dir", executable=[name for name in files if "bin/" in name]
    )
