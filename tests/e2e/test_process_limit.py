"""Code of a build that starts processes without end is refused more, and the machine stays."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .attacks import Attack

# No more than 300, whatever is let through.
FORKS = r"""
python3 -I -S - <<'END'
import os, signal, threading, time
children, threads = [], 0
try:
    while len(children) < 300:
        child = os.fork()
        if child == 0:
            time.sleep(600)
        children.append(child)
except BlockingIOError:
    pass
try:
    while threads < 300:
        threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
        threads += 1
except RuntimeError:
    pass
for child in children:
    os.kill(child, signal.SIGKILL)
print(f"FORKED {len(children)} STARTED {threads}", flush=True)
os._exit(0)
END
"""


def test_processes_without_end_are_refused_in_both_phases(attack: Attack) -> None:
    detect = f"{{\n{FORKS}\n}} > forked-by-detect"
    limit = {"CNBKIT_PROCESSES": "200"}
    output = attack.build(f"cat forked-by-detect\n{FORKS}", detect=detect, env=limit)
    lines = [line.split() for line in output.splitlines() if "FORKED" in line]
    assert len(lines) == 2
    for line in lines:
        forked, started = (int(line[line.index(word) + 1]) for word in ("FORKED", "STARTED"))
        # Threads of the lifecycle, bubblewrap, the shell and the program itself are some.
        assert 100 < forked < 200
        assert started == 0
    assert attack.image().processes


def test_a_number_that_is_none_is_told_before_the_build(attack: Attack) -> None:
    output = attack.build(env={"CNBKIT_PROCESSES": "7"}, code=65)
    assert "'7' is not a number of processes" in output
    assert "DETECTING" not in output
