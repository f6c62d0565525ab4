"""What an index does wrong, read from what uv or pip says of it."""

from __future__ import annotations

import re

from cnbkit import CnbkitError, PlatformFault, UserFault
from cnbkit_pip.diagnosis.archive_faults import archive_fault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cnbkit_indexes.sources import Sources
    from cnbkit_pip.engines.engine import Wanted

__all__ = ["flooded", "index_fault"]

_ADDRESS = re.compile(r"https?://[^\s`'\")#]+")
# pip's way of saying it.
_POOL = re.compile(
    r"HTTP(?P<tls>S?)ConnectionPool\(host='(?P<host>[^']+)', port=(?P<port>\d+)\): "
    r"Max retries exceeded with url: (?P<path>\S+)"
)
_PACKAGE = re.compile(
    r"Failed to (?:download(?: and build)?|build) `?(?P<uv>[^`\s]+)|^ +(?P<pip>\S+) from https?://"
    r"|Failed to install: \S+ \((?P<put>[^)\s]+)\)|For req: (?P<req>[^\s@]+)"
    r"|Failed to unzip wheel: (?P<zip>[^\s-]+)",
    re.MULTILINE,
)
_STRUCTURE = re.compile(r"The structure of `(?P<name>[^`]+)`")
_SERVER = re.compile(r"HTTP status server error \((?P<status>[^)]+)\)|(?P<pip>5\d\d) Server Error")
_REFUSED = re.compile(r"HTTP status client error \((?P<status>[^)]+)\)")
# The first bytes of what should be an archive: `<htm`, `<!DO`, `<!do`, `<HTM`.
_PAGES = ("0x6d74683c", "0x4f44213c", "0x6f64213c", "0x4d54483c")
_NO_FILES = re.compile(
    r"there are no versions of (?P<uv>\S+) and you require (?P=uv)\b"
    r"|satisfies the requirement (?P<pip>[\w.-]+)[^(\n]*\(from versions: none\)"
)

_LOGIN = ("401 Unauthorized", "401 Error", "401 Client Error")
# Some indexes answer so for a name they do not have.
_FORBIDDEN = ("403 Forbidden", "403 Client Error")
_CERTIFICATE = ("invalid peer certificate", "CERTIFICATE_VERIFY_FAILED")
_NO_INDEX = (
    *("Unsupported `Content-Type`", "unexpected JSON", "unexpected HTML"),
    *("is not a valid HTTP URI", "exceeds the byte limit"),
)
_SLOW = ("operation timed out", "Read timed out", "ReadTimeoutError")
_DAMAGED = (
    *("Failed to extract archive", "end of file before message length", "Bad uncompressed size"),
    *("is not a zip file", "BadZipFile", "IncompleteRead", "has an invalid wheel"),
    "invalid Content-Range",
    *("incomplete-download", "has an invalid package format"),
)
_NETWORK = (
    *("error sending request", "Failed to fetch", "dns error", "Connection refused"),
    *("Failed to establish a new connection", "Connection broken"),
)


def index_fault(
    output: str, sources: Sources | None = None, requirements: Wanted | None = None
) -> CnbkitError | None:
    """The fault that the index is to blame for; None if it is not.

    Args:
        output: what the program said; whatever is secret in it must be hidden already.
        sources: where packages come from, to say what names the index.
        requirements: to find the line that asks for the package.
    """
    package = _PACKAGE.search(output)
    name = next((each for each in package.groups() if each), "") if package else ""
    if not name and (structure := _STRUCTURE.search(output)):
        name = structure["name"]
    name = name or "a package"
    where = _where(output, sources) + _asked_by(output, name, requirements)
    if _has(output, _LOGIN):
        return UserFault(
            "an index refuses the login, or asks for one",
            where=where,
            remedy="correct user name and password there; where none are given, do that with a "
            "binding of type pypi, pip or netrc",
            detail=output,
        )
    if _has(output, _FORBIDDEN):
        return UserFault(
            "an index forbids access",
            where=where,
            remedy="correct user name and password there, or the package's name: some indexes "
            "answer so for what they do not have",
            detail=output,
        )
    if _has(output, _CERTIFICATE):
        return UserFault(
            "the certificate of an index is not trusted",
            where=where,
            remedy="give the build the certificate of its authority with "
            "a binding of type ca-certificates",
            detail=output,
        )
    if "Hash mismatch" in output or "DO NOT MATCH THE HASHES" in output:
        if requirements is not None and (line := _declared_hash(output, requirements)):
            return UserFault(
                f"the file of {name} has another hash than the requirement says",
                where=line,
                remedy="correct the hash if the file is wanted; if nothing was changed on purpose, "
                "the index may have been tampered with",
                detail=output,
            )
        return PlatformFault(
            f"the file of {name} is not the one that was promised: its hash differs",
            where=where,
            remedy="build again; if it stays so, the index or a proxy alters files, or somebody "
            "has replaced the package",
            detail=output,
        )
    if wrong := archive_fault(output, name, where):
        return wrong
    if found := _SERVER.search(output):
        return PlatformFault(
            f"an index fails with {found['status'] or found['pip']}",
            where=where,
            remedy="build again later; if it stays so, ask whoever runs the index",
            detail=output,
        )
    if found := _REFUSED.search(output):
        return PlatformFault(
            f"an index answers with {found['status']}",
            where=where,
            remedy="correct the address if it is wrong; else build again later, or ask whoever "
            "runs the index",
            detail=output,
        )
    if _has(output, _PAGES):
        return PlatformFault(
            f"what arrives as the file of {name} is a web page",
            where=where,
            remedy="see what the address shows in a browser: a page to sign in, or a proxy's, "
            "stands in between",
            detail=output,
        )
    if _has(output, _NO_INDEX):
        return PlatformFault(
            "what answers is not a package index",
            where=where,
            remedy="correct the address (most end in /simple); a proxy's page may stand in between",
            detail=output,
        )
    if found := _NO_FILES.search(output):
        answers = _answers(found["uv"] or found["pip"], sources)
        return UserFault(
            f"no index has any file of {found['uv'] or found['pip']}{answers}",
            where=where,
            remedy="correct the name, or the address of the index: what is not an index's page "
            "looks like an empty one, and to pip so does an index that fails or refuses the login",
            detail=output,
        )
    if _has(output, _SLOW):
        return PlatformFault(
            "an index takes too long to answer",
            where=where,
            remedy="build again later, or wait longer with UV_HTTP_TIMEOUT=<seconds>",
            detail=output,
        )
    if _has(output, _DAMAGED):
        return PlatformFault(
            f"the file of {name} arrives damaged",
            where=where,
            remedy="build again; if it stays so, the index or a proxy cuts files short",
            detail=output,
        )
    if _has(output, _NETWORK):
        return PlatformFault(
            "the package index cannot be reached",
            where=where,
            remedy="check the network and the proxy variables, then build again",
            detail=output,
        )
    return None


