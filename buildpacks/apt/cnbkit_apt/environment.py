"""Variables that let programs find what would be in /usr and /etc."""

from __future__ import annotations

import os
import re
from glob import glob

from cnbkit import OpenLayer
from cnbkit_apt.layout import Layout
from cnbkit_apt.places import LISTS, PLACES

__all__ = ["library_folders", "provide"]

# A library that others are linked with has a version in its name; a plug-in has not.
_LIBRARY = re.compile(r"lib.+(\.so\.\d.*|-\d[\d.]*\.so)")
# Where one name is provided by several: the fast ones first.
_PREFERRED = ("openblas", "atlas", "blis")
# Where Python looks for what it runs first, in the layer.
_PYTHON = "python"


def provide(layer: OpenLayer, layout: Layout) -> dict[str, str]:
    """Set the layer's environment.

    Returns:
        Variables that name a place in the layer, by the place.
    """
    root, lib, env = layout.root, layout.lib, layer.env
    programs = [f"{root}/{each}" for each in ("usr/bin", "usr/sbin", "usr/games")]
    java = sorted(glob(f"{root}/usr/lib/jvm/java-*-openjdk-*/bin"))
    _prepend(layer, "PATH", [*(each for each in programs if os.path.isdir(each)), *java[-1:]])
    libraries = library_folders(layout)
    _prepend(layer, "LD_LIBRARY_PATH", libraries)
    if layer.layer.is_build:
        include = [f"{root}/{each}" for each in ("usr/include", f"usr/include/{lib[8:]}")]
        configs = [f"{root}/{each}/pkgconfig" for each in (lib, "usr/lib", "usr/share")]
        _prepend(layer, "LIBRARY_PATH", libraries)
        _prepend(layer, "CPATH", [each for each in include if os.path.isdir(each)])
        _prepend(layer, "PKG_CONFIG_PATH", [each for each in configs if os.path.isdir(each)])
    told: dict[str, str] = {}
    for pattern, names in PLACES:
        found = sorted(glob(f"{root}/{pattern.replace('LIB', lib)}"))
        for name in names if found else ():
            env.default(name, found[-1])
            told[os.path.relpath(found[-1], root)] = name
    for name, patterns in LISTS:
        paths = [each for p in patterns for each in sorted(glob(f"{root}/{p.replace('LIB', lib)}"))]
        _prepend(layer, name, paths)
        told.update((os.path.relpath(path, root), name) for path in paths)
    _python(layer, root)
    if any(os.path.exists(f"{root}/usr/share/{e}") for e in ("mime", "glib-2.0/schemas", "icons")):
        env.default("XDG_DATA_DIRS", f"{root}/usr/share:/usr/local/share:/usr/share")
    if os.path.isdir(f"{root}/usr/share/glvnd/egl_vendor.d"):
        # What a GPU's container tools put into /usr comes first.
        folders = ("/etc/glvnd/egl_vendor.d", "/usr/share/glvnd/egl_vendor.d")
        own = f"{root}/usr/share/glvnd/egl_vendor.d"
        env.default("__EGL_VENDOR_LIBRARY_DIRS", ":".join([*folders, own]))
    if os.path.isdir(f"{root}/usr/share/terminfo"):
        env.default("TERMINFO_DIRS", f"{root}/usr/share/terminfo:/usr/share/terminfo:/lib/terminfo")
    return told


def _python(layer: OpenLayer, root: str) -> None:
    """Python's ctypes finds the layer's libraries, and its imports the layer's packages."""
    folder = f"{root}/{_PYTHON}"
    os.mkdir(folder)
    here = os.path.dirname(__file__)
    with open(f"{here}/launch/sitecustomize.py", "rb") as source:
        text = source.read()
    with open(f"{folder}/sitecustomize.py", "wb") as target:
        target.write(text)
    layer.env.append("PYTHONPATH", folder, ":")
    if os.path.isdir(f"{root}/usr/lib/python3/dist-packages"):
        layer.env.append("PYTHONPATH", f"{root}/usr/lib/python3/dist-packages", ":")


def _prepend(layer: OpenLayer, name: str, paths: list[str]) -> None:
    if paths:
        layer.env.prepend(name, ":".join(paths), ":")


def library_folders(layout: Layout) -> list[str]:
    """Folders the loader has to search, in order."""
    root, lib = layout.root, layout.lib
    folders = [
        directory
        for directory, _, names in os.walk(f"{root}/usr/lib")
        if "/dist-packages" not in directory and any(_LIBRARY.fullmatch(name) for name in names)
    ]
    first = [f"{root}/{lib}", f"{root}/usr/lib"]
    others = sorted(each for each in folders if each not in first)
    fast = [each for each in others if os.path.basename(each).startswith(_PREFERRED)]
    return [
        *(each for each in first if each in folders),
        *fast,
        *(each for each in others if each not in fast),
    ]
