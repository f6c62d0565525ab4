"""Documents attached to images: with registries that list them, and with those that do not."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from cnbkit.errors import PlatformFault
from cnbkit_engine.oci.layout import Layout
from cnbkit_engine.oci.referrers import EMPTY, Document, Referrers
from cnbkit_engine.oci.remote import Remote
from cnbkit_engine.oci.types import Descriptor

from ...plain_registry import PlainRegistry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TITLE = "org.opencontainers.image.title"


@pytest.fixture
def registry() -> Iterator[PlainRegistry]:
    with closing(PlainRegistry()) as made:
        yield made


@pytest.fixture
def image(registry: PlainRegistry, tmp_path: Path) -> tuple[str, Descriptor]:
    """An image in the registry: its name, and its manifest."""
    layout = Layout(tmp_path / "layout")
    made = layout.image({"architecture": "amd64", "os": "linux"}, [], [])
    layout.finish(made)
    name = f"{registry.host}/team/app"
    Remote(f"{name}:1").push(layout.path, Descriptor.parse(made))
    return name, Descriptor.parse(made)


def test_what_a_registry_does_not_list_is_listed_under_a_tag(
    registry: PlainRegistry, image: tuple[str, Descriptor]
) -> None:
    name, subject = image
    referrers = Referrers(name)
    assert referrers.of(subject.digest) == []
    bill = Document("application/x-bill", b'{"a": 1}', {TITLE: "bill.json"})
    first = referrers.attach(subject, "application/x-bill", [bill], {"about": "it"})
    second = referrers.attach(subject, "application/x-other", [Document("text/x", b"b")], {})
    again = referrers.attach(subject, "application/x-bill", [bill], {"about": "it"})
    assert again == first != second

    found = {each.digest: each for each in referrers.of(subject.digest)}
    assert {*found} == {first, second}
    assert found[first].artifact_type == "application/x-bill"
    assert found[first].annotations == {"about": "it"}
    assert referrers.opened(found[first]) == (found[first], [bill])
    # Some registries list the config's type, and no annotations.
    vague = replace(found[first], artifact_type=EMPTY, annotations={})
    assert referrers.opened(vague) == (found[first], [bill])
    # As image-spec and distribution-spec have it.
    tag = subject.digest.replace(":", "-")
    kind, index = registry.manifests["team/app", tag]
    assert kind == "application/vnd.oci.image.index.v1+json"
    assert len(json.loads(index)["manifests"]) == 2
    manifest = json.loads(registry.manifests["team/app", first][1])
    assert manifest["subject"]["digest"] == subject.digest
    assert manifest["subject"]["size"] == subject.size
    assert manifest["config"]["mediaType"] == "application/vnd.oci.empty.v1+json"
    assert registry.blobs["team/app", manifest["config"]["digest"]] == b"{}"


def test_a_damaged_list_or_document_is_told(
    registry: PlainRegistry, image: tuple[str, Descriptor]
) -> None:
    name, subject = image
    referrers = Referrers(name)
    referrers.attach(subject, "a/b", [Document("a/b", b"one")], {})
    [attached] = referrers.of(subject.digest)
    manifest = json.loads(registry.manifests["team/app", attached.digest][1])
    registry.blobs["team/app", manifest["layers"][0]["digest"]] = b"two"
    with pytest.raises(PlatformFault, match="not a registry, or a broken one"):
        referrers.opened(attached)
    kind = "application/vnd.oci.image.index.v1+json"
    tag = subject.digest.replace(":", "-")
    for broken in (b"[]", b"{}", b'{"manifests": [{"digest": "x"}]}', b'{"manifests": [1]}'):
        registry.manifests["team/app", tag] = (kind, broken)
        with pytest.raises(PlatformFault):
            referrers.of(subject.digest)
