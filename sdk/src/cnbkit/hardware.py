"""The words that say which hardware an image is for, read where people write them.

BP_HARDWARE, else hardware.txt, else `[tool.cnbkit] hardware` in pyproject.toml; the first that is
there counts. What a word means is known to the buildpack that serves it:

    GAUDI = Accelerator("gaudi", "Intel Gaudi", aliases={"hpu": "Gaudi's processors"})

A buildpack lists its words in its descriptor, too (`hardware = ["gaudi", "hpu"]` in
`[metadata.cnbkit]`), so that `cnbkit/hardware` does not call them unknown.
"""

from __future__ import annotations

from cnbkit.errors import InvalidDocument

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cnbkit.build_context import BuildContext
    from cnbkit.context import DetectContext
    from cnbkit.package_request import PackageRequest

__all__ = ["FILE", "PROJECT", "SETTING", "TRIGGERS", "Accelerator", "Word", "Words", "tell"]

FILE = "hardware.txt"
SETTING = "BP_HARDWARE"
PROJECT = "pyproject.toml"
TRIGGERS = (FILE, PROJECT)
"""Files that may name hardware: for `Triggers(*TRIGGERS, settings=(SETTING,))`."""


class Word:
    """A word as it was written.

    Attributes:
        text: in lower case, like "cuda:12.8".
        name: before its colon.
        version: behind it; empty for nothing.
        line: of the file, from 1; 0 where there are no lines.
    """

    __slots__ = ("line", "name", "text", "version")

    def __init__(self, text: str, line: int) -> None:
        self.text = text
        self.line = line
        self.name, _, self.version = text.partition(":")


class Words:
    """All words of an app.

    Attributes:
        source: BP_HARDWARE, hardware.txt or pyproject.toml; empty if nothing names hardware.
        words: in the order they stand.
        fault: why they cannot be read; empty if they can.
    """

    def __init__(self, source: str, words: list[Word], fault: str = "") -> None:
        self.source = source
        self.words = words
        self.fault = fault

    @classmethod
    def read(cls, ctx: BuildContext | DetectContext) -> Words:
        """What the app, or the person who builds, says."""
        setting = ctx.settings.get(SETTING)
        file = ctx.app.text(FILE) if not setting and ctx.app.has(FILE) else None
        project = ""
        if not setting and file is None and ctx.app.has(PROJECT):
            project = ctx.app.text(PROJECT)
        return cls.of(setting, file, project)

    @classmethod
    def of(cls, setting: str, file: str | None, project: str) -> Words:
        """The words of these texts, the first that says anything.

        Args:
            setting: BP_HARDWARE; empty if it is not set.
            file: hardware.txt; None if there is none.
            project: pyproject.toml; empty if there is none.
        """
        if setting:
            return cls(SETTING, _parsed(setting, lines=False))
        if file is not None:
            words = _parsed(file, lines=True)
            return cls(FILE, words, "" if words else f"{FILE} names no hardware")
        # Read as TOML only where there is a chance: that takes longer than all the rest.
        return cls._of_project(project) if _may_name(project) else cls("", [])

    @classmethod
    def _of_project(cls, text: str) -> Words:
        from cnbkit.spec.toml import decode

        try:
            tool = decode(text.encode(errors="surrogateescape"), name=PROJECT).get("tool")
        except InvalidDocument:
            return cls("", [])  # for those to complain of who need the file
        table = tool.get("cnbkit") if isinstance(tool, dict) else None
        value = table.get("hardware") if isinstance(table, dict) else None
        if value is None:
            return cls("", [])
        texts = [value] if isinstance(value, str) else value
        if not isinstance(texts, list) or not all(isinstance(each, str) for each in texts):
            fault = f"[tool.cnbkit] hardware is {value!r}, not text or a list of it"
            return cls(PROJECT, [], fault)
        words = _parsed("\n".join(texts), lines=False)
        return cls(PROJECT, words, "" if words else f"{PROJECT} names no hardware")

    def named(self, names: Iterable[str]) -> list[Word]:
        """Those whose name is one of these."""
        known = {*names}
        return [word for word in self.words if word.name in known]

    def where(self, word: Word | None = None) -> str:
        """Where it stands: `hardware.txt:3`, or what holds all of them."""
        return f"{self.source}:{word.line}" if word and word.line else self.source


