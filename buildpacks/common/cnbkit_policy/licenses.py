"""Licences as SPDX expressions: what one may do with a package, not which words it says."""

from __future__ import annotations

from fnmatch import fnmatchcase

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

__all__ = ["acceptable"]

# Longer ones are texts of licences.
_LONGEST = 2000


def acceptable(text: str, allow: Sequence[str], deny: Sequence[str]) -> bool:
    """Whether a package may be used under a licence.

    Of `A OR B` one has to be acceptable, because one may choose; of `A AND B` both. An exception
    (`GPL-2.0-only WITH Classpath-exception-2.0`) may be named with its licence; a pattern for the
    licence alone holds for it as well.

    Args:
        text: an expression, or what a package says in its own words.
        allow: patterns with `*`; if there are none, everything is that is not denied.
        deny: patterns of what is not.
    """
    from license_expression import (  # type: ignore[import-untyped]
        ExpressionError,
        ExpressionParseError,
        Licensing,
    )

    def single(*names: str) -> bool:
        if any(_matches(name, deny) for name in names):
            return False
        return not allow or any(_matches(name, allow) for name in names)

    def judged(node: Any) -> bool:
        kind = type(node).__name__
        if kind == "AND":
            return all(judged(each) for each in node.args)
        if kind == "OR":
            return any(judged(each) for each in node.args)
        if kind == "LicenseWithExceptionSymbol":
            return single(node.render(), node.license_symbol.render())
        return single(node.render())

    if len(text) > _LONGEST:
        return single(text)
    try:
        tree = Licensing().parse(text)
    except (ExpressionError, ExpressionParseError, ValueError, RecursionError):
        tree = None
    if tree is not None:
        return judged(tree)
    # `BSD License; MIT License`: several classifiers, of which each holds.
    return all(single(part.strip()) for part in text.split(";") if part.strip())


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name.lower(), pattern.lower()) for pattern in patterns)
