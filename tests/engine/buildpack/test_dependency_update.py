"""`cnbkit dependency update`: the descriptor with the newest versions that it allows."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from cnbkit.errors import BuildpackFault, UserFault
from cnbkit_engine.buildpack.dependency_update import read_feed, updated
from cnbkit_engine.cli.dependency import command

if TYPE_CHECKING:
    from pathlib import Path

SUM = "a" * 64
HEAD = """\
api = "0.12"  # the newest

[buildpack]
id = "acme/node"
version = "1.0.0"

[metadata.cnbkit]
entry = "node:Node"

"""
TOOL = f"""\
# Stays as it is.
[[metadata.dependencies]]
id = "tool"
version = "1.0.0"
uri = "https://x/tool"
sha256 = "{SUM}"
"""
CONSTRAINT = """
# What is wanted.
[[metadata.dependency-constraints]]
id = "node"
constraint = "20.*"
patches = 2
"""


def entry(version: str, **more: Any) -> dict[str, Any]:
    return {
        "id": "node",
        "version": version,
        "uri": f"https://x/{version}",
        "checksum": f"sha256:{SUM}",
        **more,
    }


def block(version: str) -> str:
    return (
        f'[[metadata.dependencies]]\nid = "node"\nversion = "{version}"\n'
        f'uri = "https://x/{version}"\nchecksum = "sha256:{SUM}"\n'
    )


def write(folder: Path, text: str) -> Path:
    path = folder / "buildpack.toml"
    path.write_text(text)
    return path


FEED = [entry(each) for each in ("18.1.0", "20.9.0", "20.10.0", "20.2.0", "21.0.0", "20.11.0-rc.1")]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (HEAD + CONSTRAINT, f"{HEAD}{CONSTRAINT}\n{block('20.9.0')}\n{block('20.10.0')}"),
        (
            f"{HEAD}{block('20.2.0')}\n{TOOL}\n{block('20.1.0')}{CONSTRAINT}",
            f"{HEAD}{block('20.9.0')}\n{block('20.10.0')}\n{TOOL}{CONSTRAINT}",
        ),
        (
            f"{HEAD}{TOOL}\n{block('20.9.0')}\n{block('20.10.0')}{CONSTRAINT}",
            f"{HEAD}{TOOL}\n{block('20.9.0')}\n{block('20.10.0')}{CONSTRAINT}",
        ),
    ],
    ids=["none yet", "among others", "up to date"],
)
def test_the_newest_versions_replace_the_others(tmp_path: Path, before: str, after: str) -> None:
    found = updated(write(tmp_path, before), FEED)
    assert found.text == after
    again = updated(write(tmp_path, found.text), FEED)
    assert (again.text, again.added, again.removed) == (found.text, [], [])


def test_every_target_of_a_version_comes_along(tmp_path: Path) -> None:
    feed = [
        entry("20.1.0", uri=f"https://x/{arch}", targets=[f"linux/{arch}"], licenses=["MIT"])
        for arch in ("arm64", "amd64")
    ]
    found = updated(write(tmp_path, HEAD + CONSTRAINT), feed)
    assert found.added == ["node 20.1.0"]
    assert found.text.index('targets = ["linux/amd64"]') < found.text.index("linux/arm64")


def test_what_the_feed_does_not_say_is_as_before(tmp_path: Path) -> None:
    known = f'{block("20.2.0")}licenses = ["MIT"]\nend-of-life = "2026-04-30"\n'
    path = write(tmp_path, f"{HEAD}{known}\n{CONSTRAINT}".replace("patches = 2", "patches = 1"))
    found = updated(path, FEED)
    assert f'{block("20.10.0")}licenses = ["MIT"]\nend-of-life = "2026-04-30"\n' in found.text
    said = updated(path, [entry("20.3.0", licenses=["ISC"])])
    assert 'licenses = ["ISC"]' in said.text
    assert "MIT" not in said.text


def test_the_command_writes_or_only_tells(tmp_path: Path) -> None:
    path = write(tmp_path, f"{HEAD}{block('20.2.0')}{CONSTRAINT}")
    before = path.read_text()
    feed = tmp_path / "feed.json"
    feed.write_text(json.dumps(FEED))
    runner = CliRunner()
    told = runner.invoke(command, ["update", str(tmp_path), str(feed), "--check"])
    assert (told.exit_code, path.read_text()) == (1, before)
    assert told.output == "- node 20.2.0\n+ node 20.10.0\n+ node 20.9.0\n"
    done = runner.invoke(command, ["update", str(tmp_path), "-"], input=json.dumps(FEED))
    assert (done.exit_code, done.output) == (0, told.output)
    assert path.read_text() != before
    same = runner.invoke(command, ["update", str(path), str(feed), "--check"])
    assert (same.exit_code, same.output) == (0, "nothing to change\n")


def test_what_cannot_be_updated_is_told(tmp_path: Path) -> None:
    with pytest.raises(BuildpackFault, match="no constraint says"):
        updated(write(tmp_path, HEAD), FEED)
    with pytest.raises(BuildpackFault, match="dependency-constraints"):
        updated(write(tmp_path, HEAD + CONSTRAINT.replace("20.*", "lts")), FEED)
    with pytest.raises(UserFault, match=r"the feed has no node 20\.\*"):
        updated(write(tmp_path, HEAD + CONSTRAINT), [entry("18.0.0")])
    inline = (
        f'[metadata]\ndependencies = [{{id = "x", version = "1", uri = "u/v", sha256 = "{SUM}"}}]'
    )
    with pytest.raises(BuildpackFault, match="which is not edited"):
        updated(write(tmp_path, f'api = "0.12"\n{inline}\n{CONSTRAINT}'), FEED)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("<html>", "the feed is not JSON"),
        ("{}", "the feed is not a list of tables"),
        ('[{"id": "node", "version": "1.0.0", "uri": "u/v"}]', "entries that are not dependencies"),
    ],
)
def test_what_is_no_feed_is_told(text: str, what: str) -> None:
    with pytest.raises(UserFault, match=what):
        read_feed(text, "feed.json")
