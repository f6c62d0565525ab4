"""Names the specification constrains, each checked by one function.

A check returns the name or raises ValueError; the same functions serve instances made in
code and documents read from disk. Character loops instead of `re`: importing that costs as
much as the rest of a detect.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = [
    "api_version",
    "buildpack_id",
    "exec_d",
    "exec_env",
    "layer_name",
    "process_type",
    "runs_in",
    "version",
]

_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
_RESERVED_IDS = ("app", "config", "generated", "sbom")
_RESERVED_LAYERS = ("build", "launch", "store")


_LONGEST_FILE = 255


def _only(value: object, allowed: str, what: str) -> None:
    if not isinstance(value, str):
        raise ValueError(f"{what} is text, not {type(value).__name__}; found {value!r}")
    wrong = sorted({char for char in value if char not in allowed})
    if wrong or not value:
        shown = " ".join(repr(char) for char in wrong) or "nothing"
        raise ValueError(f"{what} may hold letters, digits and {allowed[62:]!r}; found {shown}")


def buildpack_id(value: str) -> str:
    """A buildpack or extension id (buildpack.md, "buildpack.toml")."""
    _only(value, _LETTERS + "./-", "an id")
    if value.lower() in (*_RESERVED_IDS, ".", ".."):
        raise ValueError(f"the id {value!r} is reserved")
    return value


def version(value: str) -> str:
    """A buildpack's own version: X.Y.Z without leading zeros."""
    parts = value.split(".")
    if len(parts) != 3 or not all(
        part.isascii() and part.isdigit() and (part == "0" or part[0] != "0") for part in parts
    ):
        raise ValueError(f"a version is X.Y.Z, like 1.2.3; found {value!r}")
    return value


def api_version(value: str) -> str:
    """The Buildpack API: one this SDK writes for."""
    if value in ("0.10", "0.11", "0.12"):
        return value
    major, _, minor = value.partition(".")
    if major == "0" and minor.isascii() and minor.isdigit() and int(minor) < 10:
        raise ValueError(
            f"Buildpack API {value!r} is older than 0.10, where targets replaced stacks; "
            'write api = "0.10" and, if this is not built with cnbkit, check what bin/ writes'
        )
    raise ValueError(f"Buildpack API {value!r} is not among 0.10, 0.11 and 0.12")


def layer_name(value: str) -> str:
    """A layer's name.

    Stricter than the specification in one point: no dots, because the lifecycle cuts the
    name of an SBOM file at the first one and so loses the SBOM of a layer `py3.11`.
    """
    _only(value, _LETTERS + "_-", "a layer name")
    if value in _RESERVED_LAYERS:
        raise ValueError(f"the layer name {value!r} is reserved for {value}.toml")
    # Its bill of materials has the longest name of all that is made for a layer.
    if len(value) > _LONGEST_FILE - len(".sbom.syft.json"):
        raise ValueError(f"the layer name {value[:20]}… has {len(value)} letters: too many")
    return value


def process_type(value: str) -> str:
    """A process type (buildpack.md, "launch.toml")."""
    _only(value, _LETTERS + "._-", "a process type")
    if value in (".", ".."):
        raise ValueError(f"the process type {value!r} cannot name a file")
    if len(value) > _LONGEST_FILE:
        # The launcher is started by a link of this name.
        raise ValueError(
            f"the process type {value[:20]}… has {len(value)} letters, and a file's name "
            f"at most {_LONGEST_FILE}"
        )
    return value


def exec_d(value: str) -> str:
    """The file name of an exec.d program (buildpack.md, "Exec.d")."""
    _only(value, _LETTERS + "._-", "the name of an exec.d program")
    if value in (".", "..") or len(value) > _LONGEST_FILE:
        raise ValueError(f"{value[:20]!r} cannot name an exec.d program's file")
    return value


def exec_env(value: object) -> object:
    """Execution environments in either form, as a list.

    The specification says `[[buildpack.exec-env]] name = "x"`; the lifecycle and pack read
    `exec-env = ["x"]` and fail on the other. So both are read and only the list is written.
    """
    if isinstance(value, list) and value and all(_names_one(each) for each in value):
        return [each["name"] for each in value]
    return value


def runs_in(declared: Collection[str], exec_env: str) -> bool:
    """Whether what is declared for some execution environments is for this one; `*` is any."""
    return not declared or "*" in declared or exec_env in declared


def _names_one(value: object) -> bool:
    return isinstance(value, dict) and value.keys() == {"name"}
