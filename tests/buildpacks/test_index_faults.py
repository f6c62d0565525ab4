"""What an index does wrong is named: by the real uv's words, and by looking at the page."""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cnbkit import PlatformFault, UserFault
from cnbkit_pip.diagnosis.answer import answer_of
from cnbkit_pip.diagnosis.index_faults import index_fault

from ..e2e.index import Answer, HostileIndex, wheel_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cnbkit import CnbkitError

UV = Path(sys.executable).with_name("uv")


@pytest.fixture
def hostile() -> Iterator[HostileIndex]:
    with closing(HostileIndex()) as index:
        yield index


def fault_of(index: HostileIndex, folder: Path) -> CnbkitError | None:
    """What uv says of an index, understood."""
    (folder / "in.txt").write_text("evil\n")
    done = subprocess.run(
        [
            *(UV, "pip", "compile", "in.txt", "--quiet", "--format", "pylock.toml"),
            *("-o", "pylock.toml", "--python", sys.executable, "--default-index", index.url),
        ],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "HOME": str(folder), "UV_HTTP_RETRIES": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode
    return index_fault(done.stderr)


@pytest.mark.parametrize(
    ("hashed", "what"),
    [
        (False, "what arrives as the file of evil==2.0 is a web page"),
        (True, "the file of evil arrives damaged"),
    ],
)
def test_a_web_page_in_place_of_a_wheel_is_named(
    hostile: HostileIndex, tmp_path: Path, hashed: bool, what: str
) -> None:
    name = wheel_name("evil", "2.0")
    hostile.publish("evil", name, b"<html>Please sign in</html>")
    if not hashed:
        link = f'<a href="/files/{name}">{name}</a>'.encode()
        hostile.pages["/simple/evil/"] = Answer(200, link, "text/html")
    fault = fault_of(hostile, tmp_path)
    assert isinstance(fault, PlatformFault)
    assert fault.what == what


@pytest.mark.parametrize("status", ["429 Too Many Requests", "418 I'm a Teapot"])
def test_a_refusal_is_named_with_its_status(
    hostile: HostileIndex, tmp_path: Path, status: str
) -> None:
    hostile.pages["/simple/evil/"] = Answer(int(status[:3]), b"no", "text/plain")
    fault = fault_of(hostile, tmp_path)
    assert isinstance(fault, PlatformFault)
    assert fault.what == f"an index answers with {status}"


@pytest.mark.parametrize("body", [b"", b"<html>Please sign in</html>"])
def test_a_page_without_files_is_told_by_uv_as_no_files(
    hostile: HostileIndex, tmp_path: Path, body: bytes
) -> None:
    hostile.pages["/simple/evil/"] = Answer(200, body, "text/html")
    fault = fault_of(hostile, tmp_path)
    assert isinstance(fault, UserFault)
    assert fault.what == "no index has any file of evil"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (
            Answer(302, b"", "text/html", location="/simple/evil/"),
            "redirects to itself without end",
        ),
        (Answer(200, b"", "text/html"), "answers with an empty page"),
        (Answer(200, b"<html>Please sign in</html>", "text/html"), "lists no files"),
        (Answer(503, b"", "text/html"), "answers 503"),
        (Answer(200, b'<a href="x">x</a>', "text/html"), ""),
        (Answer(200, b'{"files": []}', "application/vnd.pypi.simple.v1+json"), ""),
    ],
)
def test_what_stands_at_an_address_is_seen(
    hostile: HostileIndex, answer: Answer, said: str
) -> None:
    hostile.pages["/simple/evil/"] = answer
    found = answer_of(f"{hostile.url}evil/")
    assert said in found
    assert bool(found) is bool(said)
