"""apt-get and its kin in a RUN."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cnbkit_engine.adopt.findings import add
from cnbkit_engine.adopt.os_names import debian_name
from cnbkit_engine.adopt.site import covered, default, needs

if TYPE_CHECKING:
    from cnbkit_engine.adopt.site import Answer, Site

__all__ = ["apt", "other_manager", "repository"]

_WITH_VALUE = ("-t", "--target-release", "-c", "-o", "--option")
_PYTHON = re.compile(
    r"(?:lib)?python(?P<version>3\.\d+)?3?(?:-(?:minimal|full|dev|venv|distutils|pip|setuptools"
    r"|wheel|virtualenv|is-python3|all))*"
)
_IN_BUILDS = {
    *("build-essential", "gcc", "g++", "make", "pkg-config", "xz-utils", "libc6-dev", "cpp"),
    *("software-properties-common", "apt-transport-https", "apt-utils", "gnupg", "gnupg2"),
    *(
        "dirmngr",
        "debconf-utils",
        "sudo",
        "python-is-python3",
        "python-pip",
        "dialog",
        "lsb-release",
    ),
    *("virtualenv", "pipenv", "gpg", "gpg-agent"),
}
_IN_IMAGES = {
    *("ca-certificates", "bash", "coreutils", "findutils", "grep", "gzip", "hostname", "sed"),
    *("tar", "tzdata", "netbase", "libgomp1", "libstdc++6", "libgcc-s1", "zlib1g", "openssl"),
}
# Ubuntu's names, and those that Debian no longer has.
_RENAMED = {
    "libgl1-mesa-glx": "libgl1",
    "libgl1-mesa-dev": "libgl-dev",
    "libglib2.0-0t64": "libglib2.0-0",
    "libjpeg8-dev": "libjpeg-dev",
    "libjpeg-turbo8-dev": "libjpeg-dev",
    "netcat": "netcat-openbsd",
    "libpng12-dev": "libpng-dev",
    "openjdk-8-jdk": "default-jdk-headless",
    "openjdk-11-jdk": "default-jdk-headless",
    "openjdk-11-jre-headless": "default-jre-headless",
    "openjdk-8-jre-headless": "default-jre-headless",
    "openjdk-8-jre": "default-jre",
    "openjdk-11-jre": "default-jre",
}
_AS_WHEELS = {
    "python3-opencv": "opencv-python-headless",
    "python-opencv": "opencv-python-headless",
    "python3-yaml": "pyyaml",
    "python3-pil": "pillow",
    "python3-sklearn": "scikit-learn",
    **{f"python3-{name}": name for name in ("numpy", "scipy", "pandas", "matplotlib", "requests")},
}


def apt(site: Site, words: list[str]) -> Answer:
    """`apt-get …` and `apt …`."""
    action, names = _arguments(words[1:])
    if action != "install":
        return default("packages come from a current index, and nothing of apt is left")
    return _installed(site, names)


def _installed(site: Site, names: list[str]) -> Answer:
    kept: list[str] = []
    unknown: list[str] = []
    by_builds = by_images = False
    for raw in names:
        name = _RENAMED.get(raw, raw)
        bare = name.partition("=")[0].partition(":")[0]
        if bare in _AS_WHEELS:
            add(site.findings.packages, _AS_WHEELS[bare])
            kept.append(f"{bare} as {_AS_WHEELS[bare]}")
        elif (match := _PYTHON.fullmatch(bare)) and "python" in bare:
            by_builds = True
            system = site.findings.system_python if bare.startswith("python3") else ""
            if site.in_image and (match["version"] or not site.findings.python):
                site.findings.python = match["version"] or system
        elif bare in _IN_BUILDS:
            by_builds = True
        elif bare in _IN_IMAGES:
            by_images = True
        elif bare.startswith(("cuda", "libcudnn", "libnccl", "libcublas", "nvidia-")):
            site.findings.hardware = site.findings.hardware or "cuda"
            kept.append(f"{bare} as CUDA's wheels")
        elif "/" in name:
            path = site.app_path(name)
            (kept if path else unknown).append(path or name)
            if path:
                add(site.findings.apt, path)
        elif "$" in name or "*" in name:
            unknown.append(name)
        else:
            line = name if site.in_image else f":build: {name}"
            add(site.findings.apt, line)
            kept.append(name)
    if unknown:
        return needs(f"say in Aptfile what this is: {' '.join(unknown)}")
    if kept:
        return covered("Aptfile" if not all(" as " in each for each in kept) else ", ".join(kept))
    if by_images and not by_builds:
        return default("the run image has it")
    if by_builds or not names:
        return default("the build image has compilers, Python is the python buildpack's")
    return default("nothing to install")


def repository(site: Site, words: list[str]) -> Answer:  # noqa: ARG001 - as all rules
    """add-apt-repository, apt-key."""
    if any("deadsnakes" in word for word in words):
        return default("the python buildpack has every Python")
    if words[0] == "add-apt-repository" and words[-1] in ("universe", "main", "multiverse"):
        return default("the builder's system is Debian")
    return needs("write the source into Aptfile: :repo:deb [signed-by=KEY] ADDRESS SUITE COMPONENT")


def other_manager(site: Site, words: list[str]) -> Answer:
    """apk, yum, dnf, microdnf."""
    if not {"install", "add", "groupinstall"} & set(words):
        return default("no such package manager is used")
    _, names = _arguments([each for each in words[1:] if not each.startswith(".")])
    known = [(each, debian_name(words[0], each)) for each in names]
    if lost := [each for each, found in known if found is None]:
        manager = f"{words[0]}'s {' '.join(lost)}"
        return needs(f"find Debian's names for {manager}, and write them into Aptfile")
    return _installed(site, [found for _, found in known if found])


def _arguments(words: list[str]) -> tuple[str, list[str]]:
    names: list[str] = []
    skip = False
    for word in words:
        if skip:
            skip = False
        elif word in _WITH_VALUE:
            skip = True
        elif not word.startswith("-"):
            names.append(word)
    return (names[0], names[1:]) if names else ("", [])
