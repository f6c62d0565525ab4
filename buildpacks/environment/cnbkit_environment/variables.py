"""`BPE_*` variables: which of the image's variables each changes, and how."""

from __future__ import annotations

from cnbkit import UserFault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cnbkit.settings import Settings

__all__ = ["Variable", "Variables", "read_variables"]

_PREFIX = "BPE_"
_DELIMITER = "BPE_DELIM_"
_ACTIONS = {
    "BPE_APPEND_": "append",
    "BPE_DEFAULT_": "default",
    "BPE_OVERRIDE_": "override",
    "BPE_PREPEND_": "prepend",
    # The others begin with it, so it is the last.
    "BPE_": "override",
}


class Variable:
    """One change.

    Attributes:
        name: of the image's variable.
        action: "append", "default", "override" or "prepend".
        value: of that.
        delimiter: between it and what is there, of "append" and "prepend".
    """

    __slots__ = ("action", "delimiter", "name", "value")

    def __init__(self, name: str, action: str, value: str, delimiter: str) -> None:
        self.name = name
        self.action = action
        self.value = value
        self.delimiter = delimiter

    def __str__(self) -> str:
        return self.name if self.action == "override" else f"{self.name} ({self.action})"

    @property
    def identity(self) -> str:
        """All of it, with a digest in place of the value."""
        import hashlib

        text = f"{self.delimiter}\0{self.value}"
        digest = hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()
        return f"{self} #{digest}"


class Variables:
    """All changes.

    Attributes:
        variables: in the order of their names.
        warnings: what there is to say of those without an effect.
    """

    def __init__(self, variables: list[Variable], warnings: list[str]) -> None:
        self.variables = variables
        self.warnings = warnings


def read_variables(settings: Settings) -> Variables:
    """What the build's variables say.

    Raises:
        UserFault: one names no variable, or two say different things of one; every fault at once.
    """
    names = settings.names(_PREFIX)
    delimiters = {
        name.removeprefix(_DELIMITER): settings.raw(name) or ""
        for name in names
        if name.startswith(_DELIMITER)
    }
    found: dict[tuple[str, str], Variable] = {}
    wrong = []
    for setting in names:
        if setting.startswith(_DELIMITER):
            continue
        prefix = next(each for each in _ACTIONS if setting.startswith(each))
        name, action = setting.removeprefix(prefix), _ACTIONS[prefix]
        value = settings.raw(setting) or ""
        if not name or not name.isascii() or not name.isidentifier():
            wrong.append(f"{setting} names no variable")
        elif "\0" in value:
            wrong.append(f"the value of {setting} holds a NUL character")
        else:
            variable = Variable(name, action, value, delimiters.get(name, ""))
            there = found.setdefault((name, action), variable)
            if there.value != value:
                # Only an override has two names.
                wrong.append(f"BPE_{name} and BPE_OVERRIDE_{name} say different things")
    if wrong:
        raise UserFault(
            wrong[0] if len(wrong) == 1 else f"{len(wrong)} BPE_ variables are wrong",
            where="the build's variables",
            remedy="write BPE_NAME, BPE_DEFAULT_NAME, BPE_OVERRIDE_NAME, BPE_APPEND_NAME or "
            "BPE_PREPEND_NAME, with a name of letters, digits and _",
            detail="\n".join(wrong) if len(wrong) > 1 else None,
        )
    joined = {name for name, action in found if action in ("append", "prepend")}
    return Variables(
        [found[at] for at in sorted(found)],
        [
            f"{_DELIMITER}{name} has no effect: there is no BPE_APPEND_{name} or BPE_PREPEND_{name}"
            for name in sorted(delimiters.keys() - joined)
        ],
    )
