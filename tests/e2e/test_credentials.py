"""Build code gets at no login, and cannot choose what the phases with logins do with them."""

from __future__ import annotations

import base64
import json
import uuid
from typing import TYPE_CHECKING

import pytest
from tests.guarded_registry import GuardedRegistry

from cnbkit_engine.base.images import machine_architecture
from cnbkit_engine.base.suites import DEFAULT
from cnbkit_engine.lifecycle.install import ensure_crane
from cnbkit_engine.oci.store import ImageStore
from cnbkit_engine.state.home import Home
from cnbkit_engine.testing.docker import LocalRegistry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .attacks import Attack

# Everything that a process of this user can read of others, and of its own past.
LOOK = r"""
{
    env
    cat /proc/*/environ /proc/*/task/*/environ /proc/*/cmdline 2>/dev/null | tr '\0' '\n'
    for file in /proc/*/fd/*; do
        [ -f "$file" ] && head -c 100000 "$file"
    done
    cat /tmp/* /layers/*.toml /layers/*/*.toml /cnb/*.toml /cache/* /cache/*/*
    find /home /root /etc /run /var -name config.json -exec cat {} +
} > "$HOME/seen" 2>/dev/null
# Written so that this script itself is nothing it finds.
grep -a -e 'CNB_REGISTRY_''AUTH=' -e 'Ba''sic ' -e 'PASS''WORD-' "$HOME/seen" | sed 's/^/FOUND: /'
echo "looked with $(basename "$0") at $(wc -l < "$HOME/seen") lines"
"""
# What detect prints is not shown; the app is the one place both can write.
BY_DETECT = f"{{\n{LOOK}\n}} > seen-by-detect"
# As LOOK, from a process that does all it can to be there when the exporter is.
STAY = r"""
(setsid bash -c '
    trap "" HUP INT TERM PIPE
    exec >/dev/null 2>&1 </dev/null
    while :; do
        grep -a -l CNB_REGISTRY_AUTH= /proc/*/environ >> /evidence/seen
        echo x >> /evidence/beats
        curl -s -o /dev/null -w "%{http_code}\n" http://store.localhost:5095/v2/ \
            >> /evidence/answers
    done' &)
sleep 0.5
"""
# Asks the store's registry for everything it could have got by guessing.
ASK = r"""
basic=Ba; basic=Authorization:\ ${basic}sic
for login in "" "$basic Y25ia2l0Og==" "$basic Og=="; do
    for path in /v2/ /v2/cnbkit/run/tags/list /v2/cnbkit/run/manifests/BASE; do
        python3 - "$path" "$login" <<'END'
import http.client, sys
peer = http.client.HTTPConnection("store.localhost", 5095, timeout=5)
name, _, value = sys.argv[2].partition(": ")
try:
    peer.request("GET", sys.argv[1], headers={name: value} if name else {})
    print("ANSWER", peer.getresponse().status)
except OSError as error:
    print("ANSWER none", error)
END
    done
done
""".replace("BASE", DEFAULT.name)
# What the exporter would read instead of what the analyzer and the detector have written.
FORGE = r"""
zero=$(printf '0%.0s' {1..64})
cat > /tmp/analyzed <<END
[image]
  reference = "store.localhost:5095/test-victim@sha256:$zero"
[run-image]
  reference = "store.localhost:5095/test-victim:latest"
  image = "store.localhost:5095/test-victim:latest"
[metadata]
END
rm -f /layers/analyzed.toml /layers/group.toml /layers/plan.toml
cp /tmp/analyzed /layers/analyzed.toml
printf '[[group]]\nid = "other/buildpack"\nversion = "9"\napi = "0.10"\n' > /layers/group.toml
printf '[source]\ntype = "git"\n[source.version]\ncommit = "forged"\n' \
    > /layers/project-metadata.toml
printf '[[images]]\nimage = "forged"\n' > /layers/run.toml
ln -s /proc/self/environ /layers/report.toml
digest=sha256:$(printf forged | sha256sum | cut -d' ' -f1)
mkdir -p "/layers/extended/run/$digest/blobs/sha256" /layers/other /layers/generated
ln -s /proc/self/environ "/layers/extended/run/$digest/blobs/sha256/environ"
mkdir -p "$HOME/.docker"
echo '{"auths": {"store.localhost:5095": {"auth": "Zm9yOmdlZA=="}}, "credsStore": "forged"}' \
    > "$HOME/.docker/config.json"
printf '#!/bin/sh\necho ran >> /evidence/helper\n' > "$HOME/docker-credential-forged"
chmod +x "$HOME/docker-credential-forged"
"""


@pytest.fixture(scope="session")
def crane() -> Path:
    """The program that is a registry."""
    return ensure_crane(Home.default(), arch=machine_architecture())


