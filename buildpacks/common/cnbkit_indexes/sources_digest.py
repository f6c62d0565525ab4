"""What of the sources a resolution depends on."""

from __future__ import annotations

import hashlib
import os

from cnbkit_indexes.origins import VARIABLES
from cnbkit_logins.address import split_login
from cnbkit_python_inputs.included import with_included
from cnbkit_python_inputs.tree import tree_digest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from cnbkit import BuildContext

__all__ = ["contents", "digest_of", "variables"]

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


def digest_of(lines: list[str]) -> str:
    """A short digest of what is set; empty if nothing is."""
    text = "\0".join(lines).encode(errors="surrogateescape")
    return hashlib.sha256(text).hexdigest()[:24] if lines else ""


def variables(ctx: BuildContext, names: Sequence[str]) -> list[str]:
    """A line for each variable of uv and pip that changes what is resolved.

    Neither a password nor anything made of one is in it.

    Args:
        ctx: the build.
        names: of the variables that are set.
    """
    lines = []
    for name in _resolving(ctx, names):
        words = [split_login(word)[0] for word in ctx.settings.get(name).split()]
        lines.append(f"{name}={words} {[contents(ctx, word) for word in words]}")
    return lines


def _resolving(ctx: BuildContext, names: Sequence[str]) -> list[str]:
    """Variables of uv and pip that change what is resolved, and that no source has already."""
    return [
        name
        for name in names
        if name.startswith(("UV_", "PIP_"))
        and ctx.settings.get(name)
        and name not in VARIABLES
        and not name.startswith((*_NOT_WHICH, *_NOT_WHICH_PIP))
        and not any(word in name for word in _SECRET)
    ]


def contents(ctx: BuildContext, path: str) -> str:
    """A digest of a file or folder of the app, and of what a file of requirements includes.

    Empty for anything else.
    """
    if "://" in path and not path.startswith("file://"):
        return ""
    found = os.path.join(ctx.app.root, path.removeprefix("file://"))
    if not os.path.exists(found):
        return ""
    return " ".join(tree_digest(each) for each in with_included(found))
