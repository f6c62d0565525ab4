"""Indexes that are down, slow, wrong or malicious: what is said, and that nothing is lost."""

from __future__ import annotations

import io
import tarfile
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from cnbkit_engine.testing import free_port

from .index import Answer, HostileIndex, sdist, wheel, wheel_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .conftest import Project

NAME = wheel_name("evil", "2.0")
WHEEL = wheel("evil", "2.0")
# No test should wait for what never comes.
IMPATIENT = ("--env", "UV_HTTP_TIMEOUT=2", "--env", "UV_HTTP_RETRIES=0")


@pytest.fixture
def hostile() -> Iterator[HostileIndex]:
    with closing(HostileIndex()) as made:
        yield made


def page(status: int, text: bytes, kind: str = "text/html", **more: float) -> Answer:
    return Answer(status, text, kind, pause=more.get("pause", 0))


def says(answer: Answer) -> Callable[[HostileIndex], None]:
    """The project's page is this."""
    return lambda index: index.pages.update({"/simple/evil/": answer})


def serves(data: bytes, **claims: int) -> Callable[[HostileIndex], None]:
    """The page is right, the file is not."""

    def arrange(index: HostileIndex) -> None:
        index.publish("evil", NAME, WHEEL)
        kind = "application/octet-stream"
        index.pages[f"/files/{NAME}"] = Answer(200, data, kind, length=claims.get("length"))

    return arrange


def has_sdist(members: Callable[[tarfile.TarFile], object]) -> Callable[[HostileIndex], None]:
    return lambda index: index.publish("evil", "evil-2.0.tar.gz", sdist("evil", "2.0", members))


def climbs(archive: tarfile.TarFile) -> None:
    member = tarfile.TarInfo("evil-2.0/../../../../../../../workspace/escaped")
    member.size = 1
    archive.addfile(member, io.BytesIO(b"x"))


def links_out(archive: tarfile.TarFile) -> None:
    link = tarfile.TarInfo("evil-2.0/out")
    link.type, link.linkname = tarfile.SYMTYPE, "/workspace"
    archive.addfile(link)
    member = tarfile.TarInfo("evil-2.0/out/escaped")
    member.size = 1
    archive.addfile(member, io.BytesIO(b"x"))


def test_whatever_an_index_does_is_explained_and_the_last_image_stays(
    project: Project, hostile: HostileIndex, subtests: pytest.Subtests
) -> None:
    hostile.publish("evil", wheel_name("evil", "1.0"), wheel("evil", "1.0"))
    app = {"app.py": "import evil; print(evil.VERSION)\n"}
    index = ("--env", f"BP_PIP_INDEX_URL={hostile.url}", *IMPATIENT)
    project.write({**app, "requirements.txt": "evil==1.0\n"})
    project.build(*index)
    before = project.layers()
    digest = project.image().digest

    for what, arrange in FAULTS.items():
        with subtests.test(what):
            hostile.pages.clear()
            arrange(hostile)
            project.write({"requirements.txt": "evil\n"})
            failed = project.build(*index, code=51)
            fault, where, todo = _fault(failed.output)
            assert fault == what.partition(" | ")[0]
            assert where.startswith(hostile.url.removesuffix("/simple/"))
            assert "(BP_PIP_INDEX_URL)" in where
            assert todo
            assert "Traceback" not in failed.output
            assert project.image().digest == digest

    # What was built before is as it was, and a good index goes on where it ended.
    assert project.run() == "1.0\n"
    hostile.pages.clear()
    project.write({"requirements.txt": "evil==1.0\n"})
    project.build(*index)
    assert project.layers() == before
    hostile.publish("evil", NAME, WHEEL)
    project.write({"requirements.txt": "evil==2.0\n"})
    project.build(*index)
    assert project.run() == "2.0\n"


