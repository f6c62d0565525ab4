"""A buildpack in a real build is nobody on the machine, and does not reach its loopback."""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

from tests.ordinary_user import ORDINARY

if TYPE_CHECKING:
    from .attacks import Attack

# $PORT is of a service on loopback. Kernel parameters are opened and not written.
TRY = r"""
python3 - "$PORT" <<'END'
import os, shutil, socket, sys
opened = 0
for folder, _, names in os.walk("/proc/sys"):
    for name in names:
        try:
            os.close(os.open(f"{folder}/{name}", os.O_WRONLY))
            opened += 1
        except OSError:
            pass
print("TRIED parameters", opened)
status = dict(line.split(":", 1) for line in open("/proc/self/status") if ":" in line)
print("TRIED capabilities", int(status["CapEff"], 16) | int(status["CapBnd"], 16))
print("TRIED filter", status["Seccomp"].strip())
with socket.socket() as client:
    client.settimeout(2)
    print("TRIED loopback", client.connect_ex(("127.0.0.1", int(sys.argv[1]))) == 0)
shutil.copy("/usr/bin/id", "/evidence/id")
os.chmod("/evidence/id", 0o6755)
END
"""


def test_walls_stand_in_a_real_build(attack: Attack) -> None:
    with socket.create_server(("127.0.0.1", 0)) as service:
        script = f"PORT={service.getsockname()[1]}\n{TRY}"
        volume = f"{attack.root / 'evidence'}:/evidence:rw"
        for network in ("private", "host"):
            output = attack.build(script, "--network", network, "--volume", volume)
            tried = [line.split(" ", 1)[1] for line in output.splitlines() if "TRIED" in line]
            assert tried == [
                "parameters 0",
                "capabilities 0",
                "filter 2",
                f"loopback {network == 'host'}",
            ]
    left = (attack.root / "evidence" / "id").stat()
    assert left.st_uid != 0
    if os.geteuid() == 0 and attack.user != "root":
        assert left.st_uid == ORDINARY, "the attack was an ordinary user's"
    assert attack.cache().stat().st_mode & 0o077 == 0, "no way for others of this machine"
