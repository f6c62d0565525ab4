"""Licences of components, as bills of materials may have them."""

from __future__ import annotations

import hashlib
import re
from functools import cache

from license_expression import (  # type: ignore[import-untyped]
    ExpressionError,
    LicenseExpression,
    Licensing,
    get_spdx_licensing,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cnbkit.sbom.component import Component

__all__ = ["all_of", "expression", "names", "references"]

_OWN = re.compile(r"LicenseRef-[A-Za-z0-9.-]+")


@cache
def _spdx() -> Licensing:
    # Reading all licences that SPDX knows takes longer than a document.
    return get_spdx_licensing()


def expression(component: Component) -> LicenseExpression | None:
    """Its licence with SPDX's present identifiers.

    None if it has none, or one that is not an expression or names what SPDX does not know.
    """
    try:
        parsed = _spdx().parse(component.licence, strict=True)
    except ExpressionError:
        return None
    if parsed is None:
        return None
    unknown = _spdx().unknown_license_keys(parsed)
    return parsed if all(_OWN.fullmatch(each) for each in unknown) else None


def names(component: Component) -> list[str]:
    """Its licences in words that are not an expression, each once."""
    if expression(component) is not None:
        return []
    return sorted({each for each in (component.licence, *component.licences) if each})


def references(component: Component) -> dict[str, str]:
    """Licences that SPDX has no identifier for: one made for each, and its text."""
    parsed = expression(component)
    if parsed is not None:
        keys = map(str, _spdx().license_keys(parsed))
        return {each: each for each in keys if _OWN.fullmatch(each)}
    return {_reference(name): name for name in names(component)}


def all_of(identifiers: list[str]) -> LicenseExpression | None:
    """All of these apply; None for none."""
    # Without the licences of SPDX, whose names might be found inside of these.
    return Licensing().parse(" AND ".join(sorted(identifiers)), simple=True)


def _reference(name: str) -> str:
    plain = re.sub(r"[^A-Za-z0-9.]+", "-", name).strip("-")[:60]
    return f"LicenseRef-{plain}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"
