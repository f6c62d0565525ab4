"""What an organisation wants of labels: defaults, and rules for those of apps.

From `labels.toml`, in a binding of type `labels` or beside this package in a builder:

reserved = ["com.example.security."]
[defaults]
"com.example.company" = "Example"
[rules.owner]
required = true
allowed = ["vision", "language"]
pattern = "[a-z-]+"
max-length = 40
"""

from __future__ import annotations

import os

from cnbkit import BuildContext, UserFault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cnbkit_labels.rules import Problem

__all__ = ["FILE", "Company", "company"]

FILE = "labels.toml"
_KEYS = ("defaults", "reserved", "rules")
_RULES = ("required", "allowed", "pattern", "max-length", "help")


class Company:
    """The rules.

    Attributes:
        where: what they are from, for people.
        defaults: labels of every image.
        reserved: beginnings of keys that apps may not use.
        rules: for a label, by its key.
    """

    def __init__(self, where: str, document: dict[str, Any]) -> None:
        self.where = where
        self.defaults: dict[str, str] = document.get("defaults", {})
        self.reserved: list[str] = document.get("reserved", [])
        self.rules: dict[str, dict[str, Any]] = document.get("rules", {})

    def check(self, labels: dict[str, str], lines: dict[str, int]) -> list[Problem]:
        """What is wrong with labels.

        Args:
            labels: all of them.
            lines: where the app says those that are its own.
        """
        problems: list[Problem] = []
        problems += [
            (line, f"{key}: keys beginning with {start} are reserved (by {self.where})")
            for key, line in lines.items()
            for start in self.reserved
            if key.startswith(start)
        ]
        for key, rule in self.rules.items():
            line = lines.get(key, 1)
            value = labels.get(key)
            fault = _missing(rule) if value is None else _fault(rule, value)
            if fault:
                told = f": {rule['help']}" if "help" in rule else ""
                problems.append((line, f"{key} {fault} (rule of {self.where}){told}"))
        return problems


def company(ctx: BuildContext) -> Company | None:
    """The rules for this build; None if there are none.

    Raises:
        UserFault: the binding has no labels.toml, or it is wrong; every fault is named.
    """
    binding = ctx.bindings.first("labels")
    if binding is not None:
        return _read(binding.text(FILE), f"binding {binding.name}")
    path = os.path.join(os.path.dirname(os.path.dirname(__file__)), FILE)
    if not os.path.isfile(path):
        return None
    with open(path, encoding="utf-8") as file:
        return _read(file.read(), "the builder")


def _missing(rule: dict[str, Any]) -> str:
    return "is required" if rule.get("required") else ""


def _fault(rule: dict[str, Any], value: str) -> str:
    allowed = rule.get("allowed")
    if allowed is not None and value not in allowed:
        return f"is {value!r}, which is not one of {', '.join(allowed)}"
    if len(value) > rule.get("max-length", len(value)):
        return f"has {len(value)} characters; {rule['max-length']} are allowed"
    pattern = rule.get("pattern")
    if pattern is not None:
        import re

        if not re.fullmatch(pattern, value):
            return f"is {value!r}, which does not match {pattern}"
    if rule.get("required") and not value:
        return "is empty"
    return ""


def _read(text: str, where: str) -> Company:
    import tomllib

    remedy = "correct it; the README of the labels buildpack shows one"
    try:
        document = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise UserFault(
            f"{FILE} of {where} is not TOML: {error}", where=where, remedy=remedy
        ) from None
    faults = _faults(document)
    if faults:
        raise UserFault(
            f"{FILE} of {where} has {len(faults)} fault{'s' if len(faults) > 1 else ''}",
            where=where,
            remedy=remedy,
            detail="\n".join(faults),
        )
    return Company(where, document)


def _faults(document: dict[str, Any]) -> list[str]:
    import re

    faults = [f"{name} is not one of {', '.join(_KEYS)}" for name in document if name not in _KEYS]
    defaults = document.get("defaults", {})
    if not isinstance(defaults, dict) or any(not isinstance(e, str) for e in defaults.values()):
        faults.append("defaults must hold texts")
    if not _texts(document.get("reserved", [])):
        faults.append("reserved must be a list of texts")
    rules = document.get("rules", {})
    if not isinstance(rules, dict):
        return [*faults, "rules must hold a table for each label"]
    for key, rule in rules.items():
        if not isinstance(rule, dict):
            faults.append(f"rules.{key} is not a table; quote a key with dots in it")
            continue
        faults += [f"rules.{key} has no {e}; it may have {', '.join(_RULES)}"
                   for e in rule if e not in _RULES]  # fmt: skip
        if not isinstance(rule.get("required", False), bool):
            faults.append(f"rules.{key}: required must be true or false")
        if not _texts(rule.get("allowed", [])):
            faults.append(f"rules.{key}: allowed must be a list of texts")
        if type(rule.get("max-length", 0)) is not int:
            faults.append(f"rules.{key}: max-length must be a whole number")
        if not isinstance(rule.get("help", ""), str):
            faults.append(f"rules.{key}: help must be a text")
        try:
            re.compile(rule.get("pattern", ""))
        except (re.error, TypeError, OverflowError, RecursionError) as error:
            faults.append(f"rules.{key}: pattern is not a regular expression: {error}")
    return faults


def _texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)
