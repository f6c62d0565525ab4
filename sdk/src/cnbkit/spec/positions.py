"""On which line of a TOML text each key stands.

tomllib keeps no positions, and the libraries that do cost more than all of pydantic to
import. This reads text that tomllib has accepted, so it has to find its way and not to judge.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    Path = tuple[str | int, ...]

__all__ = ["line_of", "lines"]

_BLANK = " \t\r\n"
_END = ",]}#\n"


def lines(text: str) -> dict[Path, int]:
    """Line, counted from 1, of every key, table and list item, by its path."""
    return _Reader(text).read()


def line_of(path: Path, known: dict[Path, int]) -> int | None:
    """The line of a path, or of the nearest table around it; None if the text has neither."""
    while path:
        if path in known:
            return known[path]
        path = path[:-1]
    return None


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text.replace("\r\n", "\n")
        self._at = 0
        self._line = 1
        self._found: dict[Path, int] = {}
        # How often each `[[…]]` came.
        self._counts: dict[Path, int] = {}

    def read(self) -> dict[Path, int]:
        table: Path = ()
        self._skip()
        while self._at < len(self._text):
            if self._text[self._at] == "[":
                table = self._header()
            else:
                self._pair(table)
            self._skip()
        return self._found

    def _header(self) -> Path:
        line, many = self._line, self._text.startswith("[[", self._at)
        self._at += 2 if many else 1
        *parents, last = self._key()
        self._at = self._text.index("]", self._at) + (2 if many else 1)
        path: Path = ()
        for step in parents:
            path = self._element((*path, step))
            self._found.setdefault(path, line)
        path = (*path, last)
        if many:
            self._found.setdefault(path, line)
            self._counts[path] = self._counts.get(path, 0) + 1
        path = self._element(path)
        self._found[path] = line
        return path

    def _element(self, path: Path) -> Path:
        """The path itself or, where that is a list of tables, of its last one."""
        return (*path, self._counts[path] - 1) if path in self._counts else path

    def _pair(self, table: Path) -> None:
        line = self._line
        path = table
        for step in self._key():
            path = (*path, step)
            self._found.setdefault(path, line)
        self._skip()
        self._at += 1  # the equals sign
        self._skip()
        self._value(path)

    def _key(self) -> list[str]:
        steps = []
        while True:
            self._skip()
            char = self._text[self._at]
            if char in "\"'":
                steps.append(_unquoted(self._string()))
            else:
                start = self._at
                while self._text[self._at] not in ".=] \t":
                    self._at += 1
                steps.append(self._text[start : self._at])
            self._skip()
            if self._text[self._at] != ".":
                return steps
            self._at += 1

    def _value(self, path: Path) -> None:
        char = self._text[self._at]
        if char in "\"'":
            self._string()
        elif char == "[":
            self._items(path, "]")
        elif char == "{":
            self._items(path, "}")
        else:
            while self._at < len(self._text) and self._text[self._at] not in _END:
                self._at += 1

    def _items(self, path: Path, end: str) -> None:
        self._at += 1
        number = 0
        self._skip()
        while self._text[self._at] != end:
            if end == "]":
                self._found[(*path, number)] = self._line
                self._value((*path, number))
                number += 1
            else:
                self._pair(path)
            self._skip()
            if self._text[self._at] == ",":
                self._at += 1
                self._skip()
        self._at += 1

    def _string(self) -> str:
        """Pass a string; its text with quotes."""
        start, quote = self._at, self._text[self._at]
        long = self._text.startswith(quote * 3, start)
        close = quote * 3 if long else quote
        self._at += len(close)
        while not self._text.startswith(close, self._at):
            self._at += 2 if quote == '"' and self._text[self._at] == "\\" else 1
        self._at += len(close)
        while long and self._text.startswith(quote, self._at):  # `""""` ends with a quote in it
            self._at += 1
        passed = self._text[start : self._at]
        self._line += passed.count("\n")
        return passed

    def _skip(self) -> None:
        """Pass white space and comments."""
        while self._at < len(self._text):
            char = self._text[self._at]
            if char == "#":
                end = self._text.find("\n", self._at)
                self._at = len(self._text) if end < 0 else end
            elif char in _BLANK:
                self._line += char == "\n"
                self._at += 1
            else:
                return


def _unquoted(text: str) -> str:
    if text[0] == "'" or "\\" not in text:
        return text[1:-1]
    import tomllib

    return str(tomllib.loads(f"k = {text}")["k"])
