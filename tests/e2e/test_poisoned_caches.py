"""What an app's code leaves in every folder it can write is taken by no other app's build."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cnbkit_engine.state.home import Home

from .conftest import Project

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

APP = {"requirements.txt": "six==1.17.0\n", "app.py": "import six; print('as it was built')\n"}
MARK = "POISONED"
# All that Python, its installers, shells and git read or start without being asked to; it says
# that it was, and what it stands for is not done.
POISON = r"""#!/usr/bin/env python3
# cnbkit: inputs = app.py
# cnbkit: outputs = left.txt
import glob, os, stat
CODE = "import sys; sys.stderr.write('POI' + 'SONED by code\\n')\n"
SHIM = "#!/bin/sh\necho POI''SONED by $0 >&2; exit 1\n"
NOWHERE = "http://127.0.0.1:9/"
home = os.environ["HOME"]
places = [home, "/tmp", "/workspace", os.environ.get("TMPDIR", "/tmp")]
places += [each for each in glob.glob("/layers/**/", recursive=True) if each.count("/") < 10]
for each in ("pip", "uv", "pypoetry", "conda"):
    places += [f"{home}/.cache/{each}", f"{home}/.local/share/{each}"]
for each in glob.glob("/layers/*/"):
    places += [f"{each}.fetched", f"{each}cache", f"{each}.scratch", f"{each}resolution"]
places += glob.glob("/layers/*/*/lib/python3*/site-packages")
places += [f"{home}/.local/lib/python3.{minor}/site-packages" for minor in (11, 13)]
done = 0
def put(path, text, mode=0o644):
    global done
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as file:
            file.write(text)
        os.chmod(path, mode)
        done += 1
    except OSError:
        pass
for place in places:
    for name in ("sitecustomize.py", "usercustomize.py", "startup.py"):
        put(f"{place}/{name}", CODE)
    put(f"{place}/zz-poison.pth", CODE)
    for folder in ("bin/", ""):
        for name in ("python", "python3", "sh", "bash", "uv", "pip", "git", "tar", "dpkg"):
            put(f"{place}/{folder}{name}", SHIM, 0o755)
for name in ("pip/pip.conf", "pip.conf"):
    put(f"{home}/.config/{name}", f"[global]\nindex-url = {NOWHERE}\n")
put(f"{home}/.pip/pip.conf", f"[global]\nindex-url = {NOWHERE}\n")
put(f"{home}/.config/uv/uv.toml", f'index-url = "{NOWHERE}"\n')
put(f"{home}/.condarc", f"channels: ['{NOWHERE}']\n")
put(f"{home}/.gitconfig", f'[url "{NOWHERE}"]\ninsteadOf = https://\n')
for name in (".bashrc", ".profile", ".bash_profile", ".pythonrc.py"):
    put(f"{home}/{name}", "echo POI''SONED by $0\n")
open("left.txt", "w").write("of the hook\n")
print("left", done)
"""


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Project]:
    """Another app of the same user."""
    made = Project(tmp_path / "other", Home.default())
    made.app.mkdir()
    yield made
    made.remove()


@pytest.mark.parametrize("when", ["pre-build", "post-build"])
def test_what_a_hook_leaves_everywhere_changes_no_other_app_and_ends_with_the_cache(
    project: Project, other: Project, when: str
) -> None:
    for each in (project, other):
        each.write(APP)
        each.build()
    before, clean = other.image().digest, project.image().digest
    project.write({f".cnbkit/{when}": POISON})
    hook = project.app / ".cnbkit" / when
    hook.chmod(0o755)
    poisoned = project.build().output
    [left] = [line.split() for line in poisoned.splitlines() if line.strip().startswith("left ")]
    assert int(left[1]) > 100

    for options in ((), ("--clear-cache",)):
        built = other.build(*options)
        assert MARK not in built.output
        assert other.image().digest == before
    assert other.run() == "as it was built\n"

    hook.unlink()
    hook.parent.rmdir()
    # Its own next builds may take what it has left (docs/security.md); not those that begin anew.
    anew = project.build("--clear-cache")
    assert MARK not in anew.output
    assert project.image().digest == clean
    assert project.run() == "as it was built\n"
