"""AWS Signature Version 4 of a GET request: what S3 and services like it ask for."""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["signed_headers"]

_EMPTY = hashlib.sha256(b"").hexdigest()
_ALGORITHM = "AWS4-HMAC-SHA256"


def signed_headers(
    url: str, *, key_id: str, secret: str, region: str, now: datetime, token: str = ""
) -> dict[str, str]:
    """What the request needs besides; good for a quarter of an hour.

    Args:
        url: the address, its path quoted already.
        key_id: of the access key.
        secret: the access key itself.
        region: of the bucket.
        now: the time, in UTC.
        token: of a session, for keys that end.
    """
    parts = urlsplit(url)
    time = now.strftime("%Y%m%dT%H%M%SZ")
    headers = {"host": parts.netloc, "x-amz-content-sha256": _EMPTY, "x-amz-date": time}
    if token:
        headers["x-amz-security-token"] = token
    names = ";".join(sorted(headers))
    pairs = [each.partition("=") for each in parts.query.split("&") if each]
    query = "&".join(sorted(f"{name}={value}" for name, _, value in pairs))
    request = "\n".join(
        [
            *("GET", quote(parts.path, safe="/~%"), query),
            *(f"{name}:{headers[name]}" for name in sorted(headers)),
            *("", names, _EMPTY),
        ]
    )
    scope = f"{time[:8]}/{region}/s3/aws4_request"
    digest = hashlib.sha256(request.encode()).hexdigest()
    signing = f"AWS4{secret}".encode()
    for step in (time[:8], region, "s3", "aws4_request"):
        signing = _hmac(signing, step)
    signature = _hmac(signing, f"{_ALGORITHM}\n{time}\n{scope}\n{digest}").hex()
    login = f"Credential={key_id}/{scope},SignedHeaders={names},Signature={signature}"
    own = {name: value for name, value in headers.items() if name != "host"}
    return {**own, "Authorization": f"{_ALGORITHM} {login}"}


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()
