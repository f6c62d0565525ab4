"""Which requirement brings in a package that no line names."""

from __future__ import annotations

import re

from cnbkit_python_inputs.requirements import normalised

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cnbkit_pip.diagnosis.stated import Stated
    from cnbkit_pip.diagnosis.unresolved import Uncompiled
    from cnbkit_pip.engines.uv import Uv
    from cnbkit_python_inputs.requirements import Line

__all__ = ["brought_by"]

# uv's, of what it resolves.
_CHAIN = re.compile(r"was included because `(?P<root>[\w.-]+)")
# Each may be a resolution of its own.
_MOST = 60


def brought_by(fault: Uncompiled, stated: Stated, uv: Uv) -> Line | None:
    """The line without which the package would not be there; None if it cannot be told.

    Args:
        fault: of the package.
        stated: what the user wrote.
        uv: knows the pages and the metadata by now.
    """
    lines = stated.indexed()
    for found in _CHAIN.finditer(fault.output):
        for line in lines:
            if line.name == normalised(found["root"]):
                return line
    for line in lines[:_MOST]:
        asked = f"{stated.options()}{stated.limits()}{stated.requirement(line)}\n"
        packages, _ = uv.ask(asked)
        if any(normalised(str(each["name"])) == fault.name for each in packages):
            return line
    return None
