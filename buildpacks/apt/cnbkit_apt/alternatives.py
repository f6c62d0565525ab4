"""Links that `update-alternatives` would make when packages are configured."""

from __future__ import annotations

import os
import re

__all__ = ["link_alternatives"]

_WORD = r"[\"']?([^\s\"';|&]+)[\"']?"
_INSTALL = re.compile(
    rf"--install\s+{_WORD}\s+{_WORD}\s+{_WORD}\s+{_WORD}((?:\s+--slave\s+{_WORD}\s+{_WORD}\s+{_WORD})*)"
)
_SLAVE = re.compile(rf"--slave\s+{_WORD}\s+{_WORD}\s+{_WORD}")


def link_alternatives(layer: str, scripts: list[str]) -> None:
    """Make the links that stand literally in packages' scripts; the highest priority wins.

    What a script computes is not understood; `environment` knows the usual of those.

    Args:
        layer: the layer's directory.
        scripts: paths of `postinst` files.
    """
    found: dict[str, tuple[int, str]] = {}
    for script in scripts:
        with open(script, encoding="utf-8", errors="replace") as file:
            text = file.read().replace("\\\n", " ")
        for match in _INSTALL.finditer(text):
            link, _, path, priority = match.groups()[:4]
            if not priority.isdigit():
                continue
            pairs = [(link, path)] + [(m[1], m[3]) for m in _SLAVE.finditer(match[5])]
            for link, path in pairs:
                if "$" not in link + path and os.path.exists(f"{layer}{path}"):
                    found[link] = max(found.get(link, (-1, "")), (int(priority), path))
    for link, (_, path) in sorted(found.items()):
        place = f"{layer}{link}"
        if not os.path.lexists(place):
            os.makedirs(os.path.dirname(place), exist_ok=True)
            os.symlink(os.path.relpath(path, os.path.dirname(link)), place)
