"""What the engine installs by itself: from whom this machine trusts."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from tests.authority import Authority
from tests.e2e.index import PackageIndex, TlsFront, wheel
from tests.user_namespace import in_user_namespace

BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")
# As on a machine whose system trusts a company's authority, and no variable says so.
TRUSTING = f'mount --bind "$0" {BUNDLE} && exec "$@"'
INSTALL = """
import sys
from pathlib import Path
from cnbkit_engine.tools.uv import install

done = install(Path(sys.argv[1]), "--no-config", "--python", sys.executable, *sys.argv[2:])
sys.exit(done.stderr or 0)
"""


@pytest.mark.parametrize(("known", "ends"), [(True, 0), (False, 1)])
def test_an_authority_that_the_system_knows_is_trusted(
    tmp_path: Path, known: bool, ends: int
) -> None:
    authority = Authority()
    bundle = tmp_path / "bundle.pem"
    bundle.write_text(BUNDLE.read_text() + (authority.certificate if known else ""))
    lock = tmp_path / "requirements.lock"
    digest = hashlib.sha256(wheel("own", "1.0")).hexdigest()
    lock.write_text(f"own==1.0 --hash=sha256:{digest}\n")
    command = ["/bin/sh", "-c", TRUSTING, str(bundle), sys.executable, "-c", INSTALL]
    variables = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("SSL_CERT_", "UV_")) and not name.lower().endswith("_proxy")
    }
    variables["UV_CACHE_DIR"] = str(tmp_path / "cache")
    with closing(PackageIndex(tmp_path / "index")) as index:
        index.add("own", "1.0")
        with closing(TlsFront(tmp_path / "tls", authority, index)) as front:
            options = ["--index-url", front.url, "--requirement", str(lock)]
            done = subprocess.run(
                in_user_namespace([*command, str(tmp_path / "site"), *options]),
                env=variables,
                capture_output=True,
                text=True,
                check=False,
            )
    assert done.returncode == ends, done.stderr
    assert (tmp_path / "site" / "own.py").is_file() == known
    assert ("UnknownIssuer" in done.stderr) != known
