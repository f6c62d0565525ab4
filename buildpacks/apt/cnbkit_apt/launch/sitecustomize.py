"""Lets Python find what Debian packages of a layer brought.

`ctypes.util.find_library` asks ldconfig, gcc and ld, of which a run image has the first alone, and
that knows the image's own folders. Here it looks into the folders of LD_LIBRARY_PATH, too.
"""

from __future__ import annotations

import sys

# What importlib is made of. It is imported already, and importlib.util is not: this file is read
# whenever a Python starts.
from _frozen_importlib import module_from_spec
from _frozen_importlib_external import PathFinder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

_MODULE = "ctypes.util"
_HERE = __file__.rpartition("/")[0]


def _in_loader_path(name: str) -> str | None:
    """What to load for `name`, as ldconfig would answer: the newest `libNAME.so.N`."""
    import os
    import re

    pattern = re.compile(rf"lib{re.escape(name)}\.so((?:\.\d+)*)")
    for folder in os.environ.get("LD_LIBRARY_PATH", "").split(":"):
        try:
            names = os.listdir(folder) if folder else []
        except OSError:
            continue
        found = []
        for each in names:
            match = pattern.fullmatch(each)
            if match:
                version = [int(part) for part in match[1].split(".")[1:]]
                # The name to load by has one number as a rule; without one it is for compilers.
                found.append((len(version) == 1, bool(version), version, each))
        if found:
            return max(found)[-1]
    return None


class _Finder:
    """Waits for ctypes.util, which most programs never import."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name != _MODULE:
            return None
        sys.meta_path.remove(self)
        spec = PathFinder.find_spec(name, path)
        if spec is not None and spec.loader is not None:
            run = spec.loader.exec_module

            def exec_module(module: ModuleType) -> None:
                run(module)
                search = module.find_library
                vars(module)["find_library"] = lambda name: search(name) or _in_loader_path(name)

            spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


def _others() -> None:
    """Run the sitecustomize that would have been found without this one."""
    folders = [each for each in sys.path if each.rstrip("/") != _HERE]
    spec = PathFinder.find_spec("sitecustomize", folders)
    if spec is not None and spec.loader is not None:
        module = module_from_spec(spec)
        sys.modules["sitecustomize"] = module
        spec.loader.exec_module(module)


def _standard_modules() -> None:
    """Parts of the standard library that Debian has in packages of their own (tkinter)."""
    import os

    version = "python{}.{}".format(*sys.version_info[:2])
    own = f"{_HERE.rpartition('/')[0]}/usr/lib/{version}"
    # Of a Python from elsewhere they would be the wrong ones.
    if sys.base_prefix == "/usr" and os.path.isdir(own):
        sys.path += [own, f"{own}/lib-dynload"]


sys.meta_path.insert(0, _Finder())
_standard_modules()
_others()
