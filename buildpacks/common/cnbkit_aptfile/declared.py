"""What an Aptfile and TOML tables say, read."""

from __future__ import annotations

import re
from dataclasses import dataclass

from cnbkit import UserFault
from cnbkit_aptfile import TABLE, Inputs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cnbkit import BuildContext, GenerateContext

__all__ = ["Declared", "DeclaredPackage", "Repository", "read"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9+._-]*(:[a-z0-9]+)?(=[A-Za-z0-9.+~:-]+)?")
_PIP = re.compile(r"==|>=|<=|~=|!=|===|^-[recf]\b|^--|^git\+|[A-Za-z0-9]\[|@ ")
# A command, and not packages that are called sudo, apt or apt-utils.
_COMMAND = re.compile(
    r"^(?:RUN\s|install\s|(?:sudo\s+(?:-\S+\s+)*)?(?:apt|apt-get|aptitude|dpkg)\s+(?:-\S+\s+)*"
    r"(?:install|update|upgrade|remove|-i)\b)"
)
_REPO = re.compile(
    r"deb\s+(?:\[(?P<options>[^\]]*)\]\s+)?(?P<uri>\S+)\s+(?P<suite>\S+)(?P<components>(\s+\S+)*)"
)
_REMEDY = """one package a line: `libgl1`, `ffmpeg=7:5.1.6-0+deb12u1`, `vendor/own.deb`,
`https://…/own.deb`, `:build: libpq-dev`, or
`:repo:deb [signed-by=keys/acme.asc] https://apt.example.com bookworm main`"""
_TOML_REMEDY = f"""[{TABLE}]
install = ["libgl1"]
build = ["libpq-dev"]
[[{TABLE}.repositories]]
uri = "https://apt.example.com"
suite = "bookworm"
components = ["main"]
signed-by = "keys/acme.asc\""""


@dataclass(frozen=True)
class DeclaredPackage:
    """One package somebody asks for.

    Attributes:
        word: as written: name, name=version, address or path of a .deb.
        file: where it stands.
        line: likewise, from 1.
        for_build: whether only later buildpacks need it.
    """

    word: str
    file: str
    line: int
    for_build: bool = False

    @property
    def name(self) -> str:
        """The name alone; of a .deb the word itself."""
        return self.word if self.is_file else self.word.partition("=")[0].partition(":")[0]

    @property
    def is_file(self) -> bool:
        """Whether it is a .deb and not a name."""
        return self.word.partition("#")[0].endswith(".deb")

    @property
    def is_address(self) -> bool:
        """Whether the .deb is elsewhere."""
        return "://" in self.word


@dataclass(frozen=True)
class Repository:
    """A source of packages besides the build image's own.

    Attributes:
        signed_by: a file of the app, or the key itself, armoured.
        where: file and line.
    """

    uri: str
    suite: str
    components: tuple[str, ...]
    signed_by: str
    where: str


@dataclass
class Declared:
    """Everything that is asked for."""

    packages: list[DeclaredPackage]
    repositories: list[Repository]

    @property
    def for_build(self) -> list[DeclaredPackage]:
        """What later buildpacks get: also headers that are declared for the image."""
        return [each for each in self.packages if each.for_build or each.name.endswith("-dev")]


def read(ctx: BuildContext | GenerateContext) -> Declared:
    """Everything the app declares.

    Raises:
        UserFault: naming every line that cannot be right.
    """
    declared = Declared([], [])
    for name in Inputs.find(ctx.app, ctx.settings.get("BP_APT_INPUT")).files:
        problems: list[tuple[int, str]] = []
        text = ctx.app.text(name)
        plain = not name.endswith(".toml")
        if plain:
            _read_aptfile(text, name, declared, problems)
        else:
            _read_table(ctx.app.toml(name), text, name, declared, problems)
        for each in declared.packages:
            path = each.word.removeprefix("./").partition("#")[0]
            if each.file == name and each.is_file and not each.is_address and not ctx.app.has(path):
                problems.append((each.line, f"there is no file {path} in the app"))
        if problems:
            remedy = _REMEDY if plain else _TOML_REMEDY
            raise UserFault.of(name, problems, remedy=remedy)
    return declared