def flooded(
    output: str, sources: Sources | None, requirements: Wanted, shown: str | None
) -> PlatformFault:
    """Whoever resolves has run out of memory with what an index answers."""
    return PlatformFault(
        "what an index answers takes more memory than there is, or than 8 GB",
        where=_where(output, sources) + _asked_by(output, "", requirements),
        remedy="see what the address answers: it may have no end; or give the build more memory",
        detail=shown,
    )


def _answers(name: str, sources: Sources | None) -> str:
    """What an index answers in place of a list of files; empty if that is in order."""
    from cnbkit_pip.diagnosis.answer import answer_of

    if sources is None or sources.value("no-index") == "true":
        return ""
    for index in sources.indexes():
        # A login is for programs that know how to keep it.
        if index.login is None and (
            said := answer_of(f"{index.url.rstrip('/')}/{name.lower().replace('_', '-')}/")
        ):
            return f": {said}"
    return ""


def _declared_hash(output: str, requirements: Wanted) -> str:
    """The line with the hash that a file has not; empty if the index has promised it.

    An index promises SHA-256 sums; those have been compared before.
    """
    for name, hashes in requirements.allowed_hashes().items():
        kinds = (each.partition(":") for each in hashes)
        if any(kind != "sha256" and digest in output for kind, _, digest in kinds):
            return requirements.where_place(name) if "/" in name else requirements.where(name)
    return ""


def _has(output: str, signs: tuple[str, ...]) -> bool:
    return any(sign in output for sign in signs)


def _asked_by(output: str, name: str, requirements: Wanted | None) -> str:
    """`, for requirements.txt:3`: the line that asks for what the index was asked for."""
    if requirements is None:
        return ""
    parts = _address(output).rstrip("/").split("/")
    # An index's page ends in the package's name; a file begins with it.
    names = [name.partition("==")[0], *parts[-1:], *(part.partition("-")[0] for part in parts[-1:])]
    for each in names:
        place = requirements.where(each)
        if ":" in place:
            return f", for {place}"
    # A line may name the address itself: a file, a page of files, requirements to include.
    address = _without_login(_address(output)).rstrip("/")
    for file, text in requirements.files.items():
        for number, line in enumerate(text.splitlines(), 1):
            named = (_without_login(found).rstrip("/") for found in _ADDRESS.findall(line))
            if address and any(f"{address}/".startswith(f"{each}/") for each in named):
                return f", for {file}:{number}"
    return ""


def _without_login(url: str) -> str:
    scheme, sign, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}{sign}{host.rpartition('@')[2]}{slash}{path}"


def _where(output: str, sources: Sources | None) -> str:
    """The address, and what names it."""
    url = _address(output)
    if not url:
        known = sources.indexes() if sources else []
        return ", ".join(f"{each.url} ({each.origin})" for each in known) or "the public index"
    origin = sources.origin_of(url) if sources else ""
    return f"{url} ({origin})" if origin else url


def _address(output: str) -> str:
    """The address that was asked last, or the first that is named; empty if none is."""
    if pools := list(_POOL.finditer(output)):
        found = pools[-1]
        return f"http{found['tls'].lower()}://{found['host']}:{found['port']}{found['path']}"
    named = _ADDRESS.search(output)
    return named.group() if named else ""
