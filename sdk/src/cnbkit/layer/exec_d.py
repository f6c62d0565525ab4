"""Programs that run before the app starts, written in Python.

The launcher runs every executable file of `<layer>/exec.d/`, with the launch environment so
far, and reads variables to set as TOML from file descriptor 3 (buildpack.md, "Exec.d"). At
launch neither cnbkit nor the buildpack is there: only the run image's own python3, if it has
one, and the layers. So the function's source goes into a file that needs nothing else.
"""

from __future__ import annotations

import inspect
import textwrap

from cnbkit.errors import BuildpackFault
from cnbkit.launch import launch_bindings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["script"]

# Both a shell script and Python: to Python the first lines are a string.
_HEAD = """\
#!/bin/sh
''':'
command -v python3 >/dev/null 2>&1 || {
  echo "Error: exec.d/${0##*/} needs python3, which is not on PATH in this image" >&2
  exit 1
}
exec python3 -I -S -B -X utf8 "$0"
'''
from __future__ import annotations
"""
_TAIL = """
if __name__ == "__main__":
    import json as _json

    def _toml(text):
        return _json.dumps(str(text), ensure_ascii=False).replace("\\x7f", "\\\\u007f")

    _lines = [f"{_toml(name)} = {_toml(value)}\\n" for name, value in (NAME() or {}).items()]
    with open(3, "w", encoding="utf-8") as _out:
        _out.write("".join(_lines))
"""


def script(function: Callable[[], object]) -> bytes:
    """The program for `exec.d` that sets what the function returns.

    Raises:
        BuildpackFault: the function is a lambda, is nested and uses what is around it, takes
            arguments, or uses names of its module other than `launch_bindings`.
    """
    name = getattr(function, "__name__", "")
    code = getattr(function, "__code__", None)
    if code is None or not name.isidentifier():
        raise BuildpackFault(
            f"{function!r} has no source of its own to run at launch",
            remedy="give a function made with `def`, or a program's path",
        )
    if code.co_freevars or code.co_argcount:
        what = ", ".join(code.co_freevars or code.co_varnames[: code.co_argcount])
        raise BuildpackFault(
            f"at launch there is nothing to give {name} for {what}",
            where=f"{code.co_filename}:{code.co_firstlineno}",
            remedy="use neither arguments nor variables from around the function",
        )
    around = getattr(function, "__globals__", {})
    used = _globals(code) & around.keys()
    brought = sorted(name for name in used if around[name] is launch_bindings)
    outside = sorted(used - {*brought})
    if outside:
        raise BuildpackFault(
            f"{name} uses {', '.join(outside)} of its module, which is not there at launch",
            where=f"{code.co_filename}:{code.co_firstlineno}",
            remedy="import or define it within the function",
        )
    source = textwrap.dedent(inspect.getsource(function))
    if brought:
        source = f"{inspect.getsource(launch_bindings)}\n\n{source}"
        # It may be imported under another name.
        source += "".join(f"{name} = launch_bindings\n" for name in brought)
    return (_HEAD + "\n\n" + source + "\n" + _TAIL.replace("NAME", name)).encode()


def _globals(code: object) -> set[str]:
    """Names a function, and those in it, look for outside of themselves."""
    import dis
    from types import CodeType

    assert isinstance(code, CodeType)
    names = {
        each.argval for each in dis.get_instructions(code) if each.opname.startswith("LOAD_GLOBAL")
    }
    for each in code.co_consts:
        if isinstance(each, CodeType):
            names |= _globals(each)
    return names
