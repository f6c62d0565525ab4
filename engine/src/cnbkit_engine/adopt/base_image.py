"""What a base image says of the app: its Python, its hardware, what it starts."""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["CUDA", "BaseImage", "cuda_word", "recognised"]

CUDA = ("11.8", "12.1", "12.4", "12.6", "12.8", "12.9", "13.0", "13.2")
"""Versions that hardware.txt can name."""

# Their own Python, which packages in the image are for.
_DISTRIBUTIONS = (
    *(("ubuntu(?:1804|18.04)|bionic", "3.6"), ("ubuntu(?:2004|20.04)|focal", "3.8")),
    *(("ubuntu(?:2204|22.04)|jammy", "3.10"), ("ubuntu(?:2404|24.04)|noble", "3.12")),
    *(("buster", "3.7"), ("bullseye", "3.9"), ("bookworm", "3.11"), ("trixie", "3.13")),
)
_SYSTEMS = re.compile(r"debian\d*|ubuntu\d*|buildpack-deps|phusion/baseimage|bitnami/minideb")
_MIRRORS = (
    *("docker.io/", "index.docker.io/", "mirror.gcr.io/", "public.ecr.aws/docker/"),
    *("library/", "marketplace.gcr.io/google/"),
)
_CONDA = (
    *("continuumio/miniconda3", "continuumio/anaconda3", "condaforge/miniforge3"),
    *("condaforge/mambaforge", "mambaorg/micromamba", "conda/miniconda3"),
)
_OTHERS = {
    **dict.fromkeys(("node", "oven/bun", "denoland/deno"), "JavaScript"),
    **dict.fromkeys(
        ("golang", "rust", "ruby", "php", "openjdk", "eclipse-temurin"), "another language"
    ),
    **dict.fromkeys(("maven", "gradle", "mcr.microsoft.com/dotnet/sdk"), "another language"),
    **dict.fromkeys(("nginx", "httpd", "caddy", "redis", "postgres", "mysql"), "a server"),
    **dict.fromkeys(
        ("alpine", "centos", "fedora", "amazonlinux", "rockylinux"), "a system without apt"
    ),
}


@dataclass(frozen=True)
class BaseImage:
    """What is known of an image.

    Args:
        known: whether it is one of those that buildpacks stand in for.
        says: what it is taken for, for people.
        python: its Python, such as 3.11.
        hardware: the word for its hardware.
        packages: requirements that it brings.
        conda: whether it is conda's.
        command: what it starts if the Dockerfile does not say.
        system: its own Python is the distribution's, and counts only if that is installed.
        note: what else is to be said of it.
    """

    known: bool
    says: str
    python: str = ""
    hardware: str = ""
    packages: tuple[str, ...] = ()
    conda: bool = False
    command: str = ""
    system: bool = False
    note: str = ""


# Before which version there are no wheels for a newer Python, as the package index has them.
_OLD = {
    "torch": (((1, 13), "3.10"), ((2, 5), "3.11")),
    "tensorflow": (((2, 12), "3.10"), ((2, 20), "3.11")),
}


def recognised(image: str) -> BaseImage:
    """What is known of an image by its name."""
    name, tag = _name_and_tag(image)
    for rule in (_python, _framework, _nvidia, _notebook, _tools):
        found = rule(name, tag)
        if found:
            return found
    if name in _CONDA:
        return BaseImage(True, "conda's packages by environment.yml", conda=True)
    if name in _OTHERS:
        return BaseImage(False, f"{_OTHERS[name]}: no Python image")
    if _SYSTEMS.fullmatch(name):
        return BaseImage(
            True, "Debian, by the builder", python=_distribution(name + tag), system=True
        )
    return BaseImage(False, "what is in it is not known")


def cuda_word(version: str) -> str:
    """The word for a CUDA: the nearest that there are wheels for; a driver runs older ones."""
    major, minor = (*(int(part) for part in version.split(".")[:2]), 0)[:2]
    fits = [each for each in CUDA if each.startswith(f"{major}.")]
    newer = [each for each in fits if int(each.split(".")[1]) >= minor]
    return f"cuda:{(newer or fits[-1:] or CUDA[:1])[0]}"


def _name_and_tag(image: str) -> tuple[str, str]:
    name = image.partition("@")[0]
    path, colon, tag = name.rpartition(":")
    if not colon or "/" in tag:
        path, tag = name, ""
    for prefix in _MIRRORS:
        path = path.removeprefix(prefix)
    return path.lower(), tag.lower()