@pytest.fixture
def guard(crane: Path, tmp_path: Path) -> Iterator[GuardedRegistry]:
    """A registry that wants a login."""
    behind = LocalRegistry(crane, tmp_path / "registry")
    guarded = GuardedRegistry(behind.host)
    guarded.login = f"somebody:PASSWORD-{uuid.uuid4().hex}"
    yield guarded
    guarded.close()
    behind.stop()


def evidence(attack: Attack) -> str:
    """A volume that outlives the build."""
    return f"{attack.root / 'evidence'}:/evidence:rw"


def test_no_login_is_in_sight_of_detect_and_build(attack: Attack) -> None:
    for _ in range(2):  # a first build and a rebuild
        output = attack.build("cat seen-by-detect\n" + LOOK + ASK, detect=BY_DETECT)
        assert "looked with build" in output
        assert "looked with detect" in output
        assert "FOUND" not in output
        answers = [line for line in output.splitlines() if line.startswith("ANSWER")]
        assert len(answers) == 9
        assert all(line == "ANSWER 401" or line.startswith("ANSWER none") for line in answers)


def test_a_registrys_login_is_in_no_build_code_s_sight(
    attack: Attack, guard: GuardedRegistry
) -> None:
    login = base64.b64encode(guard.login.encode()).decode()
    docker = attack.root / "docker"
    docker.mkdir()
    (docker / "config.json").write_text(json.dumps({"auths": {guard.host: {"auth": login}}}))
    for _ in range(2):
        output = attack.build(
            "cat seen-by-detect\n" + LOOK,
            detect=BY_DETECT,
            publish=f"{guard.host}/{attack.name}",
            env={"DOCKER_CONFIG": str(docker)},
        )
        assert "looked with build" in output
        assert "FOUND" not in output
        assert login not in output
    assert any(line.startswith("PUT") for line in guard.asked)


def test_no_buildpack_runs_where_the_analyzer_failed(
    attack: Attack, guard: GuardedRegistry
) -> None:
    # The detector has been started by then, and waits.
    output = attack.build(
        "",
        "--volume",
        evidence(attack),
        detect="echo ran >> /evidence/detect",
        publish=f"{guard.host}/{attack.name}",
        env={"DOCKER_CONFIG": str(attack.root / "no-login")},
        code=69,
    )
    assert "the registry refuses: HTTP status 401" in output
    assert not (attack.root / "evidence" / "detect").exists()


def test_what_build_code_left_running_sees_no_phase_with_a_login(attack: Attack) -> None:
    volume = evidence(attack)
    attack.build("", "--volume", volume)  # the second build exports beside nothing new
    attack.build(STAY, "--volume", volume)
    folder = attack.root / "evidence"
    beats = (folder / "beats").stat().st_size
    assert beats
    assert (folder / "seen").read_bytes() == b""
    assert not {*(folder / "answers").read_text().split()} - {"401", "000"}
    # It is over when the build is; nothing writes there any more.
    assert (folder / "beats").stat().st_size == beats


def test_forged_documents_change_nothing_of_the_image(attack: Attack) -> None:
    volume = evidence(attack)
    attack.build("", "--volume", volume)
    honest = attack.image()
    store = ImageStore(attack.home.images)
    found = store.resolve(attack.name)
    store.put_manifest("test-victim:latest", found.media_type, store.read_blob(found.digest))
    try:
        for options in ((), ("--clear-cache",)):
            attack.build(FORGE, "--volume", volume, *options)
            assert attack.image().digest == honest.digest
        assert store.resolve("test-victim:latest").digest == honest.digest
    finally:
        store.remove("test-victim:latest")
    assert not (attack.root / "evidence" / "helper").exists()


def test_another_apps_image_and_the_base_are_as_they_were(attack: Attack) -> None:
    store = ImageStore(attack.home.images)
    bases = [name for name in store.names() if name.startswith("cnbkit/run")]
    before = {name: store.resolve(name).digest for name in bases}
    assert before
    write = r"""
for method in PUT DELETE POST; do
    for path in /v2/cnbkit/run/manifests/BASE /v2/test-other/manifests/latest \
            /v2/cnbkit/run/blobs/uploads/; do
        curl -s -o /dev/null -w 'ANSWER %{http_code}\n' -X $method --data '{}' \
            "http://store.localhost:5095$path"
    done
done
""".replace("BASE", DEFAULT.name)
    output = attack.build(write)
    answers = {line for line in output.splitlines() if line.startswith("ANSWER")}
    assert answers <= {"ANSWER 401", "ANSWER 000"}
    assert {name: store.resolve(name).digest for name in before} == before
