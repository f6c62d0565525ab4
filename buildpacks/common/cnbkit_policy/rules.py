"""policy.toml: what is allowed, what is done about the rest, and exceptions."""

from __future__ import annotations

from datetime import date
from typing import Any

from cnbkit import Model, UserFault, field
from cnbkit_policy.size import in_bytes

__all__ = ["RULES", "Exempt", "Rules", "read_rules"]

RULES = (
    *("base", "hash", "hooks", "index", "license", "package", "python", "size"),
    "vulnerability",
)
SEVERITIES = ("low", "moderate", "high", "critical")


def _mode(value: str) -> str:
    if value not in ("fail", "warn", "off"):
        raise ValueError(f"{value!r} is not one of fail, warn, off")
    return value


def _severity(value: str) -> str:
    if value not in SEVERITIES:
        raise ValueError(f"{value!r} is not one of {', '.join(SEVERITIES)}")
    return value


def _rule(value: str) -> str:
    if value not in RULES:
        raise ValueError(f"{value!r} is not one of {', '.join(RULES)}")
    return value


def _day(value: str) -> str:
    try:
        date.fromisoformat(value)
    except ValueError:
        raise ValueError(f"{value!r} is not a day like 2026-12-31") from None
    return value


def _size(value: str) -> str:
    in_bytes(value)
    return value


def _distros(value: list[str]) -> list[str]:
    for each in value:
        if len(each.split()) not in (1, 2):
            raise ValueError(f"{each!r} is not a distribution like `debian 12` or `debian`")
    return value


def _as_text(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


class Exempt(Model):
    """An exception: something a rule forbids and somebody allows for some time.

    Attributes:
        rule: which.
        reason: why.
        until: the last day it is allowed.
        package: of which package; any if empty.
        id: of which vulnerability, or which licence; any if empty.
    """

    rule: str = field(check=_rule)
    reason: str
    until: str = field(check=_day, read=_as_text)
    package: str = ""
    id: str = ""


class Packages(Model):
    """`[packages]`: requirement → why it is denied; and names, if only those are allowed."""

    deny: dict[str, str] = field(default_factory=dict)
    allow: list[str] = field(default_factory=list)


class Licenses(Model):
    """`[licenses]`: patterns with `*`; `unknown` is whether a package may say nothing."""

    deny: list[str] = field(default_factory=list)
    allow: list[str] = field(default_factory=list)
    unknown: bool = True


class Indexes(Model):
    """`[indexes]`: beginnings of addresses."""

    allow: list[str] = field(default_factory=list)


class Python(Model, hyphens=True):
    """`[python]`."""

    end_of_life: bool = True
    minimum: str = ""


class Image(Model, hyphens=True):
    """`[image]`: the run image's name and distribution, and bytes of all that is on top of it."""

    base: list[str] = field(default_factory=list)
    distros: list[str] = field(default_factory=list, check=_distros)
    max_size: str = field(default="", check=_size)

    @property
    def bytes(self) -> int:
        """What it may have; 0 if as much as it likes."""
        return in_bytes(self.max_size)


class Vulnerabilities(Model, hyphens=True):
    """`[vulnerabilities]`: how bad one has to be to count."""

    at_least: str = field(default="low", check=_severity)


class Rules(Model, hyphens=True):
    """All of policy.toml.

    Attributes:
        mode: what is done about what is found: fail, warn, off.
        modes: the same, for a rule by its name.
        contact: who grants exceptions.
        hashes: whether every package of a lock needs hashes.
        hooks: whether apps may have hooks.
    """

    mode: str = field(default="fail", check=_mode)
    modes: dict[str, str] = field(default_factory=dict)
    contact: str = ""
    hashes: bool = False
    hooks: bool = True
    packages: Packages = field(default_factory=Packages)
    licenses: Licenses = field(default_factory=Licenses)
    indexes: Indexes = field(default_factory=Indexes)
    python: Python = field(default_factory=Python)
    image: Image = field(default_factory=Image)
    vulnerabilities: Vulnerabilities = field(default_factory=Vulnerabilities)
    exceptions: list[Exempt] = field(default_factory=list)

    def validate_whole(self) -> None:
        """Modes are of rules that there are; requirements can be read."""
        from packaging.requirements import InvalidRequirement, Requirement

        for rule, mode in self.modes.items():
            _rule(rule)
            _mode(mode)
        for text in (*self.packages.deny, *self.packages.allow):
            try:
                Requirement(text)
            except InvalidRequirement:
                raise ValueError(
                    f"{text!r} is not a requirement like pycrypto or django<5"
                ) from None

    def mode_of(self, rule: str) -> str:
        """What is done about what a rule finds."""
        return self.modes.get(rule, self.mode)


def read_rules(text: str, where: str) -> Rules:
    """Read a policy.

    Raises:
        UserFault: it is not TOML.
        InvalidDocument: it is wrong; every fault is named.
    """
    import tomllib

    try:
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise UserFault(
            f"policy.toml of {where} is not TOML: {error}", where=where, remedy="correct it"
        ) from None
    return Rules.parse(document, name="policy.toml", where=where)
