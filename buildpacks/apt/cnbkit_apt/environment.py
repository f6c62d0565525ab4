"""Variables that let programs find what would be in /usr and /etc."""

from __future__ import annotations

import os
import re
from glob import glob

from cnbkit import BuildContext, CommandFailed, OpenLayer

__all__ = ["MULTIARCH", "provide"]

MULTIARCH = {"amd64": "x86_64-linux-gnu", "arm64": "aarch64-linux-gnu"}
# A library that others are linked with has a version in its name; a plug-in has not.
_LIBRARY = re.compile(r"lib.+(\.so\.\d.*|-\d[\d.]*\.so)")
# Where one name is provided by several: the fast ones first.
_PREFERRED = ("openblas", "atlas", "blis")
# Pattern below the layer → variables that name it. LIB stands for the architecture's folder.
_PLACES = (
    ("etc/fonts", ("FONTCONFIG_PATH",)),
    ("usr/share/tesseract-ocr/*/tessdata", ("TESSDATA_PREFIX",)),
    ("etc/ImageMagick-[67]", ("MAGICK_CONFIGURE_PATH",)),
    ("LIB/ImageMagick-*/modules-*/coders", ("MAGICK_CODER_MODULE_PATH",)),
    ("LIB/ImageMagick-*/modules-*/filters", ("MAGICK_CODER_FILTER_PATH",)),
    ("usr/share/misc/magic.mgc", ("MAGIC",)),
    ("usr/share/proj", ("PROJ_DATA", "PROJ_LIB")),
    ("usr/share/gdal", ("GDAL_DATA",)),
    ("LIB/gstreamer-1.0", ("GST_PLUGIN_SYSTEM_PATH_1_0",)),
    ("LIB/gstreamer1.0/gstreamer-1.0/gst-plugin-scanner", ("GST_PLUGIN_SCANNER_1_0",)),
    ("LIB/dri", ("LIBGL_DRIVERS_PATH",)),
    ("LIB/graphviz", ("GVBINDIR",)),
    ("usr/share/X11/locale", ("XLOCALEDIR",)),
    ("usr/share/X11/xkb", ("XKB_CONFIG_ROOT",)),
    ("usr/lib/jvm/java-*-openjdk-*", ("JAVA_HOME",)),
)
_PERL = (*("usr/share/perl5", "usr/share/perl/5*", "LIB/perl/5*", "LIB/perl5/5*", "LIB/perl-base"),)


def provide(ctx: BuildContext, layer: OpenLayer) -> None:
    """Set the layer's environment, and write the caches that packages' scripts would write."""
    root = layer.directory
    lib = f"usr/lib/{MULTIARCH[ctx.target.arch]}"
    env = layer.env
    programs = [f"{root}/{each}" for each in ("usr/bin", "usr/sbin", "usr/games")]
    java = sorted(glob(f"{root}/usr/lib/jvm/java-*-openjdk-*/bin"))
    _prepend(layer, "PATH", [*(each for each in programs if os.path.isdir(each)), *java[-1:]])
    libraries = _library_folders(root, lib)
    _prepend(layer, "LD_LIBRARY_PATH", libraries)
    if layer.layer.is_build:
        include = [f"{root}/{each}" for each in ("usr/include", f"usr/include/{lib[8:]}")]
        configs = [f"{root}/{each}/pkgconfig" for each in (lib, "usr/lib", "usr/share")]
        _prepend(layer, "LIBRARY_PATH", libraries)
        _prepend(layer, "CPATH", [each for each in include if os.path.isdir(each)])
        _prepend(layer, "PKG_CONFIG_PATH", [each for each in configs if os.path.isdir(each)])
    for pattern, names in _PLACES:
        found = sorted(glob(f"{root}/{pattern.replace('LIB', lib)}"))
        for name in names if found else ():
            env.default(name, found[-1])
    perl = [each for p in _PERL for each in sorted(glob(f"{root}/{p.replace('LIB', lib)}"))]
    _prepend(layer, "PERL5LIB", perl)
    if os.path.isdir(f"{root}/usr/lib/python3/dist-packages"):
        env.append("PYTHONPATH", f"{root}/usr/lib/python3/dist-packages", ":")
    if any(os.path.exists(f"{root}/usr/share/{e}") for e in ("mime", "glib-2.0/schemas", "icons")):
        env.default("XDG_DATA_DIRS", f"{root}/usr/share:/usr/local/share:/usr/share")
    if os.path.isdir(f"{root}/usr/share/glvnd/egl_vendor.d"):
        # What a GPU's container tools put into /usr comes first.
        folders = ("/etc/glvnd/egl_vendor.d", "/usr/share/glvnd/egl_vendor.d")
        own = f"{root}/usr/share/glvnd/egl_vendor.d"
        env.default("__EGL_VENDOR_LIBRARY_DIRS", ":".join([*folders, own]))
    _write_caches(ctx, layer, f"{root}/{lib}", libraries)


def _prepend(layer: OpenLayer, name: str, paths: list[str]) -> None:
    if paths:
        layer.env.prepend(name, ":".join(paths), ":")


def _library_folders(root: str, lib: str) -> list[str]:
    """Folders the loader has to search, in order."""
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


def _write_caches(ctx: BuildContext, layer: OpenLayer, lib: str, libraries: list[str]) -> None:
    root = layer.directory
    if os.path.isdir(f"{root}/etc/fonts"):
        os.makedirs(f"{root}/etc/fonts/conf.d", exist_ok=True)
        with open(f"{root}/etc/fonts/conf.d/00-layer.conf", "w", encoding="utf-8") as file:
            file.write(
                '<?xml version="1.0"?>\n<!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd">\n'
                f"<fontconfig>\n  <dir>{root}/usr/share/fonts</dir>\n</fontconfig>\n"
            )
    env = {"LD_LIBRARY_PATH": ":".join(libraries)}
    loaders = sorted(glob(f"{lib}/gdk-pixbuf-2.0/*/loaders"))
    query = f"{lib}/gdk-pixbuf-2.0/gdk-pixbuf-query-loaders"
    if loaders and os.path.exists(query):
        files = sorted(glob(f"{loaders[-1]}/*.so"))
        told = _run(ctx, [query, *files], env)
        if told:
            cache = f"{loaders[-1]}.cache"
            with open(cache, "w", encoding="utf-8") as file:
                file.write(told)
            layer.env.default("GDK_PIXBUF_MODULE_FILE", cache)
    dot = f"{root}/usr/bin/dot"
    if os.path.exists(dot):
        _run(ctx, [dot, "-c"], {**env, "GVBINDIR": f"{lib}/graphviz"})


def _run(ctx: BuildContext, command: list[str], env: dict[str, str]) -> str:
    """A program of the layer, if this machine can run it."""
    try:
        return ctx.run(*command, env=env, quiet=True).stdout
    except CommandFailed as failed:
        ctx.log.warning(f"{os.path.basename(command[0])} failed: {failed.shown or failed.what}")
        return ""
