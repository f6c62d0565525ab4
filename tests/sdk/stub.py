"""`cnbkit/__init__.pyi`: what type checkers and editors read of names that are imported late.

python -m tests.sdk.stub >sdk/src/cnbkit/__init__.pyi
"""

from __future__ import annotations

import cnbkit

__all__ = ["stub"]

_HEAD = '''"""Write Cloud Native Buildpacks in typed Python.

What type checkers and editors read in place of `__init__.py`, which imports each name when it is
asked for. Made by `python -m tests.sdk.stub`.
"""
'''


def stub() -> str:
    """Its text."""
    homes = vars(cnbkit)["_HOME"]
    imports = sorted(f"from {homes[name]} import {name} as {name}" for name in cnbkit.__all__)
    exported = [f'    "{name}",' for name in cnbkit.__all__]
    rest = ["", "__version__: str", "", "__all__ = [", *exported, "]", ""]
    return "\n".join([_HEAD, *imports, *rest])


if __name__ == "__main__":
    print(stub(), end="")
