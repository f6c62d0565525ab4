"""A headless Chromium, driven by the W3C's WebDriver protocol: HTTP and JSON, no library."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

from cnbkit_engine.testing import free_port

from .conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

# What a person looks at when a test of a page fails, or to see what it saw.
SCREENSHOTS = ROOT / "test-artefacts"
_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_OPTIONS = (
    *("--headless=new", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1280,900"),
    # It opens pages of these tests alone; its own sandbox is not to be had as root.
    "--no-sandbox",
)


class Browser:
    """One window.

    Args:
        folder: for its profile and log.
    """

    def __init__(self, folder: Path) -> None:
        names = [path for path in map(shutil.which, _BROWSERS) if path]
        driver = shutil.which("chromedriver")
        assert names, "no chromium on PATH: `tools/setup everything` gets it"
        assert driver, "no chromedriver on PATH: `tools/setup everything` gets it"
        port = free_port()
        self._server = f"http://127.0.0.1:{port}"
        # Straight, whatever proxy this machine uses.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        self._driver = subprocess.Popen(
            [driver, f"--port={port}", f"--log-path={folder / 'chromedriver.log'}"],
            stdout=subprocess.DEVNULL,
        )
        self._session = ""
        options = {
            "binary": names[0],
            "args": [*_OPTIONS, f"--user-data-dir={folder / 'profile'}"],
        }
        wanted = {"capabilities": {"alwaysMatch": {"goog:chromeOptions": options}}}
        try:
            self._wait_for_driver()
            self._session = f"/session/{self._call('POST', '/session', wanted)['sessionId']}"
        except BaseException:
            self._driver.kill()
            raise

    def __enter__(self) -> Browser:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self._call("DELETE", self._session)
        finally:
            self._driver.terminate()
            self._driver.wait()

    def open(self, address: str) -> None:
        """Load a page."""
        self._call("POST", f"{self._session}/url", {"url": address})

    def text(self) -> str:
        """What a person can read on the page now, in one line."""
        found: str = self.run("return document.body ? document.body.innerText : ''")
        return " ".join(found.split())

    def run(self, script: str) -> Any:
        """What a script returns that runs in the page."""
        wanted = {"script": script, "args": []}
        return self._call("POST", f"{self._session}/execute/sync", wanted)

    def resize(self, width: int, height: int) -> None:
        """Show the page as wide and high as a window of another device."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        wanted = {"cmd": "Emulation.setDeviceMetricsOverride", "params": metrics}
        self._call("POST", f"{self._session}/goog/cdp/execute", wanted)

    def wait_for(self, *texts: str, limit: float = 120) -> str:
        """Wait until all these can be read on the page; all that can be read.

        Raises:
            AssertionError: it took longer than `limit` seconds.
        """
        end = time.monotonic() + limit
        while any(text not in (seen := self.text()) for text in texts):
            if time.monotonic() > end:
                self.screenshot("failed")
                raise AssertionError(f"the page does not show {texts}, but:\n{seen}")
            time.sleep(0.2)
        return seen

    def press(self, css: str, keys: str) -> None:
        """Press keys on the first element of a CSS selector."""
        wanted = {"using": "css selector", "value": css}
        try:
            found = self._call("POST", f"{self._session}/element", wanted)
        except urllib.error.HTTPError:
            source = self._call("GET", f"{self._session}/source")
            raise AssertionError(f"nothing is {css} on the page:\n{source}") from None
        [element] = found.values()
        self._call("POST", f"{self._session}/element/{element}/value", {"text": keys})

    def screenshot(self, name: str) -> Path:
        """Keep what the page looks like as a PNG file."""
        SCREENSHOTS.mkdir(exist_ok=True)
        path = SCREENSHOTS / f"{name}.png"
        path.write_bytes(base64.b64decode(self._call("GET", f"{self._session}/screenshot")))
        return path

    def _wait_for_driver(self) -> None:
        for _ in range(300):
            try:
                if self._call("GET", "/status")["ready"]:
                    return
            except urllib.error.URLError:
                assert self._driver.poll() is None, "chromedriver ended"
            time.sleep(0.1)
        raise AssertionError("chromedriver does not answer")

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        request = urllib.request.Request(
            f"{self._server}{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        with self._opener.open(request, timeout=180) as response:
            return json.load(response)["value"]
