"""Faults, by who can mend them.

    CnbkitError
    ├── UserFault       the app or its settings; exit 65 (sysexits EX_DATAERR)
    ├── PlatformFault   network, disk, registry, host; exit 69 (EX_UNAVAILABLE)
    └── BuildpackFault  the buildpack's own code or descriptor; exit 70 (EX_SOFTWARE)

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

__all__ = ["BuildpackFault", "CnbkitError", "PlatformFault", "UserFault"]


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


def _shortened(line: str) -> str:
    if len(line) <= _LONGEST:
        return line
    half = _LONGEST // 2
    return f"{line[:half]} … {len(line) - 2 * half} signs … {line[-half:]}"
