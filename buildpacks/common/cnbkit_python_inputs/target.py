"""What the packages have to fit: markers and wheel tags of the image's interpreter."""

from __future__ import annotations

import json
import os

from cnbkit import BuildContext
from cnbkit_python_inputs.interpreter import Interpreter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from packaging.markers import Environment
    from packaging.tags import Tag

__all__ = ["TargetEnvironment"]

# Runs in the interpreter of the image, which may be another version than this one's; it is
# given this buildpack's `packaging`, a pure Python package.
_ASK = """
import json, sys
sys.path.insert(0, sys.argv[1])
from packaging.markers import default_environment
from packaging.tags import sys_tags
print(json.dumps([default_environment(), [str(tag) for tag in sys_tags()]]))
"""


class TargetEnvironment:
    """Markers (PEP 508) and tags (PEP 425) of an interpreter.

    Attributes:
        markers: "python_version" → "3.11" and so on.
        tags: the best first.
    """

    def __init__(self, markers: Environment, tags: list[Tag]) -> None:
        self.markers = markers
        self.tags = tags

    @classmethod
    def of(cls, ctx: BuildContext, python: Interpreter) -> TargetEnvironment:
        """Ask the interpreter.

        Raises:
            CommandFailed: it does not work.
        """
        import packaging
        from packaging.tags import parse_tag

        if python.stands_for:
            return cls(*_told(python.stands_for))
        library = os.path.dirname(os.path.dirname(packaging.__file__))
        said = ctx.run(python.path, "-I", "-c", _ASK, library, quiet=True)
        markers, tags = json.loads(said.stdout)
        return cls(markers, [tag for text in tags for tag in parse_tag(text)])


def _told(version: str) -> tuple[Environment, list[Tag]]:
    """Markers and tags of a standalone CPython on this machine, which is not there to be asked.

    Its C library is the build image's, and so this process's.
    """
    from itertools import chain

    from packaging.markers import default_environment
    from packaging.tags import compatible_tags, cpython_tags, platform_tags

    major, minor, *_ = version.split(".")
    numbers, platforms = (int(major), int("".join(filter(str.isdigit, minor)))), [*platform_tags()]
    short = "{}.{}".format(*numbers)
    markers = default_environment()
    markers["implementation_name"] = "cpython"
    markers["implementation_version"] = version
    markers["platform_python_implementation"] = "CPython"
    markers["python_full_version"] = version
    markers["python_version"] = short
    own = "cp{}{}".format(*numbers)
    tags = chain(cpython_tags(numbers, [own], platforms), compatible_tags(numbers, own, platforms))
    return markers, [*tags]
