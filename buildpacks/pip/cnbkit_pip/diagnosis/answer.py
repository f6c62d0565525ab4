"""What stands at the address of an index's page, asked once more: resolvers do not tell."""

from __future__ import annotations

import json
import urllib.error

from cnbkit_indexes.ask import ask

__all__ = ["answer_of"]

_SECONDS = 10
_LONGEST = 1_000_000


def answer_of(url: str) -> str:
    """What is wrong with the page of a package, in words; empty if nothing is, or it is unknown.

    Args:
        url: of the page, http or https.
    """
    if not url.startswith(("http://", "https://")):
        return ""
    try:
        body = ask(url, seconds=_SECONDS, longest=_LONGEST).body
    except urllib.error.HTTPError as error:
        if "infinite loop" in str(error.msg):
            return "the address redirects to itself without end"
        return f"the address answers {error.code}" if error.code != 404 else ""
    except (OSError, ValueError):
        return ""
    if not body.strip():
        return "the address answers with an empty page"
    if _is_list(body):
        return ""
    return "a web page that lists no files answers, like one to sign in"


def _is_list(body: bytes) -> bool:
    """Whether it is a page of an index (PEP 503) or its JSON (PEP 691)."""
    if b"<a " in body.lower():
        return True
    try:
        return "files" in json.loads(body)
    except (ValueError, RecursionError, TypeError):
        return False
