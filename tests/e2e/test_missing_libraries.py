"""An image whose default process lacks a shared library is not made: through real builds."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cnbkit_engine.base.suites import DEFAULT
from cnbkit_engine.testing import free_port

if TYPE_CHECKING:
    from .conftest import Project

SERVE = """\
import os
from http.server import BaseHTTPRequestHandler, HTTPServer
import magic

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(magic.from_buffer(b"%PDF-1.2", mime=True).encode())

HTTPServer(("", int(os.environ["PORT"])), Handler).serve_forever()
"""
UWSGI = """\
def app(environ, start_response):
    import six
    start_response("200 OK", [])
    return [six.__version__.encode()]
"""


def test_a_library_that_the_app_imports_ends_the_build_until_the_aptfile_has_it(
    project: Project,
) -> None:
    project.write({"requirements.txt": "python-magic==0.4.27\n", "serve.py": SERVE})
    project.write({"Procfile": "web: python serve.py\n"})
    refused = project.build(code=51).output
    first, where, what, *_ = refused[refused.index("Error: ") :].splitlines()
    assert first == (
        "Error: web cannot start: serve.py:3 imports python-magic, which needs libmagic.so.1, "
        "which is not in the image"
    )
    assert where == "  where: Procfile:1"
    package = re.fullmatch(r"  to do: add `(\S+)` to Aptfile; or set BP_START_CHECK=warn", what)
    assert package
    assert package[1] in ("libmagic1", "libmagic1t64")  # of Debian 12, of 13
    project.write({"Aptfile": f"{package[1]}\n"})
    project.build()
    port = free_port()
    with project.start(env={"PORT": str(port)}) as web:
        assert web.http_get(port) == "application/pdf"


def test_a_server_that_embeds_python_starts_and_is_not_made_anew(project: Project) -> None:
    """uWSGI is compiled here, and linked with Python's shared library."""
    project.write({"requirements.txt": "uwsgi==2.0.31\nsix==1.17.0\n", "app.py": UWSGI})
    project.write({"Procfile": "web: uwsgi --http-socket :$PORT --module app:app --need-app\n"})
    built = project.build()
    library = f"libpython{DEFAULT.python}.so.1.0"
    assert f"uwsgi embeds Python: {library} of the build image goes" in built.output
    before = project.layers()
    assert before["cnbkit/elf-check:libpython"]
    port = free_port()
    with project.start(env={"PORT": str(port)}) as web:
        assert web.http_get(port) == "1.17.0"
    project.write({"app.py": UWSGI + "# changed\n"})
    project.build()
    after = project.layers()
    assert {what for what in after if after[what] != before.get(what)} <= {"app", "config"}
    with project.start(env={"PORT": str(port)}) as web:
        assert web.http_get(port) == "1.17.0"
