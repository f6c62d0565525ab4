"""What a descriptor lists, and which of it a build takes."""

from __future__ import annotations

import hashlib
import io
import tarfile
from typing import TYPE_CHECKING, Any

import pytest

from cnbkit import (
    BuildContext,
    Buildpack,
    BuildpackFault,
    BuildResult,
    Dependency,
    Target,
    UserFault,
)
from cnbkit.dependencies import Dependencies, dependencies_in
from cnbkit.log import Log

if TYPE_CHECKING:
    from pathlib import Path

    from cnbkit.testing import BuildpackRun

AMD, ARM = Target(arch="amd64"), Target(arch="arm64")
SUM = "a" * 64


def entry(version: str, **more: Any) -> dict[str, Any]:
    return {"id": "node", "version": version, "uri": f"https://x/{version}", "sha256": SUM, **more}


def node(
    *entries: dict[str, Any], target: Target = AMD, licenses: tuple[str, ...] = ()
) -> Dependencies:
    return Dependencies(
        "node",
        dependencies_in({"dependencies": [*entries]}, "buildpack.toml"),
        target,
        where="buildpack.toml",
        log=Log(),
        today="2026-04-01",
        licenses=licenses,
    )


def test_the_newest_version_in_the_range_is_the_best() -> None:
    found = node(entry("20.9.0"), entry("20.11.1"), entry("22.1.0"), entry("18.1.0"))
    assert found.best().version == "22.1.0"
    assert found.best("20.*").version == "20.11.1"
    assert found.best(">=18 <20").version == "18.1.0"
    assert found.best(">=20,<21", scheme="pep440").version == "20.11.1"
    assert [each.version for each in found] == ["20.9.0", "20.11.1", "22.1.0", "18.1.0"]
    assert len(found) == 4


@pytest.mark.parametrize(
    "limits",
    [
        {"targets": ["linux/arm64"]},
        {"os": "linux", "arch": "arm64"},
        {"arch": "arm64"},
        {"targets": ["linux/arm64", "windows/amd64"]},
    ],
)
def test_what_is_for_other_targets_is_left_out(limits: dict[str, Any]) -> None:
    entries = (entry("20.1.0"), entry("20.2.0", **limits))
    assert node(*entries).best().version == "20.1.0"
    assert node(*entries, target=ARM).best().version == "20.2.0"
    with pytest.raises(UserFault) as caught:
        node(*entries).best("20.2.0", where="package.json")
    assert caught.value.what == "there is no node 20.2.0 for linux/amd64"
    assert (caught.value.where, caught.value.remedy) == ("package.json", "choose one of 20.1.0")


def test_what_has_no_allowed_licence_is_left_out() -> None:
    entries = (
        entry("1.0.0", licenses=["MIT", "GPL-2.0-only"]),
        entry("1.1.0"),
        entry("1.2.0", licenses=[{"type": "GPL-3.0-only"}]),
    )
    assert node(*entries).best().version == "1.2.0"
    allowed = node(*entries, licenses=("MIT", "Apache-2.0"))
    assert [each.version for each in allowed] == ["1.0.0", "1.1.0"]
    with pytest.raises(UserFault, match=r"with a licence that is allowed \(MIT, Apache-2\.0\)"):
        allowed.best("1.2")


@pytest.mark.parametrize(
    ("end", "said"),
    [
        ("2026-03-31", "Warning: node 1.0.0 gets no more fixes since 2026-03-31"),
        ("2026-04-01T00:00:00Z", "Warning: node 1.0.0 gets no more fixes from 2026-04-01"),
        ("2026-05-01", "Warning: node 1.0.0 gets no more fixes from 2026-05-01"),
        ("2026-05-02", ""),
        ("", ""),
    ],
)
@pytest.mark.parametrize("name", ["end-of-life", "deprecation_date"])
def test_a_version_near_its_end_is_told(
    capsys: pytest.CaptureFixture[str], name: str, end: str, said: str
) -> None:
    node(entry("1.0.0", **{name: end})).best()
    err = capsys.readouterr().err
    assert said in err
    assert bool(said) == bool(err)


def test_a_range_that_is_none_is_the_users_fault() -> None:
    with pytest.raises(UserFault, match="node: 'lts' is not a range of versions") as caught:
        node(entry("1.0.0")).best("lts", where=".nvmrc")
    assert caught.value.where == ".nvmrc"


def test_a_version_that_is_none_is_the_buildpacks_fault() -> None:
    with pytest.raises(BuildpackFault, match=r"node: '1\.0-final\+x!' is not a version"):
        node(entry("1.0-final+x!")).best()


