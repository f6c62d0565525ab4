"""Libraries that packages load by name when they are imported: no file is linked with them."""

from __future__ import annotations

import os

from cnbkit_debian_index import RELEASES
from cnbkit_elf.facts import ElfFile, Facts

__all__ = ["installed_packages", "loaded_by_name"]

# Package → the library, as the loader knows it (of each Debian release with a name of its own,
# in the order of the index), the module whose import loads it, and packages that come with it.
_LOADS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "psycopg": ("libpq.so.5", "psycopg", ("psycopg-binary", "psycopg-c")),
    "python-magic": ("libmagic.so.1", "magic", ("python-magic-bin",)),
    "pyzbar": ("libzbar.so.0", "pyzbar.pyzbar", ()),
    "cairocffi": ("libcairo.so.2", "cairocffi", ()),
    "weasyprint": ("libpango-1.0.so.0", "weasyprint", ()),
    "pyvips": ("libvips.so.42", "pyvips", ("pyvips-binary",)),
    "sounddevice": ("libportaudio.so.2", "sounddevice", ()),
    "pylibdmtx": ("libdmtx.so.0", "pylibdmtx.pylibdmtx", ()),
    "wand": ("libMagickWand-6.Q16.so.6 libMagickWand-7.Q16.so.10", "wand.api", ()),
    "pyenchant": ("libenchant-2.so.2", "enchant", ()),
    "python-vlc": ("libvlc.so.5", "vlc", ()),
    "ghostscript": ("libgs.so.10", "ghostscript", ()),
}


def installed_packages(path: str) -> set[str]:
    """Names in the `pip` buildpack's list of what is installed; empty if there is none."""
    try:
        with open(path, encoding="utf-8") as file:
            parts = file.read().split('"name": "')[1:]
    except (OSError, UnicodeDecodeError):
        return set()
    return {part.partition('"')[0] for part in parts}


def loaded_by_name(
    facts: Facts, base: list[str], packages: set[str], ignored: list[str], release: str
) -> dict[str, list[ElfFile]]:
    """Those that are missing, each with a stand-in for the package that loads it.

    Args:
        facts: what is in the layers.
        base: paths of the run image's libraries.
        packages: names of the installed ones.
        ignored: names that may be missing.
        release: of Debian, which the image is made of.
    """
    there = {os.path.basename(each) for each in (*facts.names, *base)}
    missing: dict[str, list[ElfFile]] = {}
    for package in sorted(packages & _LOADS.keys()):
        names, module, bringing = _LOADS[package]
        each_release = names.split()
        name = each_release[min(RELEASES.index(release), len(each_release) - 1)]
        if name not in there and name not in ignored and packages.isdisjoint(bringing):
            stand_in = ElfFile("", [name], [], "", package)
            stand_in.module = module
            missing.setdefault(name, []).append(stand_in)
    return missing
