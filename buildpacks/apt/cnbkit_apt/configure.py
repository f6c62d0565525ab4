"""What packages' scripts would write when they are configured."""

from __future__ import annotations

import os
import re
from glob import glob
from typing import TYPE_CHECKING

from cnbkit import BuildContext, CommandFailed, OpenLayer
from cnbkit_apt.environment import library_folders
from cnbkit_apt.layout import Layout

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["configure", "unready"]

# What stands in a package's script, and what is missing where that does not run.
_MISSED = (
    (r"\blocale-gen\b", "no language is made ready; C.UTF-8 is there, or take locales-all"),
    (r"\bfmtutil\b|\bmktexlsr\b|\bupdate-texmf", "TeX's formats are not made"),
    (r"aspell-autobuildhash", "aspell's word lists are not made"),
    (r"mecab-dict-index", "mecab's dictionary is not made"),
    (r"pg_createcluster", "no database cluster is made"),
    (r"mysql_install_db|mariadb-install-db", "no database is made"),
)
# Packages that look for their own files and cannot be told where they are.
_FIXED = (
    (r"libnode\d+", "node takes parts of itself from /usr/share/nodejs only"),
    (r"nginx", "start it with its folders: nginx -p DIR/ -c FILE -e stderr"),
)


def configure(ctx: BuildContext, layer: OpenLayer, layout: Layout, system: str) -> None:
    """Write caches and tables that are made on the machine a package is installed on.

    Args:
        ctx: the build.
        layer: a layer whose packages are unpacked.
        layout: the same.
        system: where the build image's own files are; empty for `/`.
    """
    root, lib = layout.root, f"{layout.root}/{layout.lib}"
    _fonts(root)
    _trust_of_java(root, system)
    _drivers_of_odbc(layer, root)
    # gpg asks this file where the programs are that it starts.
    if os.path.exists(f"{root}/usr/bin/gpg"):
        _write(f"{root}/usr/bin/gpgconf.ctl", f"rootdir = {root}/usr\nsysconfdir = /etc/gnupg\n")
    env = {"LD_LIBRARY_PATH": ":".join(library_folders(layout))}
    loaders = sorted(glob(f"{lib}/gdk-pixbuf-2.0/*/loaders"))
    query = f"{lib}/gdk-pixbuf-2.0/gdk-pixbuf-query-loaders"
    if loaders and os.path.exists(query):
        files = sorted(glob(f"{loaders[-1]}/*.so"))
        told = _run(ctx, [query, *files], env)
        if told:
            cache = f"{loaders[-1]}.cache"
            _write(cache, told)
            layer.env.default("GDK_PIXBUF_MODULE_FILE", cache)
    dot = f"{root}/usr/bin/dot"
    if os.path.exists(dot):
        _run(ctx, [dot, "-c"], {**env, "GVBINDIR": f"{lib}/graphviz"})
    schemas = f"{root}/usr/share/glib-2.0/schemas"
    compiler = f"{lib}/glib-2.0/glib-compile-schemas"
    if glob(f"{schemas}/*.xml") and os.path.exists(compiler):
        _run(ctx, [compiler, schemas], env)


def unready(scripts: Mapping[str, str]) -> dict[str, str]:
    """What does not work, because scripts do not run or files are elsewhere.

    Args:
        scripts: text of `postinst` by package.

    Returns:
        A reason by package, of those where one is known.
    """
    found = {}
    for package, text in scripts.items():
        for pattern, what in _MISSED:
            if re.search(pattern, text):
                found[package] = f"unpacked, not configured: {what}"
                break
        for pattern, what in _FIXED:
            if re.fullmatch(pattern, package):
                found[package] = what
    return found


def _fonts(root: str) -> None:
    if os.path.isdir(f"{root}/etc/fonts"):
        os.makedirs(f"{root}/etc/fonts/conf.d", exist_ok=True)
        _write(
            f"{root}/etc/fonts/conf.d/00-layer.conf",
            '<?xml version="1.0"?>\n<!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd">\n'
            f"<fontconfig>\n  <dir>{root}/usr/share/fonts</dir>\n</fontconfig>\n",
        )


def _trust_of_java(root: str, system: str) -> None:
    """Certificates of the image for Java, which reads no PEM."""
    links = glob(f"{root}/usr/lib/jvm/*/lib/security/cacerts")
    bundle = f"{system}/etc/ssl/certs/ca-certificates.crt"
    if not links or not os.path.exists(bundle):
        return
    from cnbkit_apt.java import key_store

    place = f"{root}/etc/ssl/certs/java/cacerts"
    os.makedirs(os.path.dirname(place), exist_ok=True)
    with open(bundle, encoding="ascii", errors="replace") as file:
        data = key_store(file.read())
    with open(place, "wb") as store:
        store.write(data)
    for path in links:
        os.unlink(path)
        os.symlink(os.path.relpath(place, os.path.dirname(path)), path)


def _drivers_of_odbc(layer: OpenLayer, root: str) -> None:
    """Drivers that packages register; the table is a file of the system."""
    found = sorted(
        {
            *glob(f"{root}/usr/share/*/odbcinst.ini*"),
            *glob(f"{root}/opt/*/*/etc/odbcinst.ini"),
        }
    )
    parts = []
    for path in found:
        with open(path, encoding="utf-8", errors="replace") as file:
            parts.append(file.read().strip())
    table = f"{root}/etc/odbcinst.ini"
    if parts:
        os.makedirs(f"{root}/etc", exist_ok=True)
        _write(table, "\n\n".join(parts) + "\n")
    if os.path.exists(table):
        layer.env.default("ODBCSYSINI", f"{root}/etc")


def _run(ctx: BuildContext, command: list[str], env: dict[str, str]) -> str:
    """A program of the layer, if this machine can run it."""
    try:
        return ctx.run(*command, env=env, quiet=True).stdout
    except CommandFailed as failed:
        ctx.log.warning(f"{os.path.basename(command[0])} failed: {failed.shown or failed.what}")
        return ""


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