FAULTS: dict[str, Callable[[HostileIndex], None]] = {
    "an index fails with 500 Internal Server Error": says(page(500, b"oops")),
    "an index takes too long to answer": says(page(200, b"x" * 100, pause=5)),
    "what answers is not a package index": says(page(200, b"Please sign in", "text/plain")),
    "no index has any file of evil: a web page that lists no files answers, like one to sign in": (
        says(page(200, b"<html>Please sign in</html>"))
    ),
    "the file of evil==2.0 is not the one that was promised: its hash differs": (
        lambda index: index.publish("evil", NAME, WHEEL, digest="0" * 64)
    ),
    "the file of evil==2.0 arrives damaged": serves(WHEEL[: len(WHEEL) // 2]),
    "the file of evil==2.0 arrives damaged | the connection breaks": serves(
        WHEEL[: len(WHEEL) // 2], length=len(WHEEL)
    ),
    "the archive of evil==2.0 reaches out of its own folder": has_sdist(climbs),
    "the archive of evil==2.0 reaches out of its own folder | link": has_sdist(links_out),
}


def _fault(output: str) -> tuple[str, str, str]:
    """What, where and what to do, of the fault in a log."""
    lines = output.splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("Error: "))
    return (
        lines[at].removeprefix("Error: "),
        lines[at + 1].removeprefix("  where: "),
        lines[at + 2].removeprefix("  to do: "),
    )


def test_an_index_that_is_down_is_named(project: Project) -> None:
    url = f"http://127.0.0.1:{free_port()}/simple/"
    project.write({"requirements.txt": "evil\n", "app.py": "import evil\n"})
    failed = project.build("--env", f"BP_PIP_INDEX_URL={url}", *IMPATIENT, code=51)
    fault, where, _ = _fault(failed.output)
    assert fault == "the package index cannot be reached"
    assert where == f"{url}evil/ (BP_PIP_INDEX_URL), for requirements.txt:1"


@pytest.mark.parametrize(
    ("what", "arrange"),
    [
        # pip does not say why it has found nothing; uv is asked.
        ("an index fails with 500 Internal Server Error", says(page(500, b"oops"))),
        (
            "the file of evil is not the one that was promised: its hash differs",
            serves(WHEEL[: len(WHEEL) // 2]),
        ),
        ("the archive of evil==2.0 reaches out of its own folder", has_sdist(links_out)),
    ],
    ids=["fails", "cut", "reaches out"],
)
def test_pip_is_understood_too(
    project: Project, hostile: HostileIndex, what: str, arrange: Callable[[HostileIndex], None]
) -> None:
    arrange(hostile)
    project.write({"requirements.txt": "evil\n", "app.py": "import evil\n"})
    settings = {"BP_PIP_ENGINE": "pip", "BP_PIP_INDEX_URL": hostile.url, "PIP_RETRIES": "0"}
    options = [f"--env={name}={value}" for name, value in settings.items()]
    failed = project.build(*options, code=51)
    fault, where, _ = _fault(failed.output)
    assert fault == what
    assert where.startswith(hostile.url.removesuffix("/simple/"))
    assert "(BP_PIP_INDEX_URL)" in where
    assert "Traceback" not in failed.output


def test_a_wheel_that_reaches_out_of_its_layer_changes_nothing_there(
    project: Project, hostile: HostileIndex
) -> None:
    away = "../../../../../../../../workspace/app.py"
    hostile.publish("evil", NAME, wheel("evil", "2.0", extra={away: "print('pwned')\n"}))
    project.write({"requirements.txt": "evil\n", "app.py": "import evil; print('mine')\n"})
    index = ("--env", f"BP_PIP_INDEX_URL={hostile.url}", *IMPATIENT)
    # uv leaves such a file out, pip refuses the package.
    project.build(*index)
    assert project.run() == "mine\n"
    failed = project.build(*index, "--env", "BP_PIP_ENGINE=pip", "--clear-cache", code=51)
    assert _fault(failed.output)[0].endswith("reaches out of its own folder")
    assert project.run() == "mine\n"
