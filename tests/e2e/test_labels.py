"""Labels of a real image: the app's, the organisation's, the OCI's; as inspect shows them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

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
        "io.cnbkit.python": "3.11.2",
    }
    shown = json.loads(cnbkit("inspect", project.name, "--json").output)["labels"]
    assert {key: shown.get(key) for key in expected} == expected
    lines = [line.split() for line in cnbkit("inspect", project.name).output.splitlines()]
    assert all([key, value] in lines for key, value in expected.items())

    # The same source gives the same image.
    digest = project.image().digest
    project.build(*options)
    assert project.image().digest == digest
