"""Files that look like secrets: what is in an image, everybody who has the image can read."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from cnbkit.errors import UserFault

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["SETTING", "judge", "looks_like_secret"]

_SHOWN = 20

SETTING = "BP_SECRET_FILES"
"""What happens when the app holds such files: `warn`, `fail` or `off`."""

_NAMES = {
    *("id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", ".netrc", "_netrc", ".pgpass", ".pypirc"),
    *(".git-credentials", ".htpasswd", "credentials.json", "client_secret.json", "kubeconfig"),
    *(".s3cfg", ".boto", "secrets.toml", "service-account.json", "service_account.json"),
}
_PATHS = (".aws/credentials", ".docker/config.json", ".kube/config", ".config/gcloud")
_STORES = (".p12", ".pfx", ".jks", ".keystore", ".kdbx")
# Written for others to copy.
_SAMPLES = (
    *("example", "sample", "template", "dist", "defaults", "tmpl"),
    *("exemplo", "ejemplo", "exemple", "esempio", "beispiel", "muster"),
)
_ENV = re.compile(r"\.env(\.[A-Za-z0-9_-]+)*")
_KEYS = (".pem", ".key", ".ppk")
_PRIVATE = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----|PuTTY-User-Key-File")
_READ = 64 << 10


def looks_like_secret(path: str, handle: int) -> bool:
    """Whether a file looks like one.

    Args:
        path: relative to the app's root.
        handle: it, open; its offset does not change.
    """
    name = path.rpartition("/")[2]
    lower = name.lower()
    if lower in _NAMES or lower.endswith(_STORES):
        return True
    if any(f"/{path}".endswith(f"/{each}") or f"/{each}/" in f"/{path}" for each in _PATHS):
        return True
    if _ENV.fullmatch(name):
        return not any(part in _SAMPLES for part in lower.split("."))
    if lower.endswith(_KEYS):
        # Certificates of authorities are .pem as well.
        return bool(_PRIVATE.search(os.pread(handle, _READ, 0)))
    return lower == ".npmrc" and b"_authToken" in os.pread(handle, _READ, 0)


def judge(found: list[str], setting: str, source: str, show: Callable[[str], None]) -> None:
    """Name the files that look like secrets, with the lines that leave them out.

    Args:
        found: their paths.
        setting: of BP_SECRET_FILES; may be empty.
        source: what says which files are left out: project.toml, .dockerignore or nothing.
        show: prints a line.

    Raises:
        UserFault: there are some and the setting is `fail`; or it is none of its words.
    """
    if setting not in ("", "warn", "fail", "off"):
        raise UserFault(
            f"{SETTING} is {setting!r}, which is not one of warn, fail, off",
            where=SETTING,
            remedy=f"set {SETTING} to one of these, or unset it",
        )
    if not found or setting == "off":
        return
    shown = [*found[:_SHOWN], *([f"and {len(found) - _SHOWN} more"] if found[_SHOWN:] else [])]
    if source == "project.toml":
        remedy = "add to `exclude` in project.toml (or take out of `include`): " + ", ".join(
            f'"/{path}"' for path in found[:_SHOWN]
        )
    else:
        remedy = "add to .dockerignore the lines: " + ", ".join(found[:_SHOWN])
    what = f"what looks like secrets becomes part of the image: {', '.join(shown)}"
    if setting == "fail":
        raise UserFault(what, where=SETTING, remedy=f"{remedy}; or set {SETTING}=warn")
    show(f"Warning: {what}; {remedy} ({SETTING}=fail ends the build, off says nothing)")
