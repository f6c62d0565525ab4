"""Pages of images that `cnbkit run` starts, as a browser shows them; kept in test-artefacts."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import pytest

from cnbkit_engine.state.home import Home
from cnbkit_engine.testing import free_port

from .browser import Browser
from .conftest import CNBKIT, ROOT, Project

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


# As WebDriver writes them.
SHIFT, ENTER, RIGHT = "\ue008", "\ue007", "\ue014"
# The knob of one version of Streamlit, and of another.
SLIDER = "[data-testid=stSlider] [role=slider], [data-testid=stSlider] input[type=range]"


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    with Browser(tmp_path) as made:
        yield made


@pytest.fixture
def example(tmp_path: Path) -> Iterator[Callable[[str], Project]]:
    """Builds a copy of an example."""
    with ExitStack() as stack:

        def build(name: str) -> Project:
            project = Project(tmp_path / name, Home.default())
            shutil.copytree(ROOT / "examples" / name, project.app)
            stack.callback(project.remove)
            project.build()
            return project

        yield build


@contextmanager
def running(project: Project, **env: str) -> Iterator[str]:
    """`cnbkit run` in the background; the address of what it starts."""
    port = free_port()
    variables = [f"--env={name}={value}" for name, value in {"PORT": str(port), **env}.items()]
    with (project.app.parent / "run.log").open("w+b") as log:
        run = subprocess.Popen(
            [CNBKIT, "run", project.name, *variables],
            stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
        )  # fmt: skip
        try:
            for _ in range(1200):
                if listens(port):
                    break
                log.seek(0)
                assert run.poll() is None, log.read().decode()
                time.sleep(0.1)
            yield f"http://127.0.0.1:{port}"
            run.terminate()
            # By the signal, or in order because of it: not by a fault of its own.
            assert run.wait(60) in (0, 143, -15), (project.app.parent / "run.log").read_text()
        finally:
            run.kill()
            run.wait()


def listens(port: int) -> bool:
    """Whether somebody accepts connections."""
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


def get(address: str) -> str:
    """What is answered to a GET, straight, whatever proxy this machine uses."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(address, timeout=300) as response:
        text: str = response.read().decode()
        return text


def wait_for_kernel(address: str) -> None:
    """Wait until the server's one kernel has nothing to do and somebody listens to it."""
    end = time.monotonic() + 60
    while True:
        try:
            kernels = json.loads(get(address))
        except urllib.error.HTTPError as error:
            # Jupyter lists a kernel before it has all its fields, and answers 500 meanwhile.
            if error.code != 500:
                raise
            kernels = [{"connections": 1, "execution_state": str(error)}]
        if [kernel["execution_state"] for kernel in kernels if kernel["connections"]] == ["idle"]:
            return
        assert time.monotonic() < end, kernels
        time.sleep(0.5)


def test_jupyter_shows_and_runs_the_notebook_for_who_has_the_token(
    example: Callable[[str], Project], browser: Browser
) -> None:
    project = example("notebook")
    with running(project, JUPYTER_TOKEN="s3cret-t0ken") as address:
        assert "version" in json.loads(get(f"{address}/api"))
        with pytest.raises(urllib.error.HTTPError, match="403"):
            get(f"{address}/api/contents")
        browser.open(f"{address}/lab/tree/sales.ipynb")
        browser.wait_for("Password or token")
        browser.open(f"{address}/lab/tree/sales.ipynb?token=s3cret-t0ken")
        browser.wait_for("Ice cream and the weather", "measurements.csv")
        # Before its kernel is connected, JupyterLab passes over what is to run.
        browser.wait_for("Python 3 (ipykernel)")
        wait_for_kernel(f"{address}/api/kernels?token=s3cret-t0ken")
        # Each cell by Shift+Enter: the kernel is there, and so is what it imports.
        browser.press(".jp-Notebook", SHIFT + 4 * ENTER)
        browser.wait_for("3.0 more for each degree")
        browser.screenshot("jupyter")
    with project.start("notebook", env={"JUPYTER_TOKEN": ""}) as notebook:
        assert "JUPYTER_TOKEN is empty" in notebook.expect(64)


def test_streamlit_shows_its_page_and_answers_to_its_slider(
    example: Callable[[str], Project], browser: Browser
) -> None:
    project = example("streamlit-app")
    with running(project) as address:
        assert get(f"{address}/_stcore/health") == "ok"
        browser.open(address)
        browser.wait_for("How much ice cream?", "Portions to make 72")
        browser.press(SLIDER, RIGHT)
        browser.wait_for("Portions to make 75")
        browser.screenshot("streamlit")


def test_the_report_on_a_build_is_readable_on_a_screen_and_on_a_telephone(
    tmp_path: Path, browser: Browser
) -> None:
    project = Project(tmp_path / "app", Home.default())
    project.write({"requirements.txt": "markupsafe==3.0.2\n", "Procfile": "web: python3 -V\n"})
    report = tmp_path / "report.html"
    try:
        project.build("--report", str(report))
        shown = (
            "What costs what",
            "Where the time went",
            "exporting",
            "markupsafe",
            "BSD License",
        )
        browser.open(report.as_uri())
        for width in (1280, 400):
            browser.resize(width, 900)
            seen = browser.wait_for(*shown, limit=10)
            assert "web (default)" in seen
            assert browser.run("return document.documentElement.scrollWidth") <= width
            # No name of a layer or package is broken into pieces: two lines of this font at most.
            names = "document.querySelectorAll('td:first-child')"
            tallest = f"[...{names}].map(each => each.offsetHeight)"
            assert 10 < browser.run(f"return Math.max(...{tallest})") < 60
            browser.screenshot(f"report-{width}")
        # It is complete: the browser has fetched nothing besides.
        assert browser.run("return performance.getEntriesByType('resource').length") == 0
    finally:
        project.remove()
