"""Names of images are read as distribution/reference, the library of Docker's programs, does."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
from pathlib import Path

import pytest

from cnbkit.errors import UserFault
from cnbkit_engine.oci.reference import Reference

pytestmark = pytest.mark.full

_PIECES = [
    "a", "b0", "..", "/", "//", ":", "@", "-", "--", "_", "__", "___", ".", "localhost",
    "docker.io", "index.docker.io", "library", "Host", "x.y", "[::1]", "5000", "A", "é", " ",
    "sha256:" + 64 * "a", "sha256:abc", "latest", "v1.0", 64 * "a", 200 * "a", 128 * "t", "%",
]  # fmt: skip


@pytest.fixture(scope="module")
def oracle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program that parses names by that library."""
    folder = tmp_path_factory.mktemp("oracle") / "source"
    shutil.copytree(Path(__file__).with_name("reference_oracle"), folder)
    subprocess.run(["go", "build", "-o", "oracle", "."], cwd=folder, check=True)
    return folder / "oracle"


def test_names_are_read_as_docker_reads_them(oracle: Path) -> None:
    made = random.Random(7)
    names = ["".join(made.choices(_PIECES, k=made.randint(1, 7))) for _ in range(20_000)]
    lines = "\n".join(json.dumps(name) for name in names)
    done = subprocess.run([oracle], input=lines, capture_output=True, text=True, check=True)
    differing = []
    right = 0
    for name, line in zip(names, done.stdout.splitlines(), strict=True):
        expected = json.loads(line)
        if expected:
            domain, path, tag, digest = expected
            right += 1
            # Two differences on purpose: hosts are in lower case, and `latest` is spelled out.
            expected = [domain.lower(), path, tag or ("" if digest else "latest"), digest]
            if not domain:  # `x__y.z/a`: neither a host nor a path, which no registry takes
                expected = None
        try:
            found = Reference.parse(name)
            parts = [found.domain, found.path, found.tag, found.digest]
        except UserFault:
            parts = None
        if parts != expected:
            differing.append((name, parts, expected))
    assert differing == []
    assert right > 1000