def test_an_id_that_is_not_listed_is_told() -> None:
    listed = dependencies_in({"dependencies": [entry("1.0.0")]}, "x")
    with pytest.raises(BuildpackFault) as caught:
        Dependencies("nodejs", listed, AMD, where="x", log=Log(), today="")
    assert caught.value.remedy == "list it in [[metadata.dependencies]]; there are: node"


def test_every_fault_of_the_list_is_told_at_once() -> None:
    wrong = [
        {"id": "a", "uri": "https://x/a", "sha256": SUM},
        {"uri": "https://x/b", "checksum": "md5:1"},
        {"uri": "https://x/c"},
    ]
    with pytest.raises(BuildpackFault) as caught:
        dependencies_in({"dependencies": wrong}, "x")
    assert caught.value.detail is not None
    assert caught.value.detail.splitlines() == [
        "dependencies[0].version: is required beside id",
        "dependencies[1]: 'md5:1' is not a checksum",
        "dependencies[2]: '' is not a checksum",
    ]


@pytest.mark.parametrize("algorithm", ["sha256", "sha384", "sha512"])
@pytest.mark.parametrize("form", ["{digest}", "{algorithm}:{digest}"])
def test_a_checksum_says_by_its_length_how_it_is_made(
    tmp_path: Path, buildpack_run: BuildpackRun, algorithm: str, form: str
) -> None:
    (tmp_path / "tool").write_bytes(b"tool")
    digest = hashlib.new(algorithm, b"tool").hexdigest()
    text = form.format(digest=digest.upper(), algorithm=algorithm)
    right = Dependency(f"file://{tmp_path}/tool", text)
    assert (right.algorithm, right.digest) == (algorithm, digest)
    wrong = Dependency(f"file://{tmp_path}/tool", digest[:-1] + ("0" if digest[-1] != "0" else "1"))

    class Takes(Buildpack):
        def build(self, ctx: BuildContext) -> BuildResult:
            assert ctx.download(right).read_bytes() == b"tool"
            ctx.download(wrong)
            return BuildResult()

    result = buildpack_run(Takes)
    assert result.fault is not None
    assert result.code == 69
    assert f"its SHA-{algorithm[3:]} is {digest}" in str(result.fault.detail)


def test_a_digest_of_another_length_than_its_algorithm_is_refused() -> None:
    with pytest.raises(BuildpackFault, match="is not a checksum"):
        Dependency("https://x/y", f"sha512:{SUM}")


def test_a_runtime_is_chosen_fetched_unpacked_and_listed(
    tmp_path: Path, buildpack_run: BuildpackRun
) -> None:
    archive = tmp_path / "node.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        info = tarfile.TarInfo("node-20.1.0/bin/node")
        info.mode, info.size = 0o755, 4
        tar.addfile(info, io.BytesIO(b"node"))
    folder = tmp_path / "pack"
    folder.mkdir()
    digest = hashlib.sha512(archive.read_bytes()).hexdigest()
    (folder / "buildpack.toml").write_text(
        'api = "0.12"\n[buildpack]\nid = "acme/node"\nversion = "1.0.0"\n'
        '[[metadata.dependencies]]\nid = "node"\nversion = "20.1.0"\nlicenses = ["MIT"]\n'
        f'uri = "file://{archive}"\nchecksum = "sha512:{digest}"\n'
        '[metadata.cnbkit]\nentry = "node_pack:Node"\n'
    )
    (folder / "node_pack.py").write_text(
        "from cnbkit import *\n"
        "class Key(LayerKey):\n    version: str = key('version')\n"
        "class Node(Buildpack):\n"
        "    def build(self, ctx):\n"
        "        node = ctx.dependencies('node').best('20.*')\n"
        "        with ctx.layer(Layer.launch('node'), Key(version=node.version)) as layer:\n"
        "            if layer.rebuild:\n"
        "                ctx.unpack(ctx.download(node), layer.path, strip=1)\n"
        "        one = node.component()\n"
        "        return BuildResult(labels={'purl': one.purl, 'licence': one.licence})\n"
    )
    result = buildpack_run(folder)
    assert result.code == 0, result.log
    assert result.layer("node").text("bin/node") == "node"
    assert result.layer("node").key == {"version": "20.1.0"}
    assert result.labels["purl"].startswith("pkg:generic/node@20.1.0?download_url=")
    assert result.labels["licence"] == "MIT"
