"""What the lifecycle prints of registries, as it has printed it, in our own words."""

from __future__ import annotations

import pytest

from cnbkit_engine.oci.errors import told_by_lifecycle

START = "ERROR: failed to initialize analyzer: validating registry"
EXPORT = "ERROR: failed to export: failed to write image to the following tags: [r.example/a/app:1:"
LINES = {
    "expired": f"{START} read access: failed to ensure registry read access to r.example/a/app:1: "
    "HEAD https://r.example/v2/a/app/manifests/1: unexpected status code 401 Unauthorized (HEAD "
    "responses have no body, use GET for details)",
    "read only": f"{START} write access: failed to ensure registry read/write access to "
    "r.example/a/app:1: POST https://r.example/v2/a/app/blobs/uploads/: DENIED: requested access "
    "to the resource is denied",
    "ill": f"{EXPORT} PUT https://r.example/v2/a/app/manifests/1: unexpected status code 503 "
    "Service Unavailable]",
    "gone": f'{EXPORT} Head "https://r.example/v2/a/app/blobs/sha256:34": EOF]',
}


@pytest.mark.parametrize(
    ("line", "what", "remedy"),
    [
        ("expired", "the registry refuses: HTTP status 401", "docker login r.example"),
        ("read only", "the registry refuses: HTTP status 403", "docker login r.example"),
        ("ill", "the registry r.example answers with HTTP status 503", "try again"),
        ("gone", "cannot reach the registry r.example", "--insecure-registry r.example"),
    ],
)
def test_a_registry_is_named_with_what_to_do(line: str, what: str, remedy: str) -> None:
    fault = told_by_lifecycle(LINES[line], "r.example/a/app:1")
    assert fault is not None
    assert (fault.what, fault.where) == (what, "r.example/a/app:1")
    assert remedy in (fault.remedy or "")


@pytest.mark.parametrize("line", ["", "ERROR: failed to build: exit status 1", "ERROR: no group"])
def test_what_is_no_registrys_doing_is_left_alone(line: str) -> None:
    assert told_by_lifecycle(line, "r.example/a/app:1") is None
