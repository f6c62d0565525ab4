"""A policy in a real build: refused before and after the installation; the image stays."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from cnbkit_engine.base.suites import DEFAULT

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Project

EXCEPTION = """
[[exceptions]]
rule = "package"
package = "six"
until = 2199-12-31
reason = "gone by then"
"""


@pytest.mark.smoke
def test_what_a_policy_does_not_allow_gives_no_image(project: Project, tmp_path: Path) -> None:
    project.write({"app.py": "import six\nprint(six.__version__)\n"})
    project.write({"requirements.txt": "# ours\nsix==1.16.0\n"})
    policy = tmp_path / "policy"
    policy.mkdir()
    (policy / "type").write_text("policy")
    rules = policy / "policy.toml"
    reports = tmp_path / "reports"
    reports.mkdir()
    reports.chmod(0o777)
    options = (
        *("--volume", f"{policy}:/platform/bindings/policy"),
        *("--volume", f"{reports}:/reports:rw", "--env", "BP_POLICY_REPORT=/reports"),
    )

    rules.write_text('[licenses]\ndeny = ["GPL*"]\n')
    built = project.build(*options)
    assert "Policy of the binding policy: 1 package, nothing found" in built.output
    image = project.image().digest
    assert not json.loads((reports / "policy.json").read_text())["failed"]
    unchanged = project.build("--volume", options[1])
    assert "Unchanged: 1 package, nothing found" in unchanged.output
    assert project.image().digest == image

    # Its layers are the previous image's now; all of it is judged nevertheless.
    denied = (
        'contact = "security@example.com"\n[licenses]\ndeny = ["MIT*"]\n'
        f'[image]\nmax-size = "1 KB"\ndistros = ["debian {DEFAULT.version}"]\n'
    )
    rules.write_text(denied)
    refused = project.build(*options, code=51)
    assert "requirements.txt:2: license: six 1.16.0 has the licence MIT" in refused.output
    assert (
        "KB without the run image, 1.00 KB are allowed: cnbkit_pip:light-wheels" in refused.output
    )
    assert "cannot be seen" not in refused.output
    assert "or ask security@example.com for an exception" in refused.output
    assert json.loads((reports / "policy.json").read_text())["failed"]
    assert project.image().digest == image

    # What the app itself says is judged before anything of it is resolved or installed.
    denied = (
        'contact = "security@example.com"\n[packages.deny]\n"six<1.17" = "old"\n'
        '[image]\nbase = ["registry.example.com/*", "cnbkit/gone:*"]\n'
        'distros = ["debian 11", "ubuntu"]\n'
    )
    rules.write_text(denied)
    project.write({"requirements.txt": "# ours\nsix==1.16.0\n# changed\n"})
    refused = project.build(*options, code=51)
    assert "requirements.txt:2: package: six 1.16.0 is denied (six<1.17): old" in refused.output
    assert (
        f"base: its distribution is debian {DEFAULT.version}; allowed: debian 11, ubuntu"
        in refused.output
    )
    assert f"base: it is cnbkit/run:{DEFAULT.name}" in refused.output
    assert "or ask security@example.com for an exception" in refused.output
    assert "Resolving requirements.txt" not in refused.output
    assert project.image().digest == image

    project.write({"requirements.txt": "# ours\nsix==1.16.0\n"})
    fitting = denied.replace("debian 11", f"debian {DEFAULT.version}").replace(
        "cnbkit/gone:", "cnbkit/run:"
    )
    rules.write_text(fitting + EXCEPTION)
    allowed = project.build(*options)
    assert "(allowed until 2199-12-31: gone by then)" in allowed.output
    assert project.image().digest == image

    # A lock is judged before anything of it is installed.
    hook = project.app / ".cnbkit" / "pre-build"
    project.write({".cnbkit/pre-build": "#!/bin/sh\necho the hook runs\n"})
    hook.chmod(0o755)
    rules.write_text("hooks = false\n")
    refused = project.build(*options, code=51)
    assert "hooks = false in the binding policy" in refused.output
    assert "the hook runs" not in refused.output
