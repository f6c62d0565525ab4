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

__all__ = ["BuildpackFault", "CnbkitError", "PlatformFault", "UserFault"]


class CnbkitError(Exception):
    """Base of every fault cnbkit reports by itself.

    Args:
        what: one sentence, without a full stop, on what is wrong.
        where: file, file:line, setting or address at fault.
        remedy: the one thing to change or run.
        detail: low-level text (a tool's last lines), shown last and indented.
    """

    exit_code = 70
    blame = "cnbkit"

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

    def __str__(self) -> str:
        """The whole fault, one part a line."""
        lines = [f"Error: {self.what}"]
        if self.where:
            lines.append(f"  where: {self.where}")
        if self.remedy:
            first, *rest = self.remedy.splitlines()
            lines.append(f"  to do: {first}")
            lines.extend(f"         {line}" for line in rest)
        if self.detail:
            lines.append("  detail:")
            lines.extend(f"    {line}" for line in self.detail.splitlines())
        return "\n".join(lines)


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
