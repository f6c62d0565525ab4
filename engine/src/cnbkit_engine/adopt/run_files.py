"""Files and downloads in a RUN."""

from __future__ import annotations

import posixpath
import re
import shlex
from typing import TYPE_CHECKING

from cnbkit_engine.adopt.findings import Weight
from cnbkit_engine.adopt.site import covered, default, hooked, needs

if TYPE_CHECKING:
    from cnbkit_engine.adopt.site import Answer, Site

__all__ = ["MODEL", "download", "fetched", "files", "hugging_face", "link", "removed"]

MODEL = re.compile(
    r"\.(?:safetensors|pth?|ckpt|onnx|tflite|h5|hdf5|keras|pb|gguf|ggml|joblib|pkl|npz|bin|engine"
    r"|caffemodel|weights|pt2|mar|nemo)(?:[?#].*)?$",
    re.IGNORECASE,
)
_ELSEWHERE = "only the app's folder can be written"
_CACHES = ("/tmp", "/var/tmp", "/root", "/var/lib/apt", "/var/cache", "/home", "/var/log", "~")  # noqa: S108 - of an image
_VALUES = {
    "curl": ("-o", "--output", "-H", "--header", "-x", "--retry", "-A", "--connect-timeout", "-m"),
    "wget": ("-O", "--output-document", "-P", "--directory-prefix", "--header", "-t", "--tries"),
}


def files(site: Site, words: list[str]) -> Answer:
    """mkdir, chmod, chown, cp, mv, touch, tar, unzip, sed."""
    program, named = words[0], [word for word in words[1:] if not word.startswith("-")]
    if program in ("chown", "chgrp"):
        return default("the app's files belong to the user that the image runs as")
    places = named[1:] if program in ("chmod", "sed") and len(named) > 1 else named
    if program == "tar":
        places = [each for each in named if "/" in each and not each.endswith("z")]
    inside = [site.in_app(place) for place in places]
    if program == "chmod":
        return _mode(site, places, inside)
    if program == "mkdir":
        return _folders(site, places, inside)
    if all(each is not None for each in inside) and not any(
        each.startswith("~") for each in places
    ):
        mapped = [word if path is None else path or "." for word, path in _mapped(site, words)]
        return hooked(site, shlex.join([program, *mapped]), after=None)
    if places and all(place.startswith(_CACHES) for place in places):
        return default("no such file is left in an image")
    if any(re.search(r"/(?:uvx?|poetry|pip)$", place) for place in places):
        return default("the buildpacks bring installers of their own")
    return needs(f"{_ELSEWHERE}: keep the file in the app, and name it there")


def link(site: Site, words: list[str], text: str) -> Answer:
    """`ln -s`."""
    named = [word for word in words[1:] if not word.startswith("-")]
    if any(re.search(r"python|/pip\d?$|conda", word) for word in named):
        return default("python, python3 and pip are on PATH")
    if all(site.in_app(word) is not None for word in named[-1:]):
        return hooked(site, text)
    return needs(f"{_ELSEWHERE}: name the file where it is")


def removed(site: Site, words: list[str], text: str) -> Answer:
    """`rm`."""
    named = [word for word in words[1:] if not word.startswith("-")]
    elsewhere = [word for word in named if word.startswith(("/", "~", "$HOME", "${HOME}"))]
    inside = [word for word in named if word not in elsewhere and site.in_app(word)]
    if (
        inside
        and site.cwd != "/"
        and not all(word.startswith(("*.deb", "Miniconda")) for word in inside)
    ):
        # As it is written: its patterns are the shell's.
        kept = " ".join(word for word in words if word not in elsewhere)
        return hooked(site, kept if elsewhere else text)
    return default("nothing of the installation is left in an image")


def download(site: Site, words: list[str]) -> Answer:
    """Curl and wget."""
    address = next((word for word in words if "://" in word), "")
    if not address:
        return default("nothing is fetched by it")
    return fetched(site, address, _target(words, address))


