"""Names that modules of Python's standard library have lost, and what has them now."""

from __future__ import annotations

from cnbkit_start.check.standard import version_numbers

__all__ = ["LostName", "lost_name"]

_ABSTRACT = (
    *("Awaitable", "Coroutine", "AsyncIterable", "AsyncIterator", "AsyncGenerator", "Hashable"),
    *("Iterable", "Iterator", "Generator", "Reversible", "Sized", "Container", "Callable"),
    *("Collection", "Set", "MutableSet", "Mapping", "MutableMapping", "MappingView", "KeysView"),
    *("ItemsView", "ValuesView", "Sequence", "MutableSequence"),
)
_CONSTANTS = ("Num", "Str", "Bytes", "NameConstant")
_QUOTING = ("quote", "quote_plus", "unquote", "unquote_plus", "urlencode")
_FETCHING = ("urlopen", "urlretrieve", "pathname2url", "url2pathname")
# The version that has them no more ("What's New"), the module, names, and what to write instead.
# (3, 0) is for what only Python 2 has.
_LOST: tuple[tuple[tuple[int, int], str, tuple[str, ...], str], ...] = (
    ((3, 0), "itertools", ("izip", "imap", "ifilter"), "zip, map or filter"),
    ((3, 0), "itertools", ("izip_longest",), "itertools.zip_longest"),
    ((3, 0), "string", ("letters", "lowercase", "uppercase"), "string.ascii_letters"),
    ((3, 0), "string", ("maketrans",), "str.maketrans"),
    ((3, 0), "sys", ("maxint",), "sys.maxsize"),
    ((3, 0), "urllib", _QUOTING, "urllib.parse"),
    ((3, 0), "urllib", _FETCHING, "urllib.request"),
    ((3, 0), "email", ("MIMEBase", "MIMEMultipart", "MIMEText"), "email.mime"),
    ((3, 0), "email", ("Encoders", "Utils"), "email.encoders or email.utils"),
    ((3, 0), "types", ("DictType", "ListType", "StringType", "StringTypes"), "dict, list or str"),
    ((3, 7), "os", ("errno",), "errno"),
    ((3, 7), "re", ("_pattern_type",), "re.Pattern"),
    ((3, 8), "platform", ("dist", "linux_distribution"), "platform.freedesktop_os_release"),
    ((3, 8), "time", ("clock",), "time.perf_counter"),
    ((3, 9), "base64", ("decodestring", "encodestring"), "base64.encodebytes"),
    ((3, 9), "fractions", ("gcd",), "math.gcd"),
    ((3, 10), "collections", _ABSTRACT, "collections.abc"),
    ((3, 11), "asyncio", ("coroutine",), "async def"),
    ((3, 11), "inspect", ("formatargspec", "getargspec"), "inspect.getfullargspec"),
    ((3, 12), "configparser", ("SafeConfigParser",), "configparser.ConfigParser"),
    ((3, 12), "importlib", ("find_loader",), "importlib.util.find_spec"),
    ((3, 12), "locale", ("format",), "locale.format_string"),
    ((3, 12), "pkgutil", ("ImpImporter", "ImpLoader"), "importlib"),
    ((3, 12), "ssl", ("match_hostname", "wrap_socket"), "ssl.SSLContext"),
    ((3, 13), "typing", ("io", "re"), "typing"),
    ((3, 13), "unittest", ("findTestCases", "makeSuite"), "unittest.TestLoader"),
    ((3, 14), "ast", _CONSTANTS, "ast.Constant"),
    ((3, 14), "pkgutil", ("find_loader", "get_loader"), "importlib.util.find_spec"),
)


class LostName:
    """A name that is gone.

    Attributes:
        why: what has it no more, for people.
        instead: what to write in its place.
        older: whether there is an older Python 3 that has it.
    """

    __slots__ = ("instead", "older", "why")

    def __init__(self, since: tuple[int, int], instead: str) -> None:
        major, minor = since
        self.older = minor > 0
        self.why = f"gone since Python {major}.{minor}" if self.older else "which only Python 2 has"
        self.instead = instead


def lost_name(module: str, name: str, python: str) -> LostName | None:
    """What has become of a name of a module of the standard library; None if nothing is known.

    Args:
        module: its full name.
        name: what is imported from it, or asked of it.
        python: the version that runs it; empty if it is not known.
    """
    version = version_numbers(python)
    for since, lost_from, names, instead in _LOST:
        if module == lost_from and name in names and version >= since:
            return LostName(since, instead)
    return None
