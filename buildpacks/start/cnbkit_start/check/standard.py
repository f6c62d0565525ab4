"""Modules of the standard library: which a version has, and what brings those that it lost."""

from __future__ import annotations

import sys

__all__ = ["is_lost", "is_standard", "loss", "reads_no_more_than_this", "version_numbers"]

# The version that has a module no more (its "What's New", PEP 594), and a package that has it.
_LOST = {
    "formatter": ((3, 10), ""),
    "parser": ((3, 10), ""),
    "symbol": ((3, 10), ""),
    "binhex": ((3, 11), ""),
    "asynchat": ((3, 12), "pyasynchat"),
    "asyncore": ((3, 12), "pyasyncore"),
    "distutils": ((3, 12), "setuptools"),
    "imp": ((3, 12), "zombie-imp"),
    "smtpd": ((3, 12), "standard-smtpd"),
    "aifc": ((3, 13), "standard-aifc"),
    "audioop": ((3, 13), "audioop-lts"),
    "cgi": ((3, 13), "legacy-cgi"),
    "cgitb": ((3, 13), "legacy-cgi"),
    "chunk": ((3, 13), "standard-chunk"),
    "crypt": ((3, 13), "crypt-r"),
    "imghdr": ((3, 13), "standard-imghdr"),
    "lib2to3": ((3, 13), ""),
    "mailcap": ((3, 13), "standard-mailcap"),
    "nis": ((3, 13), ""),
    "nntplib": ((3, 13), "standard-nntplib"),
    "ossaudiodev": ((3, 13), ""),
    "pipes": ((3, 13), "standard-pipes"),
    "sndhdr": ((3, 13), "standard-sndhdr"),
    "spwd": ((3, 13), ""),
    "sunau": ((3, 13), "standard-sunau"),
    "telnetlib": ((3, 13), "standard-telnetlib"),
    "uu": ((3, 13), "standard-uu"),
    "xdrlib": ((3, 13), "standard-xdrlib"),
}
# What only Python 2 has, and where Python 3 has its contents. Of names that a package or the app
# may have as well (`commands`, `sets`) nothing is said.
_OF_PYTHON_2 = {
    "BaseHTTPServer": "http.server",
    "ConfigParser": "configparser",
    "Cookie": "http.cookies",
    "HTMLParser": "html.parser",
    "Queue": "queue",
    "SimpleHTTPServer": "http.server",
    "SocketServer": "socketserver",
    "StringIO": "io",
    "Tkinter": "tkinter",
    "UserDict": "collections",
    "UserList": "collections",
    "__builtin__": "builtins",
    "cPickle": "pickle",
    "cStringIO": "io",
    "cookielib": "http.cookiejar",
    "copy_reg": "copyreg",
    "htmlentitydefs": "html.entities",
    "httplib": "http.client",
    "robotparser": "urllib.robotparser",
    "urllib2": "urllib.request",
    "urlparse": "urllib.parse",
    "xmlrpclib": "xmlrpc.client",
}


def is_standard(name: str, python: str) -> bool:
    """Whether a version of Python has a module of its own.

    Args:
        name: of the module, without dots.
        python: the version; that of this process if it is empty.
    """
    version = version_numbers(python) or sys.version_info[:2]
    return version < _LOST[name][0] if name in _LOST else name in sys.stdlib_module_names


def is_lost(name: str, python: str) -> bool:
    """Whether a version of Python has a module no more that others had."""
    version = version_numbers(python)
    lately = bool(version) and name in _LOST and version >= _LOST[name][0]
    return lately or name in _OF_PYTHON_2


def loss(name: str, *, own: bool) -> tuple[str, str]:
    """What is said of a module that is lost, and what to do about it.

    Args:
        name: of the module.
        own: whether the app itself imports it; else the remedy is what there is besides a newer
            release of the package that does, and may be empty.
    """
    if name in _OF_PYTHON_2:
        return "which only Python 2 has", f"import {_OF_PYTHON_2[name]} in its place" if own else ""
    (major, minor), package = _LOST[name]
    add = f"add `{package}` to the dependencies, or " if package else ""
    return (
        f"which Python has no more since {major}.{minor}",
        f"{add}write an older Python into .python-version",
    )


def version_numbers(python: str) -> tuple[int, ...]:
    """Major and minor number of a version; none if it is not known."""
    found = python.split(".")[:2]
    return tuple(map(int, found)) if len(found) == 2 and all(map(str.isdigit, found)) else ()


def reads_no_more_than_this(python: str) -> bool:
    """Whether what this Python cannot read, that version cannot either."""
    numbers = version_numbers(python)
    return bool(numbers) and numbers <= sys.version_info[:2]
