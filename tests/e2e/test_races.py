"""Processes that code leaves behind, and that change folders while the engine would read them."""

from __future__ import annotations

import tarfile
import time
from typing import TYPE_CHECKING

import pytest

from cnbkit_engine.oci.store import ImageStore

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .attacks import Attack

SECRET = "of the host alone"

# Out of its session and its parent's sight; it exchanges, in one step and without a pause, what it
# is given for links to a folder of the host.
SWAP = r"""
cat > /tmp/swap.py <<'END'
import ctypes, os, signal, sys
host, *places = sys.argv[1:]
if os.fork():
    os._exit(0)
os.setsid()
if os.fork():
    os._exit(0)
for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGINT, signal.SIGPIPE):
    signal.signal(number, signal.SIG_IGN)
for number in range(3):
    os.dup2(os.open(os.devnull, os.O_RDWR), number)
for place in places:
    os.symlink(host, place + ".link")
libc = ctypes.CDLL(None)
count = 0
while True:
    for place in places:
        path, link = place.encode(), place.encode() + b".link"
        libc.renameat2(-100, path, -100, link, 2)  # RENAME_EXCHANGE
        libc.renameat2(-100, path, -100, link, 2)
    count += 1
    if count % 50 == 1:
        with open("/evidence/beats", "a") as file:
            file.write("x")
END
python3 /tmp/swap.py {host}/folder "$1" "$1/layer" /layers/group.toml
for i in $(seq 100); do [ -s /evidence/beats ] && break; sleep 0.05; done
[ -s /evidence/beats ] && echo SWAPPING
"""

BEAT = r"""
(setsid python3 -c '
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
while True:
    open("/workspace/beat.new", "w").write(str(time.time()))
    os.replace("/workspace/beat.new", "/workspace/beat")
' >/dev/null 2>&1 </dev/null &)
for i in $(seq 100); do [ -s beat ] && break; sleep 0.05; done
"""
LOOK = r"""
[ -s beat ] || echo "THERE WAS NONE"
first=$(cat beat); sleep 0.5
[ "$first" = "$(cat beat)" ] && echo "NOTHING BEATS"
"""


@pytest.fixture
def attack(attack: Attack) -> Iterator[Attack]:
    """One with files of the host's, which stay as they are."""
    folder = attack.root / "host" / "folder"
    (folder / "layer").mkdir(parents=True)
    (folder / "layer" / "file").write_text(SECRET)
    (folder / "layer.toml").write_text("[types]\nlaunch = true\n")
    (folder / "launch.toml").write_text(f'[[labels]]\nkey = "stolen"\nvalue = "{SECRET}"\n')
    yield attack
    assert (folder / "layer" / "file").read_text() == SECRET
    assert sorted(path.name for path in folder.rglob("*")) == [
        *("file", "launch.toml", "layer", "layer.toml")
    ]


def contents(attack: Attack) -> str:
    """All files of the image's layers that were built, and its configuration."""
    image = attack.image()
    store = ImageStore(attack.home.images)
    found = [str(image.config)]
    for layer in image.layers:
        if layer.kind in ("buildpack", "app"):
            with tarfile.open(store.blob_path(layer.digest), "r:gz") as archive:
                for member in archive:
                    file = archive.extractfile(member) if member.isreg() else None
                    found.append(file.read().decode(errors="replace") if file else "")
    return "\n".join(found)


def test_folders_that_become_links_while_they_are_read_lead_nowhere(attack: Attack) -> None:
    volume = f"{attack.root / 'evidence'}:/evidence:rw"
    attack.build()
    honest = attack.image().digest
    beats = attack.root / "evidence" / "beats"
    swap = SWAP.replace("{host}", str(attack.root / "host"))
    for _ in range(4):
        beats.unlink(missing_ok=True)
        try:
            output = attack.build(swap, "--volume", volume)
        except AssertionError as ended:  # it depends on which was there last, for whom
            output = str(ended)
            assert "\nError: " in output
            assert "Traceback" not in output
            assert attack.image().digest == honest
        assert "SWAPPING" in output
        written = beats.stat().st_size
        assert SECRET not in output
        assert SECRET not in contents(attack)
        # What swapped has ended before; nothing of it lives on.
        time.sleep(0.2)
        assert beats.stat().st_size == written


def test_what_detect_leaves_running_changes_nothing_while_the_buildpacks_build(
    attack: Attack,
) -> None:
    output = attack.build(LOOK, detect=BEAT)
    assert "NOTHING BEATS" in output
    assert "THERE WAS NONE" not in output