def fetched(site: Site, address: str, target: str, sha256: str = "") -> Answer:
    """A file of an address.

    Args:
        site: where it stands.
        address: of the file.
        target: as the Dockerfile names it.
        sha256: its checksum; empty if it is not known.
    """
    place = site.in_app(target)
    if re.search(r"(?:mini|ana|mamba)\S*(?:forge|conda)|micromamba", address, re.IGNORECASE):
        return default("the conda buildpack needs no conda")
    if address.endswith("get-pip.py"):
        return default("the pip buildpack brings pip")
    if place is None or place.startswith(".."):
        return needs(f"{_ELSEWHERE}: fetch {address} to a folder of the app, by weights.toml")
    if sha256:
        site.findings.weights.append(Weight(address, sha256, place))
        return covered(f"weights.toml: {place}")
    program = f"curl -fsSL --create-dirs -o {shlex.quote(place)} {shlex.quote(address)}"
    state = hooked(site, program)
    if MODEL.search(address) or MODEL.search(target):
        return state[0], f"{state[1]}; with its sha256 in weights.toml it has a layer of its own"
    return state


def hugging_face(site: Site, words: list[str]) -> Answer:
    """`hf download` and `huggingface-cli download`."""
    if "download" not in words:
        return default("a login is a binding of type huggingface")
    rest = words[words.index("download") + 1 :]
    named = [word for word in rest if not word.startswith("-")]
    folder = next(
        (rest[place + 1] for place, word in enumerate(rest[:-1]) if word == "--local-dir"), ""
    )
    if not named:
        return needs("say what is downloaded")
    target = site.in_app(folder) if folder else f"models/{posixpath.basename(named[0])}"
    if target is None:
        return needs(f"{_ELSEWHERE}: download {named[0]} to a folder of the app")
    where = hooked(site, shlex.join(["hf", "download", *named[:1], "--local-dir", target]))
    if not folder:
        return needs(
            f"downloaded to {target} by {where[1]}: load it from there, not from the cache"
        )
    return where[0], f"{where[1]}; with sha256 in weights.toml each file has a layer of its own"


def _target(words: list[str], address: str) -> str:
    program = words[0]
    base = posixpath.basename(address.partition("?")[0])
    folder = ""
    for place, word in enumerate(words[:-1]):
        if word in ("-o", "--output", "-O", "--output-document") and not (
            program == "curl" and word == "-O"
        ):
            return words[place + 1]
        if word in ("-P", "--directory-prefix"):
            folder = words[place + 1]
    return posixpath.join(folder, base)


def _mode(site: Site, places: list[str], inside: list[str | None]) -> Answer:
    scripts = [path for path in inside if path and (site.paths.context / path).is_file()]
    for path in scripts:
        if not (site.paths.context / path).stat().st_mode & 0o100:
            hooked(site, f"chmod +x {shlex.quote(path)}", after=False)
    if scripts or all(site.paths.is_app(place, site.cwd) for place in places):
        return default("modes are the repository's, and the app's files are writable")
    return default("nothing but the app's files is written when an image runs")


def _folders(site: Site, places: list[str], inside: list[str | None]) -> Answer:
    made = [path for path in inside if path not in (None, "", ".")]
    if made and all(path is not None for path in inside):
        return hooked(site, f"mkdir -p {shlex.join(path for path in made if path)}", after=False)
    if all(site.paths.is_app(place, site.cwd) or place.startswith(_CACHES) for place in places):
        return default("the app's folder is there")
    if site.cwd == "/" and all(posixpath.dirname(place) in ("/", "") for place in places):
        return default("the app's folder is there; for data, mount a volume")
    return needs(f"{_ELSEWHERE}: make the folder there, or mount a volume at {' '.join(places)}")


def _mapped(site: Site, words: list[str]) -> list[tuple[str, str | None]]:
    return [
        (word, site.app_path(word) if word.startswith(("/", "./")) else None) for word in words[1:]
    ]