def _read_aptfile(
    text: str, name: str, declared: Declared, problems: list[tuple[int, str]]
) -> None:
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        # The checksum of an address follows it at once.
        line = re.sub(r"(^|\s)#.*", "", line).strip()
        if not line:
            continue
        try:
            if line.startswith(":repo:"):
                where = f"{name}:{number}"
                declared.repositories.append(_repository(line.removeprefix(":repo:"), where))
                continue
            for_build = line.startswith(":build:")
            line = line.removeprefix(":build:").strip()
            if line.startswith(":"):
                raise ValueError(f"`{line.split()[0]}` is unknown; there are :build: and :repo:")
            for word in _words(line):
                declared.packages.append(DeclaredPackage(word, name, number, for_build))
        except ValueError as error:
            problems.append((number, str(error)))


def _words(line: str) -> list[str]:
    if "://" not in line.partition(" ")[0] and _PIP.search(line):
        raise ValueError(
            f"`{line}` is a line of requirements.txt; Python packages belong there. "
            "apt writes a version as name=version"
        )
    if _COMMAND.match(line):
        raise ValueError(f"`{line}` is a command; only names of packages belong here")
    words = line.split()
    for word in words:
        if not word.partition("#")[0].endswith(".deb") and not _NAME.fullmatch(word):
            raise ValueError(f"`{word}` is not a name of a Debian package")
    return words


def _repository(line: str, where: str) -> Repository:
    found = _REPO.fullmatch(line.strip())
    if not found:
        raise ValueError(f"`:repo:{line}` is not a source of packages")
    options = dict(each.partition("=")[::2] for each in (found["options"] or "").split())
    signed_by = options.pop("signed-by", "")
    options.pop("arch", "")
    if not signed_by:
        raise ValueError(
            f"the repository {found['uri']} has no key: add [signed-by=<file in the app>]"
        )
    if options:
        raise ValueError(f"a repository has no option {', '.join(options)} here")
    components = tuple(found["components"].split())
    return Repository(found["uri"], found["suite"], components, signed_by, where)


def _read_table(
    document: Any, text: str, file: str, declared: Declared, problems: list[tuple[int, str]]
) -> None:
    table: Any = document
    for step in TABLE.split("."):
        table = table.get(step) if isinstance(table, dict) else None
    if table is None:
        return
    if not isinstance(table, dict):
        problems.append((_line(text, "apt"), f"{TABLE} is not a table"))
        return
    problems += [
        (_line(text, name), f"{TABLE} has no {name}; it may have install, build, repositories")
        for name in table
        if name not in ("install", "build", "repositories")
    ]
    for list_name in ("install", "build"):
        words = table.get(list_name, [])
        if not isinstance(words, list) or any(not isinstance(word, str) for word in words):
            problems.append((_line(text, list_name), f"{list_name} is not a list of texts"))
            continue
        for word in words:
            line = _line(text, word)
            try:
                found = _words(word.strip())
            except ValueError as error:
                problems.append((line, str(error)))
                continue
            for each in found:
                declared.packages.append(DeclaredPackage(each, file, line, list_name == "build"))
    repositories = table.get("repositories", [])
    if not isinstance(repositories, list):
        problems.append((_line(text, "repositories"), "repositories is not a list of tables"))
        return
    for each in repositories:
        line = _line(text, str(each.get("uri", "")) if isinstance(each, dict) else "repositories")
        try:
            declared.repositories.append(_repository_of(each, f"{file}:{line}"))
        except ValueError as error:
            problems.append((line, str(error)))


def _repository_of(each: object, where: str) -> Repository:
    keys = {"uri", "suite", "components", "signed-by"}
    if not isinstance(each, dict) or not {"uri", "suite", "signed-by"} <= {*each} <= keys:
        raise ValueError("a repository has uri, suite, components and signed-by")
    components = each.get("components", [])
    texts = [each["uri"], each["suite"], each["signed-by"]]
    if not isinstance(components, list) or any(not isinstance(e, str) for e in texts + components):
        raise ValueError("of a repository uri, suite and signed-by are texts, components a list")
    return Repository(each["uri"], each["suite"], tuple(components), each["signed-by"], where)


def _line(text: str, word: str) -> int:
    for number, line in enumerate(text.splitlines(), 1):
        if word and word in line:
            return number
    return 1
