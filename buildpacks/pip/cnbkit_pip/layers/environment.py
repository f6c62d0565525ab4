"""The virtual environment that ties the packages' layers together: one prefix."""

from __future__ import annotations

import os

from cnbkit import OpenLayer
from cnbkit_pip.layers.contents import Contents, site_packages
from cnbkit_pip.layers.merged import merge
from cnbkit_python_inputs.interpreter import Interpreter

__all__ = ["add_packages", "environment_of", "make_environment", "write_environment"]


_DEBIAN_LAST = (
    'import sys; sys.path.sort(key=lambda path: path.endswith("/usr/lib/python3/dist-packages"))\n'
)


def make_environment(layer: OpenLayer, python: Interpreter) -> Interpreter:
    """Make the environment and give its interpreter."""
    root = f"{layer.directory}/venv"
    write_environment(root, python)
    layer.env.launch.prepend("PATH", f"{root}/bin", ":")
    layer.env.launch.override("VIRTUAL_ENV", root)
    return environment_of(layer.directory, python)


def environment_of(layer: str, python: Interpreter) -> Interpreter:
    """The interpreter that the environment in a layer's folder has, or will have."""
    return _inside(f"{layer}/venv", python)


def _inside(root: str, python: Interpreter) -> Interpreter:
    path = f"{root}/bin/python"
    return Interpreter(path, python.minor, python.site, stands_for=python.stands_for)


def write_environment(root: str, python: Interpreter) -> Interpreter:
    """Write one and give its interpreter.

    Written by hand: it is four files, and what `venv` and `uv venv` add (activation scripts,
    an import hook) is not needed in an image.

    Args:
        root: its folder, which is not there.
        python: its interpreter.
    """
    os.makedirs(f"{root}/bin")
    os.makedirs(f"{root}/{site_packages(python.minor)}")
    os.symlink("lib", f"{root}/lib64")
    os.symlink(python.path, f"{root}/bin/python")
    for name in ("python3", f"python{python.minor}"):
        os.symlink("python", f"{root}/bin/{name}")
    with open(f"{root}/pyvenv.cfg", "w", encoding="utf-8") as file:
        seen = "true" if python.site else "false"
        file.write(f"home = {python.directory}\ninclude-system-site-packages = {seen}\n")
    return _inside(root, python)


def add_packages(layer: OpenLayer, python: Interpreter, layers: dict[str, Contents]) -> None:
    """Let the environment have the packages of other layers.

    Their modules as site directories, not as plain path entries: then `.pth` files inside them
    work. Debian's packages, which can only come by PYTHONPATH, are put behind them, where Debian
    has them. What is outside site-packages is linked.

    Args:
        layer: of the environment.
        python: its interpreter.
        layers: contents by the prefix they are below.
    """
    root = f"{layer.directory}/venv"
    site = site_packages(python.minor)
    lines = "".join(f"import site; site.addsitedir({f'{each}/{site}'!r})\n" for each in layers)
    with open(f"{root}/{site}/cnbkit.pth", "w", encoding="utf-8") as file:
        file.write(f"{lines}{_DEBIAN_LAST}")
    merge(root, site, layers)