def _python(name: str, tag: str) -> BaseImage | None:
    if name == "gcr.io/google_appengine/python":
        return BaseImage(True, "Python")
    if name == "python" or name.endswith("/python"):
        version = re.match(r"(\d+\.\d+)(?:\.\d+)?", tag)
        if "lambda" in name:
            return BaseImage(False, "AWS Lambda's run time, which calls a handler")
        lacks = (
            "" if "slim" in tag else "; what Debian libraries it needs of the full image: Aptfile"
        )
        return BaseImage(True, "Python", python=version[1] if version else "", note=lacks)
    match = re.match(r"(?:python|py)(\d+\.\d+)", tag)
    if name == "ghcr.io/astral-sh/uv":
        return BaseImage(True, "uv and Python", python=match[1] if match else "")
    if name.startswith("tiangolo/"):
        worker = " -k uvicorn.workers.UvicornWorker" if "uvicorn" in name else ""
        return BaseImage(
            True,
            "a server for app.main:app",
            python=match[1] if match else "",
            packages=("gunicorn", *(("uvicorn[standard]",) if worker else ())),
            command=f"gunicorn{worker} --bind 0.0.0.0:$PORT app.main:app",
        )
    if name.startswith("gcr.io/distroless/python3"):
        return BaseImage(True, "Python")
    return None


def _framework(name: str, tag: str) -> BaseImage | None:
    version = re.match(r"v?(\d+\.\d+(?:\.\d+)?)", tag)
    if name in ("pytorch/pytorch", "tensorflow/tensorflow"):
        package = name.partition("/")[2].replace("pytorch", "torch")
        pinned = f"{package}=={version[1]}" if version else package
        cuda = re.search(r"cuda(\d+\.\d+)", tag)
        gpu = package == "torch" or "gpu" in tag
        word = cuda_word(cuda[1]) if cuda else "cuda" if gpu else ""
        more = ("jupyterlab",) if "jupyter" in tag else ()
        python = _newest_python(package, version[1]) if version else ""
        return BaseImage(True, package, python=python, hardware=word, packages=(pinned, *more))
    if name.startswith(("nvcr.io/nvidia/pytorch", "rocm/pytorch")):
        return BaseImage(
            True, "torch", hardware="cuda" if "nvidia" in name else "rocm", packages=("torch",)
        )
    if name.startswith("nvcr.io/nvidia/tensorflow"):
        return BaseImage(True, "tensorflow", hardware="cuda", packages=("tensorflow",))
    if name.startswith("huggingface/transformers"):
        word = "cuda" if "gpu" in name else ""
        framework = ("torch",) if "pytorch" in name or "all-latest" in name else ("tensorflow",)
        return BaseImage(True, "transformers", hardware=word, packages=("transformers", *framework))
    if name.startswith("rayproject/ray"):
        pinned = f"ray[default]=={version[1]}" if version else "ray[default]"
        return BaseImage(True, "ray", hardware="cuda" if "gpu" in tag else "", packages=(pinned,))
    return None


def _newest_python(package: str, version: str) -> str:
    """The newest Python that an old version has wheels for; empty if today's have."""
    number = tuple(int(part) for part in version.split(".")[:2])
    return next((python for below, python in _OLD[package] if number < below), "")


def _nvidia(name: str, tag: str) -> BaseImage | None:
    if name not in ("nvidia/cuda", "nvcr.io/nvidia/cuda", "nvidia/cudagl"):
        return None
    version = re.match(r"(\d+\.\d+)", tag)
    return BaseImage(
        known=True,
        says="CUDA",
        python=_distribution(tag),
        hardware=cuda_word(version[1]) if version else "cuda",
        system=True,
    )


def _notebook(name: str, tag: str) -> BaseImage | None:
    match = re.match(r"(?:quay\.io/)?jupyter/([a-z-]+)-notebook$", name)
    if not match:
        return None
    more = {
        "scipy": ("numpy", "pandas", "scipy", "scikit-learn", "matplotlib"),
        "tensorflow": ("tensorflow",),
        "pytorch": ("torch",),
    }
    python = re.match(r"python-(\d+\.\d+)", tag)
    return BaseImage(
        True,
        "Jupyter",
        python=python[1] if python else "",
        packages=("jupyterlab", *more.get(match[1], ())),
        command="jupyter lab --ip 0.0.0.0 --port $PORT --no-browser",
    )


def _tools(name: str, tag: str) -> BaseImage | None:
    if name == "scratch" or name.startswith("gcr.io/distroless/"):
        return BaseImage(True, "nothing, by the builder")
    if "mlflow" in name and name.startswith("ghcr.io/"):
        pinned = f"mlflow=={tag.removeprefix('v')}" if re.match(r"v?\d", tag) else "mlflow"
        return BaseImage(True, "mlflow", packages=(pinned,))
    return None


def _distribution(tag: str) -> str:
    for pattern, python in _DISTRIBUTIONS:
        if re.search(pattern, tag):
            return python
    return ""
