"""All that tests start fetches through a proxy that keeps it, and a test's report says what it was.

Each worker has a proxy of its own, so that what comes through it is its test's doing. A test of
*quick* that needs the network is marked `fetches`: `make fetch` runs those, and after it `make
test` needs none. pytest's last lines name a test without the mark for which something was fetched,
unless this session began with nothing: then whoever comes first fetches what others need.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from .downloads import Downloads, default_folder
from .proxy import Proxy

if TYPE_CHECKING:
    from collections.abc import Generator

__all__ = [
    "begin",
    "end",
    "pytest_configure_node",
    "pytest_runtest_makereport",
    "pytest_terminal_summary",
    "trust",
]

_MARK = "fetches"
_PROPERTY = "fetched"
_LONGEST = 24 * 3600  # that a session lasts
_session = pytest.StashKey["Session"]()
_log = pytest.StashKey["_Log"]()


class Session:
    """The proxies of a session of tests, and the caches that its programs share.

    uv and pip keep what they fetch, and pages of an index for minutes. Each session has caches of
    its own: what an earlier one, or `tools/setup`, has fetched would not come through the proxy.

    Attributes:
        proxies: one for each worker, and that of this process.
        began_empty: whether nothing had been fetched before.
    """

    def __init__(self, folder: Path) -> None:
        self._downloads = Downloads(folder)
        self.began_empty = not any(folder.glob("*.body"))
        self.proxies: list[Proxy] = []
        for left in folder.glob("caches-*"):  # of a session that was killed
            with suppress(FileNotFoundError):  # of one that ends now
                if time.time() - left.stat().st_mtime > _LONGEST:
                    shutil.rmtree(left, ignore_errors=True)
        self._caches = Path(tempfile.mkdtemp(prefix="caches-", dir=folder))
        self._caches.chmod(0o755)

    def variables(self) -> dict[str, str]:
        """What makes programs use a proxy of their own, and these caches."""
        self.proxies.append(Proxy(self._downloads))
        caches = {f"{name}_CACHE_DIR": f"{self._caches}/{name.lower()}" for name in ("UV", "PIP")}
        return {**self.proxies[-1].variables, **caches}

    def close(self) -> None:
        """Stop the proxies, remove the caches."""
        while self.proxies:
            self.proxies.pop().close()
        shutil.rmtree(self._caches, ignore_errors=True)


class _Log:
    """What came through a worker's proxy."""

    def __init__(self, path: str) -> None:
        self._path = Path(path)
        self._read = 0

    def new(self) -> list[str]:
        """Lines since the last call."""
        if self._path.stat().st_size == self._read:
            return []
        with self._path.open() as file:
            file.seek(self._read)
            lines = file.readlines()
            self._read = file.tell()
        return [line.rstrip("\n") for line in lines]


def trust() -> dict[str, str]:
    """What a build in this process needs, besides the proxy's address, to fetch through it.

    In its sandbox a build finds the authorities where its system has them.
    """
    name = "SSL_CERT_FILE"
    return {name: os.environ[name]} if name in os.environ else {}


def begin(config: pytest.Config) -> None:
    """Let all that is started from here on use the proxy."""
    if hasattr(config, "workerinput"):
        given: dict[str, Any] = config.workerinput.get("fetching", {})
        if given:
            os.environ.update(given["variables"])
            config.stash[_log] = _Log(given["log"])
        return
    folder = default_folder()
    if folder and not config.option.collectonly:
        session = Session(folder)
        os.environ.update(session.variables())
        config.stash[_session] = session
        config.stash[_log] = _Log(str(session.proxies[0].log))


def end(config: pytest.Config) -> None:
    """Stop it."""
    session = config.stash.get(_session, None)
    if session:
        session.close()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Give a worker a proxy."""
    session = node.config.stash.get(_session, None)
    if session:
        variables = session.variables()
        log = str(session.proxies[-1].log)
        node.workerinput["fetching"] = {"variables": variables, "log": log}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add what was fetched since the last report, each as bytes and address."""
    report = yield
    log = item.config.stash.get(_log, None)
    if log:
        new = [(_PROPERTY, line) for line in log.new()]
        item.user_properties += new
        report.user_properties += new
    return report


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Say what the network was used for, and by which tests that do not say so."""
    session = config.stash.get(_session, None)
    if not session:
        return
    hosts: Counter[str] = Counter()
    for proxy in session.proxies:
        hosts.update(proxy.fetched)
    for host, size in hosts.most_common():
        terminalreporter.write_line(f"Fetched {size / 1e6:.1f} MB from {host}")
    if kept := sum(proxy.kept for proxy in session.proxies):
        terminalreporter.write_line(f"{kept / 1e6:.1f} MB were fetched before")
    if not session.began_empty:
        for test, url in unmarked(terminalreporter.stats).items():
            terminalreporter.write_line(f"{test} fetched {url} and is not marked `{_MARK}`")


def unmarked(stats: dict[str, list[Any]]) -> dict[str, str]:
    """Tests of *quick* that fetched something without the mark, and an address each.

    Args:
        stats: reports by outcome.
    """
    found: dict[str, str] = {}
    for report in (each for reports in stats.values() for each in reports):
        if getattr(report, "when", "") != "teardown":
            continue
        if "quick" in report.keywords and _MARK not in report.keywords:
            lines = [line for name, line in report.user_properties if name == _PROPERTY]
            if lines:
                found[report.nodeid] = lines[0].partition(" ")[2]
    return dict(sorted(found.items()))
