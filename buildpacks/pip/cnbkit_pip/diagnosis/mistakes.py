"""Lines of requirements that are wrong in a known way: what each says, and what to write.

Nothing here refuses a line that works: a line is looked at once the resolver has failed.
"""

from __future__ import annotations

import os
import re
from typing import NamedTuple

from cnbkit_import_names import DISTRIBUTIONS
from cnbkit_pip.diagnosis.written_elsewhere import short_address, signs, windows_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container

    from cnbkit_python_inputs.requirements import Line

__all__ = ["Mistake", "hardware_word", "misnamed", "unreadable"]

_WINDOWS = {
    "pywin32",
    "pypiwin32",
    "pywinpty",
    "wmi",
    "win32-setctime",
    "pywin32-ctypes",
    "winshell",
}
_MACS = {"pyobjc", "pyobjc-core", "appnope", "tensorflow-macos", "tensorflow-metal"}
# Of Python itself, but in a Debian package of its own where Python is Debian's.
_TKINTER = ("tkinter", "tk", "python3-tk", "python-tk")
_DRIVE = re.compile(r"(?:^|[\s@/=])[A-Za-z]:[\\/]")
_CONDA_EXPORT = re.compile(r"(?P<name>[A-Za-z0-9._-]+)=(?P<version>[0-9][^=\s]*)(?:=\S+)?")
_POETRY = re.compile(r"(?P<name>[A-Za-z0-9._-]+)\s*=\s*[\"'](?P<version>[^\"']*)[\"']")
_COMMAND = re.compile(
    r"(?:[!%]|\$ *)?(?:sudo )?(?:python3? -m )?(?P<tool>pip3? install|uv (?:pip install|add)|"
    r"poetry add|pdm add|pipenv install|(?:conda|mamba) install|apt(?:-get)? install)(?: -y)? "
    r"(?P<what>.+)"
)
_VERSION = re.compile(r"v?\d[\w.]*")
_ADDRESS = re.compile(r"(?:-i|--(?:extra-)?index-url)[ =]\s*(?P<address>\S+)")
_BUILD = re.compile(
    r"(?P<name>torch\w*)==(?P<version>[^+\s;]+)\+(?P<build>(?:cu|rocm|cpu|xpu)[\w.]*)"
)
# As pip has it; other ways of writing stay what they are.
_VARIABLE = re.compile(r"\$\{([A-Z0-9_]+)\}")
_REPOSITORIES = {
    "hg": ("Mercurial", "mercurial"),
    "svn": ("Subversion", "subversion"),
    "bzr": ("Bazaar", "brz"),
}
_OTHER_REPOSITORY = re.compile(r"(?:^|[\s@])(?P<kind>hg|svn|bzr)\+\w+://")
_OF_POINTER = re.compile(r"oid sha256:[0-9a-f]+|size \d+")
_PLAIN = re.compile(r"[A-Za-z0-9._-]+(?:\[[^\]]*\])?")


class Mistake(NamedTuple):
    """A line and what to do about it.

    Attributes:
        where: `file:line`.
        what: what is wrong, without a full stop.
        change: the one thing to change.
    """

    where: str
    what: str
    change: str


def unreadable(line: Line, root: str, variables: Container[str] | None = None) -> Mistake | None:
    """What no resolver can make anything of; None if nothing is known to be wrong so.

    Args:
        line: of a requirements file.
        root: the app's directory.
        variables: names of those that are set; None if that is not known.
    """
    found = (
        _unset(line, variables)
        or short_address(line.text)
        or (signs(line.text) if not line.text.startswith("-") else None)
        or _elsewhere(line, root)
        or _no_requirement(line)
    )
    return Mistake(line.where, *found) if found else None


def misnamed(line: Line) -> Mistake | None:
    """Why a package that no index has may have been meant otherwise; None if that is unknown."""
    found = _misnamed(line) or _pytorch_build(line)
    return Mistake(line.where, *found) if found else None


def _unset(line: Line, variables: Container[str] | None) -> tuple[str, str] | None:
    """A variable that would be filled in, had anybody set it."""
    if variables is None:
        return None
    names = [each for each in _VARIABLE.findall(line.text) if each not in variables]
    names = [each for each in names if each != "PROJECT_ROOT"]
    if not names:
        return None
    return (
        f"{names[0]} is not set, which the line names",
        f"set it: --env {names[0]}=<value>",
    )


def _elsewhere(line: Line, root: str) -> tuple[str, str] | None:
    """A path of another machine, or one that is not in the app."""
    text = line.text
    name = text.partition(" @ ")[0].partition("[")[0].strip() if " @ " in text else ""
    again = f"{name}==<version>" if name else "the package with its version"
    if "/home/conda/" in text or "/feedstock_root/" in text or "/croot/" in text:
        return (
            f"{name or text} is at a path of the machine where conda built it",
            f"write {again}, as `pip list --format=freeze` shows it",
        )
    if _DRIVE.search(text):
        return (
            f"{name or text} is at a path of a Windows machine",
            f"write {again}; or copy it into the app and write ./folder",
        )
    path = line.local
    if not path or "://" in path or "$" in path:
        return None
    if not os.path.exists(os.path.join(root, path)) and (windows := windows_path(text)):
        return windows
    if f"{root}/".startswith(f"{os.path.normpath(os.path.join(root, path)).rstrip('/')}/"):
        if os.path.normpath(os.path.join(root, path)) == root:
            return None  # the app itself
        return f"{path} is a folder that the app lies in, and no package", "take the line out"
    places = (root, os.path.join(root, os.path.dirname(line.file)))
    if any(os.path.exists(os.path.join(place, path)) for place in places):
        return None
    if os.path.isabs(path):
        return (
            f"{path} is at a path of another machine",
            f"write {again}; or copy it into the app and write ./{os.path.basename(path)}",
        )
    return f"there is no {path} in the app", f"add {path}, or correct the path"


