"""Labels of a real image: the app's, the organisation's, the OCI's; as inspect shows them."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

from cnbkit_engine.base.suites import DEFAULT

from .conftest import cnbkit

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Project

RULES = """
[defaults]
"com.example.company" = "Example"
[rules."com.example.owner"]
required = true
pattern = "[a-z-]+"
"""
COMMIT = "0123456789abcdef0123456789abcdef01234567"
OCI = "org.opencontainers.image."


def test_labels_of_every_source_are_on_the_image_and_rules_hold(
    project: Project, tmp_path: Path
) -> None:
    project.write(
        {
            "app.py": "print('hi')\n",
            "pyproject.toml": '[project]\nname = "shop"\nversion = "1.10"\n',
            "business-tags.yaml": "owner: ML Team\ncost-center: 0420\nactive: no\n",
        }
    )
    binding = tmp_path / "rules"
    binding.mkdir()
    (binding / "type").write_text("labels")
    (binding / "labels.toml").write_text(RULES)
    options = (
        *("--volume", f"{binding}:/platform/bindings/rules"),
        *("--env", "BP_LABELS_PREFIX=com.example", "--env", "SOURCE_DATE_EPOCH=1700000000"),
        *("--env", f"GITHUB_SHA={COMMIT}"),
    )

    refused = project.build(*options, code=51)
    assert "com.example.owner is 'ML Team', which does not match [a-z-]+" in refused.output
    assert "where: business-tags.yaml:1" in refused.output
    project.write({"business-tags.yaml": "owner: ml-team\ncost-center: 0420\nactive: no\n"})
    project.build(*options)

    expected = {
        "com.example.owner": "ml-team",
        "com.example.cost-center": "0420",
        "com.example.active": "no",
        "com.example.company": "Example",
        f"{OCI}title": "shop",
        f"{OCI}version": "1.10",
        f"{OCI}revision": COMMIT,
        f"{OCI}created": "2023-11-14T22:13:20Z",
        "io.cnbkit.python": DEFAULT.full_python,
    }
    shown = json.loads(cnbkit("inspect", project.name, "--json").output)["labels"]
    assert {key: shown.get(key) for key in expected} == expected
    lines = [line.split() for line in cnbkit("inspect", project.name).output.splitlines()]
    assert all([key, value] in lines for key, value in expected.items())

    # The same source gives the same image.
    digest = project.image().digest
    project.build(*options)
    assert project.image().digest == digest


def test_git_says_what_was_built_and_a_new_commit_changes_nothing_else(project: Project) -> None:
    def git(*command: str) -> str:
        who = ("-c", "user.name=T", "-c", "user.email=t@example.com")
        done = subprocess.run(
            ["git", *who, *command], cwd=project.app, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def labels() -> dict[str, str]:
        kept = ("org.opencontainers.image.", "io.cnbkit.modified")
        return {k: v for k, v in project.image().labels.items() if k.startswith(kept)}

    project.write({"app.py": "print('hi')\n", "Procfile": "web: python3 app.py\n"})
    git("init", "-qb", "main")
    git("add", ".")
    git("commit", "-qm", "one")
    git("tag", "v1.2")
    git("remote", "add", "origin", "https://ann:s3cret@git.example.com/shop.git")
    project.build()
    first = {
        f"{OCI}revision": git("rev-parse", "HEAD"),
        f"{OCI}source": "https://git.example.com/shop.git",
        f"{OCI}version": "v1.2",
    }
    assert {key: labels().get(key) for key in first} == first
    assert "io.cnbkit.modified" not in labels()
    layers, digest = project.layers(), project.image().digest

    git("commit", "-q", "--allow-empty", "-m", "two")
    project.build()
    assert labels()[f"{OCI}revision"] == git("rev-parse", "HEAD") != first[f"{OCI}revision"]
    assert f"{OCI}version" not in labels()
    same = {what for what, found in project.layers().items() if layers[what] == found}
    # The lifecycle writes labels into its own small layer as well (config/metadata.toml).
    assert same == layers.keys() - {"config"}

    git("checkout", "-q", "v1.2")
    project.build()
    assert project.image().digest == digest
    project.write({"app.py": "print('ho')\n"})
    project.build()
    assert labels()["io.cnbkit.modified"] == "true"
    project.build("--env", "BP_OCI_REVISION=")
    assert f"{OCI}revision" not in labels()
    assert "io.cnbkit.modified" not in labels()
