"""What of the sources a resolution depends on."""

from __future__ import annotations

import hashlib
import os

from cnbkit_indexes.address import split_login
from cnbkit_indexes.origins import VARIABLES
from cnbkit_python_inputs.included import with_included
from cnbkit_python_inputs.tree import tree_digest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cnbkit_indexes.sources import Sources

__all__ = ["sources_digest"]

# Of uv's variables, those that change how packages are got, but not which.
_NOT_WHICH = (
    *("UV_CONCURRENT_", "UV_HTTP_", "UV_REQUEST_", "UV_INSECURE_HOST", "UV_NATIVE_TLS"),
    *("UV_SYSTEM_CERTS", "UV_NO_PROGRESS", "UV_OFFLINE", "UV_KEYRING", "UV_LOCK_TIMEOUT"),
    *("UV_NO_CONFIG_WARN", "UV_NO_COLOR", "UV_QUIET", "UV_VERBOSE"),
)
# The same of pip's.
_NOT_WHICH_PIP = (
    *("PIP_CACHE_DIR", "PIP_CONFIG_FILE", "PIP_DEBUG", "PIP_DISABLE_PIP_VERSION_CHECK"),
    *("PIP_KEYRING_PROVIDER", "PIP_LOG", "PIP_NO_CACHE_DIR", "PIP_NO_COLOR", "PIP_NO_INPUT"),
    *("PIP_NO_PYTHON_VERSION_WARNING", "PIP_NO_WARN_", "PIP_PROGRESS_BAR", "PIP_PROXY"),
    *("PIP_QUIET", "PIP_RESUME_RETRIES", "PIP_ROOT_USER_ACTION", "PIP_USE_", "PIP_VERBOSE"),
)
_SECRET = ("PASSWORD", "USERNAME", "TOKEN", "AUTH", "SECRET")


def sources_digest(sources: Sources) -> str:
    """What a resolution depends on, for a layer's key; empty if nothing is set.

    Neither a password nor anything made of one is in it.
    """
    lines = []
    if sources.default:
        lines.append(f"default {sources.default.url}")
    lines += [f"index {each.url}" for each in sources.extra]
    if sources.strategy != "first-index":
        lines.append(f"strategy {sources.strategy}")
    for option in ("no-index", "pre"):
        if sources.value(option) == "true":
            lines.append(option)
    for option in ("find-links", "constraint"):
        for value in sources.values(option):
            lines.append(f"{option} {value} {_contents(sources, value)}")
    lines += [
        f"{option} {sources.values(option)}"
        for option in ("no-binary", "only-binary")
        if sources.values(option)
    ]
    for name in _resolving(sources):
        words = [split_login(word)[0] for word in sources.ctx.settings.get(name).split()]
        lines.append(f"{name}={words} {[_contents(sources, word) for word in words]}")
    if not lines:
        return ""
    text = "\0".join(lines).encode(errors="surrogateescape")
    return hashlib.sha256(text).hexdigest()[:24]


def _resolving(sources: Sources) -> list[str]:
    """Variables of uv and pip that change what is resolved, and that nothing above has."""
    return [
        name
        for name in sources.names
        if name.startswith(("UV_", "PIP_"))
        and sources.ctx.settings.get(name)
        and name not in VARIABLES
        and not name.startswith((*_NOT_WHICH, *_NOT_WHICH_PIP))
        and not any(word in name for word in _SECRET)
    ]


def _contents(sources: Sources, path: str) -> str:
    """A digest of a file or folder of the app, and of what a file of requirements includes.

    Empty for anything else.
    """
    if "://" in path and not path.startswith("file://"):
        return ""
    found = os.path.join(sources.ctx.app.root, path.removeprefix("file://"))
    if not os.path.exists(found):
        return ""
    return " ".join(tree_digest(each) for each in with_included(found))