class Accelerator:
    """What a buildpack serves under one name, and by which words.

    Args:
        name: like "cuda".
        about: for people.
        aliases: other words for it, and why they mean it.
        versions: what may stand behind its colon; empty for nothing.
        architectures: that it can be built for; empty for any.
    """

    __slots__ = ("about", "aliases", "architectures", "name", "versions")

    def __init__(
        self,
        name: str,
        about: str,
        *,
        aliases: Mapping[str, str] | None = None,
        versions: tuple[str, ...] = (),
        architectures: tuple[str, ...] = (),
    ) -> None:
        self.name = name
        self.about = about
        self.aliases = dict(aliases or {})
        self.versions = versions
        self.architectures = architectures

    def asked(self, words: Words) -> list[Word]:
        """The words that name it."""
        return words.named((self.name, *self.aliases))

    def version(self, words: Words) -> str:
        """The version asked for. It may stand on one line, the bare word on another."""
        return next((word.version for word in self.asked(words) if word.version), "")

    def subject(self, words: Words) -> str:
        """Name and version, as the log has them: "cuda:12.8"."""
        version = self.version(words)
        return f"{self.name}:{version}" if version else self.name

    def reason(self, words: Words) -> str:
        """Where it stands, and what an alias means."""
        asked = self.asked(words)
        notes = [
            f"{word.name} is {self.name}: {self.aliases[word.name]}"
            for word in asked
            if word.name in self.aliases
        ]
        return "; ".join([f"from {words.where(asked[0])}", *dict.fromkeys(notes)])

    def faults(self, words: Words, architecture: str) -> list[dict[str, str]]:
        """What is wrong with the words that name it, as the fields of a `RequestFault`.

        Args:
            words: all of the app's.
            architecture: of the image.
        """
        found = []
        for word in self.asked(words):
            if ":" in word.text and not self.versions:
                what = f"{word.name} has no versions, so {word.text} means nothing"
                found.append(_fault(words, word, what, f"write {word.name}"))
            elif ":" in word.text and word.version not in self.versions:
                known = ", ".join(self.versions)
                what = f"there is no {self.name} {word.version!r}; known: {known}"
                remedy = f"write one of these behind {word.name}:, or {word.name} alone"
                found.append(_fault(words, word, what, remedy))
            elif self.architectures and architecture not in self.architectures:
                only = ", ".join(self.architectures)
                what = f"{self.name} ({self.about}) is only for {only}, and this build is for "
                remedy = f"build with --platform linux/{self.architectures[0]}"
                found.append(_fault(words, word, what + architecture, remedy))
        versions = {word.version for word in self.asked(words) if word.version}
        if not found and len(versions) > 1:
            what = f"{self.name} is asked for as {' and as '.join(sorted(versions))}"
            found.append(_fault(words, self.asked(words)[-1], what, "keep one of them"))
        return found


def tell(ctx: BuildContext, request: PackageRequest, about: str, reason: str) -> None:
    """Say what an image is for, and end the build if it cannot be.

    For builds in which nothing installs Python packages; otherwise the installer has done so.

    Raises:
        UserFault: the request has faults.
    """
    request.check()
    ctx.log.info(f"{request.subject} ({about}), {reason}")


def _fault(words: Words, word: Word, what: str, remedy: str) -> dict[str, str]:
    return {"what": what, "where": words.where(word), "remedy": remedy}


def _may_name(text: str) -> bool:
    return "cnbkit" in text and "hardware" in text


def _parsed(text: str, *, lines: bool) -> list[Word]:
    return [
        Word(word, number if lines else 0)
        for number, line in enumerate(text.splitlines(), 1)
        for word in line.partition("#")[0].replace(",", " ").lower().split()
    ]
