"""Names of images, by the grammar of distribution/reference: the one parser for all of them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cnbkit.errors import UserFault

if TYPE_CHECKING:
    from typing import Self

__all__ = ["HUB", "Reference"]

HUB = "docker.io"
"""The registry of names that say none."""

_LONGEST = 255  # characters of a repository's path; registries and go-containerregistry agree
_COMPONENT = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_PATH = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")
_LABEL = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_DOMAIN = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_HEXADECIMAL = re.compile(r"[0-9a-f]{64}")
# What the base images are stored as, by which every build finds them.
_OURS = ("cnbkit/run", "cnbkit/build")


@dataclass(frozen=True)
class Reference:
    """An image's name in its parts.

    Args:
        domain: host and port of the registry, in lower case; `docker.io` where the name says none.
        path: of the repository; on Docker Hub with `library/` where it is an official image's.
        tag: empty if the name has none.
        digest: `sha256:` and 64 hexadecimal digits; empty if the name has none.
    """

    domain: str
    path: str
    tag: str = ""
    digest: str = ""

    @classmethod
    def parse(cls, text: str, *, setting: str = "") -> Self:
        """Read a name; without a tag and a digest, the tag is `latest`.

        Args:
            text: `[domain/]path[:tag][@digest]`.
            setting: where it was said, like `--tag`.

        Raises:
            UserFault: it is not an image name; says which part is wrong, and why.
        """
        if _HEXADECIMAL.fullmatch(text):
            raise _wrong(
                text, setting, "64 hexadecimal digits alone are an image's id", "name the image"
            )
        name, at, digest = text.partition("@")
        if at and not _DIGEST.fullmatch(digest):
            raise _wrong(
                text, setting, "its digest is not sha256: and 64 hexadecimal digits", "correct it"
            )
        head, colon, tag = name.rpartition(":")
        if not colon or "/" in tag:  # a colon before a slash belongs to a port
            head, tag = name, ""
        elif not _TAG.fullmatch(tag):
            raise _wrong(
                text,
                setting,
                f"{tag[:40]!r} is not a tag",
                "use at most 128 letters, digits, and . _ - for it, the first no . or -",
            )
        domain, path = _split(head)
        if not _DOMAIN.fullmatch(domain):
            raise _wrong(
                text,
                setting,
                f"{domain[:80]!r} is not a registry's address",
                "use host[:port]/path",
            )
        _check_path(text, setting, path)
        if domain == HUB and "/" not in path:
            path = f"library/{path}"
        return cls(domain, path, tag or ("" if digest else "latest"), digest)

    @property
    def repository(self) -> str:
        """Domain and path."""
        return f"{self.domain}/{self.path}"

    @property
    def version(self) -> str:
        """What registries are asked by: the digest, else the tag."""
        return self.digest or self.tag

    @property
    def familiar(self) -> str:
        """The repository as people write it: without Docker Hub's address and `library/`."""
        if self.domain != HUB:
            return self.repository
        return self.path.removeprefix("library/")

    @property
    def stored(self) -> str:
        """The one spelling by which the store, caches and locks know the image.

        All spellings of a name give the same, and different names give different ones.
        """
        return f"{self.familiar}{f'@{self.digest}' if self.digest else f':{self.tag}'}"

    @property
    def served(self) -> str:
        """The same in the build's own registry, where no colon may be before the tag."""
        return f"{self.served_repository}{self.stored[len(self.familiar) :]}"

    @property
    def served_repository(self) -> str:
        """The repository there."""
        # go-containerregistry refuses repositories of one character.
        name = self.familiar if len(self.familiar) > 1 else f"library/{self.familiar}"
        # No name holds the two separators one after the other, so nothing is mixed up.
        return name.replace(":", "._")

    @staticmethod
    def unserved(repository: str) -> str:
        """The familiar name of a repository there."""
        name = repository.replace("._", ":")
        return name.removeprefix("library/") if name.count("/") == 1 else name

    def to_make(self, setting: str) -> Self:
        """This reference, if an image can be pushed under it.

        Args:
            setting: where it was said.

        Raises:
            UserFault: it names one image by its digest.
        """
        if self.digest:
            raise _wrong(
                self.stored,
                setting,
                "a digest is known only when the image is made",
                "give a name with a tag, or none",
                "names an image by its digest",
            )
        return self

    def to_store(self, setting: str) -> Self:
        """This reference, if the store can have an app's image under it.

        Args:
            setting: where it was said.

        Raises:
            UserFault: it names one image by its digest, or one of cnbkit's own, or has an IPv6
                address.
        """
        self.to_make(setting)
        if self.familiar in _OURS:
            raise _wrong(
                self.stored,
                setting,
                "apps stand on the image of that name",
                "choose another name than cnbkit/run and cnbkit/build",
                "is one of cnbkit's own images",
            )
        if "[" in self.domain:
            raise _wrong(
                self.stored,
                setting,
                "an address in brackets cannot be part of it",
                "use a host name",
                "cannot be built into the image store",
            )
        return self


def _split(head: str) -> tuple[str, str]:
    first, slash, rest = head.partition("/")
    # Upper case is not allowed in a path: it has to be a host.
    if slash and (set(".:") & set(first) or first == "localhost" or first.lower() != first):
        domain = first.lower()
        return HUB if domain == "index.docker.io" else domain, rest
    return HUB, head


def _check_path(text: str, setting: str, path: str) -> None:
    if len(path) > _LONGEST:
        raise _wrong(
            text,
            setting,
            f"its repository has {len(path)} characters",
            f"use {_LONGEST} at most",
        )
    if not path:
        raise _wrong(text, setting, "it names no repository", "use [host[:port]/]path[:tag]")
    if not _PATH.fullmatch(path):
        wrong = next(part for part in path.split("/") if not re.fullmatch(_COMPONENT, part))
        why = f"{wrong[:40]!r} cannot be part of it" if wrong else "a part between slashes is empty"
        if wrong.lower() != wrong and re.fullmatch(_COMPONENT, wrong.lower()):
            why = f"{wrong[:40]!r} has upper-case letters"
        raise _wrong(
            text,
            setting,
            why,
            "use lower-case letters and digits, with one . or _, or __ or -, between them",
        )


def _wrong(
    text: str, setting: str, why: str, remedy: str, what: str = "is not an image name"
) -> UserFault:
    shown = text if len(text) <= 100 else f"{text[:100]}..."
    return UserFault(f"{shown!r} {what}", where=setting or None, remedy=remedy, detail=why)
