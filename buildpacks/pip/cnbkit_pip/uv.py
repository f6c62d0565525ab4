"""How uv is called: same flags and environment everywhere."""

from __future__ import annotations

import os

from cnbkit import BuildContext
from cnbkit_pip.interpreter import Interpreter

__all__ = ["run_uv"]

_SYSTEM_BUNDLE = "/etc/ssl/certs/ca-certificates.crt"


def run_uv(ctx: BuildContext, python: Interpreter, *arguments: str) -> str:
    """Run `uv pip …` for an interpreter; what it printed.

    Raises:
        CommandFailed: uv ended with an error.
    """
    program = str(ctx.buildpack_dir / "lib/bin/uv")
    environment = {
        # On the layers' file system, so that wheels are linked and not copied; the lifecycle
        # neither exports nor keeps a directory without a toml.
        "UV_CACHE_DIR": f"{ctx.scratch}/uv",
        "UV_LINK_MODE": "hardlink",
        "UV_PYTHON_DOWNLOADS": "never",
        "UV_SYSTEM_CERTS": "true",
        "UV_NO_PROGRESS": "true",
    }
    if os.path.exists(_SYSTEM_BUNDLE) and "SSL_CERT_FILE" not in ctx.env:
        environment["SSL_CERT_FILE"] = _SYSTEM_BUNDLE
    return ctx.run(program, "pip", *arguments, "--python", python.path, env=environment, quiet=True)
