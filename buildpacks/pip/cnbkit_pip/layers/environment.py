"""The virtual environment that ties the packages' layers together."""

from __future__ import annotations

import os

from cnbkit import OpenLayer
from cnbkit_python_inputs.interpreter import Interpreter

__all__ = ["add_site_directories", "make_environment"]


_DEBIAN_LAST = (
    'import sys; sys.path.sort(key=lambda path: path.endswith("/usr/lib/python3/dist-packages"))\n'
)


def make_environment(layer: OpenLayer, python: Interpreter) -> Interpreter:
    """Make the environment and give its interpreter.

    Written by hand: it is four files, and what `venv` and `uv venv` add (activation scripts,
    an import hook) is not needed in an image.
    """
    root = f"{layer.directory}/venv"
    os.makedirs(f"{root}/bin")
    os.makedirs(_site_packages(root, python))
    os.symlink(python.path, f"{root}/bin/python")
    for name in ("python3", f"python{python.minor}"):
        os.symlink("python", f"{root}/bin/{name}")
    with open(f"{root}/pyvenv.cfg", "w", encoding="utf-8") as file:
        seen = "true" if python.site else "false"
        file.write(f"home = {python.directory}\ninclude-system-site-packages = {seen}\n")
    layer.env.launch.prepend("PATH", f"{root}/bin", ":")
    layer.env.launch.override("VIRTUAL_ENV", root)
    return Interpreter(f"{root}/bin/python", python.minor, python.site)


def add_site_directories(layer: OpenLayer, python: Interpreter, directories: list[str]) -> None:
    """Let the environment see packages of other layers.

    As site directories, not as plain path entries: then `.pth` files inside them work. Debian's
    packages, which can only come by PYTHONPATH, are put behind them, where Debian has them.
    """
    root = f"{layer.directory}/venv"
    lines = "".join(f"import site; site.addsitedir({path!r})\n" for path in directories)
    with open(f"{_site_packages(root, python)}/cnbkit.pth", "w", encoding="utf-8") as file:
        file.write(f"{lines}{_DEBIAN_LAST}")


def _site_packages(root: str, python: Interpreter) -> str:
    return f"{root}/lib/python{python.minor}/site-packages"
