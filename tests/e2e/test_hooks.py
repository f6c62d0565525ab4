"""Hooks through the real lifecycle: before and after everything else, skipped, refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .conftest import Project

BEFORE = """#!/usr/bin/env python3
# cnbkit: inputs = raw.csv
# cnbkit: outputs = clean.csv, requirements.txt
from pathlib import Path
lines = [line for line in Path("raw.csv").read_text().splitlines() if line]
Path("clean.csv").write_text("\\n".join(lines))
Path("requirements.txt").write_text("six==1.17.0\\n")
print(f"{len(lines)} lines are clean")
"""
AFTER = """#!/usr/bin/env python3
# cnbkit: inputs = clean.csv
# cnbkit: outputs = model.txt
import six
from pathlib import Path
lines = Path("clean.csv").read_text().count("\\n")
Path("model.txt").write_text(f"{lines}\\n")
print("trained with six", six.__version__)
"""


def test_hooks_run_before_and_after_and_are_skipped_while_their_inputs_are_the_same(
    project: Project,
) -> None:
    project.write(
        {
            ".cnbkit/pre-build": BEFORE,
            ".cnbkit/post-build": AFTER,
            # What takes part is decided before anything runs: the hook only fills it.
            "requirements.txt": "",
            "raw.csv": "a\n\nb\nc\n",
            "app.py": "import os, six\nprint(six.__version__, "
            "os.path.exists('model.txt') and open('model.txt').read())\n",
        }
    )
    refused = project.build(code=51)
    assert ".cnbkit/pre-build is not executable" in refused.output
    assert "chmod +x .cnbkit/pre-build" in refused.output
    for name in ("pre-build", "post-build"):
        (project.app / ".cnbkit" / name).chmod(0o755)

    first = project.build()
    assert "3 lines are clean" in first.output
    # What the image gets is there for the hook, too.
    assert "trained with six 1.17.0" in first.output
    # It wrote what the app's packages are read from.
    assert "Dependencies from requirements.txt" in first.output
    assert project.run() == "1.17.0 2\n\n"
    digest = project.image().digest

    again = project.build()
    assert "lines are clean" not in again.output
    assert (
        ".cnbkit/pre-build unchanged: clean.csv, requirements.txt as it made them" in again.output
    )
    assert ".cnbkit/post-build unchanged" in again.output
    assert "2 layers from the cache" in again.output
    assert project.image().digest == digest

    project.write({"raw.csv": "a\nb\n"})
    changed = project.build()
    assert "Running .cnbkit/pre-build: inputs changed: raw.csv" in changed.output
    assert "Running .cnbkit/post-build: inputs changed: clean.csv" in changed.output
    # Nothing was installed in this build.
    assert "trained with six 1.17.0" in changed.output
    assert "2 layers from the cache" in changed.output
    assert project.run() == "1.17.0 1\n\n"
    before = project.image().digest

    denied = project.build("--env", "BP_HOOKS=deny", code=51)
    assert "this builder runs no code of apps, and .cnbkit/pre-build is some" in denied.output
    project.write({".cnbkit/post-build": "#!/bin/sh\nseq 50\necho broken >&2; exit 4\n"})
    failed = project.build(code=51)
    assert ".cnbkit/post-build ended with exit status 4" in failed.output
    assert "broken" in failed.output.partition("detail:")[2]
    # The image before is still there.
    assert project.image().digest == before

    # Without a hook after them the packages are not kept for one; they are the same layers.
    layers = project.layers()
    (project.app / ".cnbkit" / "post-build").unlink()
    without = project.build()
    assert "2 layers as in the previous image" in without.output
    names = {name for name in layers if name.startswith("cnbkit/pip:")}
    assert len(names) == 2
    assert {name: project.layers()[name] for name in names} == {
        name: layers[name] for name in names
    }
    assert "Restoring data for" not in "".join(
        line for line in project.build().output.splitlines() if "cnbkit/pip:wheels" in line
    )
    assert project.run() == "1.17.0 False\n"
