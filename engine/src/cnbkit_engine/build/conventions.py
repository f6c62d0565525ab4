"""Files that other tools read from a repository, and what says the same here.

Somebody put them there for a reason. A build names those that nothing reads, so that nobody has
to find out from the image; and where nothing fits at all, they tell what the repository is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

__all__ = ["CONVENTIONS", "Convention", "Seen", "seen", "unused"]


@dataclass(frozen=True)
class Convention:
    """A name that means something to another tool.

    Args:
        name: of a file in the app's root, perhaps with `*` in it; of a folder if it ends in `/`.
        what: what it is, for people.
        step: what to do about it here; `{}` stands for the path that was found.
        instead: where one of these files is, the app says it here as well.
        read: whether a buildpack may read it, so that only an app that nothing fits is told.
        anywhere: whether it counts in folders below as well.
    """

    name: str
    what: str
    step: str
    instead: tuple[str, ...] = ()
    read: bool = False
    anywhere: bool = False


_APT = "Debian packages stand in Aptfile: cp {} Aptfile"
_ENVIRONMENTS = ("environment.yml", "environment.yaml", "conda-lock.yml", "pixi.lock")
_VERSION = "it says which Python, not what to install or start: add requirements.txt or a Procfile"

CONVENTIONS = (
    Convention(
        "binder/",
        "repo2docker's folder",
        "copy what is in it to the app's root, apt.txt as Aptfile, postBuild as .cnbkit/post-build",
    ),
    Convention(
        ".binder/",
        "repo2docker's folder",
        "copy what is in it to the app's root, apt.txt as Aptfile, postBuild as .cnbkit/post-build",
    ),
    Convention("apt.txt", "repo2docker's Debian packages", _APT, ("Aptfile",)),
    Convention("packages.txt", "Streamlit's Debian packages", _APT, ("Aptfile",)),
    Convention(
        "postBuild",
        "repo2docker's script after the installation",
        "mkdir -p .cnbkit && cp {} .cnbkit/post-build",
        (".cnbkit/post-build",),
    ),
    Convention(
        "start",
        "repo2docker's script before the program",
        "write it into Procfile, before the program: `web: bash start python3 app.py`",
        ("Procfile",),
    ),
    Convention(
        "conda.yaml",
        "MLflow's conda environment",
        "a conda environment is environment.yml: cp {} environment.yml",
        _ENVIRONMENTS,
    ),
    Convention(
        "conda.yml",
        "a conda environment",
        "it is read by the name environment.yml: cp {} environment.yml",
        _ENVIRONMENTS,
    ),
    Convention(
        "MLproject",
        "MLflow's project",
        "write its entry points into Procfile, a line each: `train: python3 train.py`",
        ("Procfile",),
    ),
    Convention(
        "cog.yaml",
        "Cog's image",
        "write python_packages into requirements.txt, system_packages into Aptfile,"
        " and what starts into Procfile",
        ("Procfile",),
    ),
    Convention(
        "bentofile.yaml",
        "BentoML's service",
        "write its packages and bentoml into requirements.txt; `service` is read then",
        ("requirements.txt", "pyproject.toml", "Pipfile.lock", *_ENVIRONMENTS),
    ),
    Convention(
        "nltk.txt",
        "Heroku's NLTK data",
        "download it in .cnbkit/post-build: python3 -m nltk.downloader -d nltk_data NAMES",
        (".cnbkit/post-build",),
    ),
    Convention(
        ".profile",
        "a script that Heroku runs at start",
        "set variables by --env BPE_NAME=VALUE, or run it in Procfile: `web: . ./.profile; …`",
    ),
    Convention(
        "Dockerfile",
        "Docker's build",
        "cnbkit adopt writes the files that replace it, and says what is left: cnbkit adopt {}",
    ),
    Convention("runtime.txt", "Heroku's and repo2docker's Python", _VERSION, read=True),
    Convention("mise.toml", "mise's tools", _VERSION, read=True),
    Convention(".mise.toml", "mise's tools", _VERSION, read=True),
    Convention(".tool-versions", "asdf's tools", _VERSION, read=True),
    Convention(".python-version", "the Python", _VERSION, read=True),
    Convention(
        "MLmodel",
        "a model of MLflow",
        "write mlflow and the model's packages into requirements.txt; the image serves it then",
        read=True,
        anywhere=True,
    ),
    *(
        Convention(
            f"*.{ending}",
            "a model",
            f"add an app.py that serves it, and a requirements.txt with {packages}",
            read=True,
            anywhere=True,
        )
        for ending, packages in (
            ("onnx", "onnxruntime"),
            ("joblib", "joblib and scikit-learn"),
            ("pkl", "the packages that wrote it, in their versions"),
            ("safetensors", "safetensors and torch"),
            ("pt", "torch"),
            ("pth", "torch"),
            ("keras", "keras"),
            ("h5", "keras"),
            ("tflite", "ai-edge-litert"),
            ("gguf", "llama-cpp-python"),
        )
    ),
    Convention(
        "*.ipynb",
        "a notebook",
        "write jupyterlab and its packages into requirements.txt; the image then starts JupyterLab",
        read=True,
        anywhere=True,
    ),
)
"""All that are known, the most telling first."""


@dataclass(frozen=True)
class Seen:
    """A convention that an app has.

    Args:
        convention: which.
        path: what was found, relative to the app's root.
        more: how many others fit the same name.
    """

    convention: Convention
    path: str
    more: int = 0

    @property
    def title(self) -> str:
        """What was found, and what it is."""
        others = f" and {self.more} more" if self.more else ""
        return f"{self.path}{others} ({self.convention.what})"

    @property
    def step(self) -> str:
        """What to do about it."""
        return self.convention.step.replace("{}", self.path)


def seen(paths: Iterable[str]) -> list[Seen]:
    """The conventions that an app has, in the order of `CONVENTIONS`.

    Args:
        paths: its files, relative to its root.
    """
    known = sorted(set(paths), key=lambda path: (path.count("/"), path))
    found = []
    for convention in CONVENTIONS:
        fits = [path for path in known if _is(convention, path)]
        if not fits or set(convention.instead) & set(known):
            continue
        if convention.name.endswith("/"):
            found.append(Seen(convention, convention.name))
        else:
            found.append(Seen(convention, fits[0], len(fits) - 1))
    return found


def unused(paths: Iterable[str], builder: Path) -> Iterator[str]:
    """A line for each convention of the app that no buildpack reads.

    Args:
        paths: its files, relative to its root.
        builder: the folder with assembled buildpacks.
    """
    found = [each for each in seen(paths) if not each.convention.read]
    looked_for = _looked_for(builder / "buildpacks") if found else ""
    for each in found:
        name = re.escape(each.convention.name)
        if not re.search(rf"(?<![\w./-]){name}(?![\w.-])", looked_for):
            yield f"Not used: {each.title}. Here: {each.step}"


def _is(convention: Convention, path: str) -> bool:
    name = convention.name
    if name.endswith("/"):
        return path.startswith(name)
    return fnmatchcase(path.rpartition("/")[2] if convention.anywhere else path, name)


def _looked_for(buildpacks: Path) -> str:
    """The detect scripts of a builder, without comments: they hold the names they look for."""
    texts = []
    for script in buildpacks.glob("*/*/bin/detect"):
        with script.open("rb") as file:
            if file.read(2) == b"#!":
                texts.append(file.read(1 << 20).decode(errors="replace"))
    lines = "\n".join(texts).splitlines()
    return "\n".join(line for line in lines if not line.startswith("#"))
