"""What a registry serves, and to whom: the store, manifests on offer, grants and uploads."""

from __future__ import annotations

import hashlib
import hmac
import os
import threading
from binascii import b2a_base64
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from cnbkit.errors import CnbkitError
    from cnbkit_engine.oci.store import BlobWriter, ImageStore
    from cnbkit_engine.registry.grant import Grant

__all__ = ["Served"]


class Served:
    """What all connections of a registry share.

    Nobody gets in before `admit` is called, or `admitted`; a header is for what it was made for.

    Args:
        store: what is served.
        show: told when an image that is asked for is damaged.

    Attributes:
        fault: the first one of the store's that a client was answered with.
    """

    def __init__(self, store: ImageStore, show: Callable[[str], None]) -> None:
        self.store = store
        self.fault: CnbkitError | None = None
        self._show = show
        self._grants: dict[str, Grant] = {}
        self._damaged: set[str] = set()
        self._uploads: dict[str, BlobWriter] = {}
        self._offers: dict[str, tuple[str, str, bytes]] = {}
        self._expected: dict[str, Mapping[str, int]] = {}
        self._left: dict[str, bytes] = {}
        self._guard = threading.Lock()
        self._closing = False

    def admit(self, grant: Grant) -> str:
        """Let somebody in; returns the Authorization header to send, made anew each time.

        Loopback is shared with the machine's other users, and with what builds run.
        """
        secret = b"cnbkit:" + os.urandom(24).hex().encode()
        header = "Basic " + b2a_base64(secret, newline=False).decode()
        with self._guard:
            self._grants[header] = grant
        return header

    def dismiss(self, authorization: str) -> None:
        """Undo `admit`."""
        with self._guard:
            self._grants.pop(authorization, None)

    @contextmanager
    def admitted(self, grant: Grant) -> Iterator[str]:
        """Let somebody in for as long as the block lasts; yields the header."""
        header = self.admit(grant)
        try:
            yield header
        finally:
            self.dismiss(header)

    def offer(self, repository: str, kind: str, data: bytes) -> str:
        """Answer with a manifest that is not the store's; returns its digest.

        Its blobs need not all be here: whoever asks for it knows where the others are.

        Args:
            repository: has nothing else.
            kind: the manifest's media type.
            data: its bytes.
        """
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        with self._guard:
            self._offers[repository] = (digest, kind, data)
        return digest

    def withdraw(self, repository: str) -> None:
        """Undo `offer`."""
        with self._guard:
            self._offers.pop(repository, None)

    def offered(self, repository: str, digest: str) -> tuple[str, bytes] | None:
        """Media type and bytes of a manifest that is offered."""
        with self._guard:
            offer = self._offers.get(repository)
        return offer[1:] if offer and offer[0] == digest else None

    def expect(self, repository: str, elsewhere: Mapping[str, int]) -> None:
        """Keep the manifest that is sent to a repository aside, instead of in the store.

        Args:
            repository: has nothing else.
            elsewhere: sizes of blobs, by digest, that are not here and need not be sent.
        """
        with self._guard:
            self._expected[repository] = elsewhere

    def forget_expected(self, repository: str) -> None:
        """Undo `expect`."""
        with self._guard:
            self._expected.pop(repository, None)
            self._left.pop(repository, None)

    def elsewhere(self, repository: str, digest: str) -> int | None:
        """The size of a blob that need not be sent; None of any other."""
        with self._guard:
            return self._expected.get(repository, {}).get(digest)

    def leave(self, repository: str, data: bytes) -> bool:
        """Keep a manifest aside; False if it belongs into the store."""
        with self._guard:
            if repository not in self._expected:
                return False
            self._left[repository] = data
            return True

    def left(self, repository: str) -> bytes:
        """The manifest that was sent to a repository.

        Raises:
            KeyError: none was.
        """
        with self._guard:
            return self._left[repository]

    def say_damaged(self, name: str, digests: list[str]) -> None:
        """Say, once, that an image is damaged and therefore not used."""
        with self._guard:
            known = name in self._damaged
            self._damaged.add(name)
        if not known:
            blobs = f"{digests[0]} is" if len(digests) == 1 else f"{len(digests)} of its blobs are"
            self._show(f"The image {name} in the store is damaged ({blobs} missing or torn).")
            self._show("Nothing of it is used; what is needed is built anew.")

    def admits(self, authorization: str) -> Grant | None:
        """What a client may do by its Authorization header; None if that is not (any more) ours."""
        with self._guard:
            grants = list(self._grants.items())
        found = None
        for header, grant in grants:
            if hmac.compare_digest(authorization.encode(), header.encode()):
                found = grant
        return found

    def keep_upload(self, upload: BlobWriter) -> str:
        """Remember an upload between requests; returns its id."""
        name = os.urandom(16).hex()
        with self._guard:
            if self._closing:
                upload.abort()
            else:
                self._uploads[name] = upload
        return name

    def take_upload(self, name: str) -> BlobWriter | None:
        """Hand an upload to one request at a time: two would mix their bytes."""
        with self._guard:
            return self._uploads.pop(name, None)

    def return_upload(self, name: str, upload: BlobWriter) -> None:
        """Undo `take_upload`."""
        with self._guard:
            if self._closing:
                upload.abort()
            else:
                self._uploads[name] = upload

    def end_uploads(self) -> None:
        """Throw away what is not finished; from now on nothing is kept."""
        with self._guard:
            self._closing = True
            uploads = list(self._uploads.values())
            self._uploads.clear()
        for upload in uploads:
            upload.abort()