def _misnamed(line: Line) -> tuple[str, str] | None:
    name = line.name
    if not name:
        return None
    if name == "python":
        version = line.text.partition("==")[2].strip(" *.").partition(";")[0]
        return (
            "Python itself is not a package",
            f"take the line out, and write {version or 'its version'} into .python-version",
        )
    if name in _TKINTER:
        return (
            f"{name} is a part of Python and no package",
            "take the line out; if the app opens windows, add `python3-tk` to Aptfile",
        )
    if name in DISTRIBUTIONS and DISTRIBUTIONS[name] != name:
        written = line.text[: len(name)]
        return (
            f"{written} is the name of a module, not of a package",
            f"write {DISTRIBUTIONS[name]}",
        )
    if name in _WINDOWS:
        return (
            f"{name} is for Windows only",
            f'take the line out, or write {_without_marker(line)}; sys_platform == "win32"',
        )
    if name in _MACS:
        return (
            f"{name} is for macOS only",
            f'take the line out, or write {_without_marker(line)}; sys_platform == "darwin"',
        )
    if _is_standard(name):
        return f"{name} is a part of Python and no package", "take the line out"
    return None


def _no_requirement(line: Line) -> tuple[str, str] | None:
    """What is written in the way of another tool."""
    text = line.text
    if text.startswith(("<<<<<<<", "=======", ">>>>>>>")):
        return "git has left a conflict here", "choose one of the two versions"
    if text.startswith("version https://git-lfs"):
        return (
            "this is Git LFS's pointer to the file, and not the file",
            "run `git lfs pull` before the build, or let the checkout of CI do it (`lfs: true`)",
        )
    if _OF_POINTER.fullmatch(text):
        return None  # its first line says it
    if text.startswith("<"):
        return (
            "this is a web page and no list of requirements",
            "save the file itself, not its page",
        )
    if found := _COMMAND.fullmatch(text):
        if found["tool"].startswith("apt"):
            return (
                "this is a command",
                f"write {found['what']} into Aptfile, one name a line",
            )
        return "this is a command", f"write {found['what']}, without `{found['tool']}`"
    if found := _POETRY.fullmatch(text):
        version = found["version"].lstrip("^~=")
        fixed = "" if version in ("*", "") else f">={version}"
        return "this is Poetry's way of writing", f"write {found['name']}{fixed}"
    if found := _CONDA_EXPORT.fullmatch(text):
        return (
            "this is conda's way of writing",
            f"write {found['name']}=={found['version']}; or let conda install it: environment.yml",
        )
    if found := _OTHER_REPOSITORY.search(text):
        name, package = _REPOSITORIES[found["kind"]]
        return (
            f"this is a repository of {name}, which uv does not read",
            f"set BP_PIP_ENGINE=pip, and add the line `:build: {package}` to Aptfile",
        )
    if text[:1] in "\"'" and text[-1:] == text[:1]:
        return "a requirement stands in quotes", f"write {text[1:-1]}"
    if text.startswith("-"):
        return _no_address(text)
    if "," in text and all(_PLAIN.fullmatch(each.strip()) for each in text.split(",")):
        return "several requirements stand in one line", "write one a line"
    name, _, version = text.partition(" ")
    if _PLAIN.fullmatch(name) and _VERSION.fullmatch(version):
        return "a version stands without a sign", f"write {name}=={version.removeprefix('v')}"
    if " " in text and all(_PLAIN.fullmatch(each) for each in text.split()):
        return "a name has a space in it", f"write {'-'.join(text.split())}, or one name a line"
    return None


def _no_address(text: str) -> tuple[str, str] | None:
    """An index whose address nobody can ask."""
    found = _ADDRESS.match(text)
    if not found or re.match(r"\w+://|[$./]", found["address"]):
        return None
    rest = re.sub(r"^https?[:/]*", "", found["address"])
    return f"{found['address']} is not the address of an index", f"write https://{rest}"


def _pytorch_build(line: Line) -> tuple[str, str] | None:
    found = _BUILD.match(line.text)
    if not found:
        return None
    name, version, build = found["name"], found["version"], found["build"]
    word = hardware_word(build)
    return (
        f"{name} {version}+{build} is not in the index: it is in PyTorch's own",
        f"write {name}=={version}, and set BP_HARDWARE={word} (or write {word} into hardware.txt)",
    )


def hardware_word(build: str) -> str:
    """The hardware that a build of PyTorch is for: of `cu118` "cuda:11.8"."""
    if build.startswith("cu"):
        return f"cuda:{build[2:-1]}.{build[-1:]}"
    if build.startswith("rocm"):
        return f"rocm:{build[4:]}"
    return "xpu" if build.startswith("xpu") else "cpu"


def _without_marker(line: Line) -> str:
    return line.text.partition(";")[0].partition(" --")[0].strip()


def _is_standard(name: str) -> bool:
    import sys

    known = {each.lower() for each in sys.stdlib_module_names}
    return not name.startswith("-") and name.replace("-", "_") in known
