"""What compilers print is understood, and Debian's package for it known."""

from __future__ import annotations

import pytest

from cnbkit_debian_index import RELEASES
from cnbkit_pip.diagnosis.compile_faults import debian_packages, lacks


@pytest.mark.parametrize(
    ("printed", "name", "package"),
    [
        ("x.c:9:10: fatal error: libpq-fe.h: No such file or directory", "libpq-fe.h", "libpq-dev"),
        ("fatal error: openssl/ssl.h: No such file or directory", "openssl/ssl.h", "libssl-dev"),
        ("x.c:1:10: fatal error: 'ffi.h' file not found", "ffi.h", "libffi-dev"),
        ("/usr/bin/ld: cannot find -lz: No such file or directory", "-lz", "zlib1g-dev"),
        ("Error: pg_config executable not found.", "pg_config", "libpq-dev"),
        (
            "RuntimeError: The 'apxs' command appears not to be installed or is not executable.",
            "apxs",
            "apache2-dev",
        ),
        ("/bin/sh: 1: krb5-config: not found", "krb5-config", "libkrb5-dev"),
        ("OSError: mysql_config not found", "mysql_config", "default-libmysqlclient-dev"),
        ("No package 'libffi' found", "libffi", "libffi-dev"),
        ('ERROR: Dependency "cairo" not found, tried pkgconfig', "cairo", "libcairo2-dev"),
        (
            "Package libxml-2.0 was not found in the pkg-config search path.",
            "libxml-2.0",
            "libxml2-dev",
        ),
        ("/bin/sh: 1: swig: not found", "swig", "swig"),
        ("FileNotFoundError: [Errno 2] No such file or directory: 'cmake'", "cmake", "cmake"),
        ("error: can't find Rust compiler", "a Rust compiler", "cargo"),
        (
            "error: library dfftpack has Fortran sources but no Fortran compiler found",
            "",
            "gfortran",
        ),
        ("fatal error: Python.h: No such file or directory", "Python.h", "python3-dev"),
    ],
)
def test_what_is_missing_is_named_with_its_package(printed: str, name: str, package: str) -> None:
    noise = "running build_ext\n" * 200
    for release in RELEASES:
        [found] = lacks(f"{noise}{printed}\n{noise}", release)
        assert found.packages == [package]
        assert found.name == name or not name


def test_words_that_are_no_programs_are_not_told() -> None:
    assert lacks("No such file or directory: 'setup.cfg'\nsh: 1: frobnicate-x: not found\n") == []


def test_a_header_that_debian_does_not_have_is_named_without_a_package() -> None:
    [found] = lacks("fatal error: company.h: No such file or directory")
    assert (found.name, found.packages) == ("company.h", [])


@pytest.mark.parametrize(
    ("name", "package"),
    [
        # Several packages have a file of the name; that where compilers look goes first.
        ("zlib.h", "zlib1g-dev"),
        ("sndfile.h", "libsndfile1-dev"),
        ("krb5.h", "libkrb5-dev"),
        ("sql.h", "unixodbc-dev"),
        ("openssl/", "libssl-dev"),
        ("gssapi/", "libkrb5-dev"),
        ("event.h", "libevent-dev"),
    ],
)
def test_of_several_packages_the_usual_one_is_named(name: str, package: str) -> None:
    for release in RELEASES:
        assert debian_packages([name], release) == {name: package}


@pytest.mark.parametrize(
    ("name", "older", "newer"),
    [
        ("python-3.11.pc", "libpython3.11-dev", ""),
        ("python-3.13.pc", "", "libpython3.13-dev"),
    ],
)
def test_a_release_has_its_own_packages(name: str, older: str, newer: str) -> None:
    assert debian_packages([name], "12").get(name, "") == older
    assert debian_packages([name], "13").get(name, "") == newer
