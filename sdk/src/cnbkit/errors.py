"""Faults, by who can mend them.

    CnbkitError
    ├── UserFault       the app or its settings; exit 65 (sysexits EX_DATAERR)
    ├── PlatformFault   network, disk, registry, host; exit 69 (EX_UNAVAILABLE)
    ├── BuildpackFault  the buildpack's own code or descriptor; exit 70 (EX_SOFTWARE)
    └── InvalidDocument a document that is not what its specification says; exit 65

A fault says what is wrong, where, and what to do about it. The lifecycle only
distinguishes 0, 100 and "anything else" (Buildpack API, "Detection" and "Build"),
so the codes are free for whoever reads them: a person, a CI job, a test.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Self

    from cnbkit.redact import Secrets

__all__ = [
    "BuildpackFault",
    "CnbkitError",
    "Fault",
    "InvalidDocument",
    "PlatformFault",
    "UserFault",
]


_SHOWN = 50
# Nobody reads a line that fills screens: what an app has there is shown by its ends.
_LONGEST = 1200


class CnbkitError(Exception):
    """Base of every fault cnbkit reports by itself.

    Args:
        what: one sentence, without a full stop, on what is wrong.
        where: file, file:line, setting or address at fault.
        remedy: the one thing to change or run.
        detail: low-level text (a tool's last lines), shown last and indented.

    Attributes:
        phase: "detect", "build" or "generate", once `Buildpack.on_error` is asked.
        buildpack: name and version then.
        target: what was built for, as `ctx.target` prints, then.
        app: the app's directory, then.
        layer: name of the layer that was open when it happened; empty if none was.
        code_line: `file:line` of the buildpack's own code it came from, where that is at fault.
        secrets: what `str` leaves out; known once a phase has run.
    """

    exit_code = 70
    blame = "cnbkit"

    phase = ""
    buildpack = ""
    target = ""
    app = ""
    layer = ""
    code_line = ""
    secrets: Secrets | None = None

    def __init__(
        self,
        what: str,
        *,
        where: str | None = None,
        remedy: str | None = None,
        detail: str | None = None,
    ) -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.remedy = remedy
        self.detail = detail

    @classmethod
    def of(cls, file: str, faults: Iterable[tuple[int, str]], *, remedy: str) -> Self:
        """One fault for everything that is wrong with a file.

        Args:
            file: its name.
            faults: line, counted from 1, and what is wrong there; at least one.
            remedy: what a right line looks like.
        """
        found = sorted({*faults})
        if len(found) == 1:
            line, what = found[0]
            return cls(f"{file}: {what}", where=f"{file}:{line}", remedy=remedy)
        lines = [f"{file}:{line}: {what}" for line, what in found[:_SHOWN]]
        if len(found) > _SHOWN:
            lines.append(f"and {len(found) - _SHOWN} more")
        what = f"{file} has {len(found)} faults"
        return cls(what, where=file, remedy=remedy, detail="\n".join(lines))

    def __str__(self) -> str:
        """The whole fault, one part a line, without any secret."""
        lines = [f"Error: {self.what}"]
        if self.where:
            lines.append(f"  where: {self.where}")
        if self.code_line:
            lines.append(f"  code: {self.code_line}")
        if self.remedy:
            first, *rest = self.remedy.splitlines()
            lines.append(f"  to do: {first}")
            lines.extend(f"         {line}" for line in rest)
        if self.detail:
            lines.append("  detail:")
            lines.extend(f"    {line}" for line in self.detail.splitlines())
        text = "\n".join(lines)
        if self.secrets is not None:
            # Before anything is cut: half a secret would not be known for one.
            text = self.secrets.redacted(text)
        return "\n".join(_shortened(line) for line in text.split("\n"))


class UserFault(CnbkitError):
    """The app, its files or its settings are at fault."""

    exit_code = 65
    blame = "your app"


class PlatformFault(CnbkitError):
    """Something around the build failed: network, disk, registry, host."""

    exit_code = 69
    blame = "the platform"


class BuildpackFault(CnbkitError):
    """The buildpack itself is wrong; its user can do nothing but report it."""

    exit_code = 70
    blame = "the buildpack"


class Fault:
    """One thing wrong with a document: where in it, and what.

    Args:
        path: keys and indexes from the document's root.
        message: what is wrong, for a person.
        line: 1-based line of the text, where it is known.
        unknown: whether it is no more than a key nobody knows.
    """

    __slots__ = ("line", "message", "path", "unknown")

    def __init__(
        self,
        path: tuple[str | int, ...],
        message: str,
        line: int | None = None,
        *,
        unknown: bool = False,
    ) -> None:
        self.path = path
        self.message = message
        self.line = line
        self.unknown = unknown

    def __str__(self) -> str:
        at = ""
        for step in self.path:
            if isinstance(step, int):
                at += f"[{step}]"
                continue
            # One that is empty, or has a line break in it, would not be seen for what it is.
            key = step if step and step.isprintable() else repr(step)
            at += f".{key}" if at else key
        prefix = f"line {self.line}: " if self.line else ""
        return f"{prefix}{at}: {self.message}" if at else f"{prefix}{self.message}"


class InvalidDocument(CnbkitError):
    """A document that is not what its specification says; carries every fault found.

    Attributes:
        faults: all of them, in the document's order.
    """

    exit_code = 65

    def __init__(self, name: str, faults: list[Fault], *, where: str | None = None) -> None:
        faults = sorted(faults, key=lambda fault: fault.line or 0)
        one = len(faults) == 1
        super().__init__(
            f"{name} is not valid: {faults[0]}" if one else f"{name} has {len(faults)} faults",
            where=f"{where}:{faults[0].line}" if where and one and faults[0].line else where,
            remedy="correct the file" if one else "correct each of these",
            detail=None if one else "\n".join(str(fault) for fault in faults),
        )
        self.name = name
        self.faults = faults


def _shortened(line: str) -> str:
    if len(line) <= _LONGEST:
        return line
    half = _LONGEST // 2
    return f"{line[:half]} … {len(line) - 2 * half} signs … {line[-half:]}"
