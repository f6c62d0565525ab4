"""The lifecycle fixture: real builds of small apps with buildpacks made on the spot."""

from __future__ import annotations

import json
import urllib.error
from typing import TYPE_CHECKING

import pytest

from cnbkit_engine.testing import free_port

if TYPE_CHECKING:
    from pathlib import Path

    from cnbkit_engine.testing import LifecycleBuild

SERVER = """
import http.server, os, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/" else 404)
        self.end_headers()
        self.wfile.write(b"hello from " + os.environ["WHO"].encode())
print("starting", *sys.argv[1:], flush=True)
http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""

WEB = """
from cnbkit import *

class Key(LayerKey):
    greeting: str = key("BP_GREETING")

class Web(Buildpack):
    triggers = Triggers("server.py")
    plan = Plan().requires("greeting")

    def build(self, ctx):
        greeting = Key(greeting=ctx.settings.get("BP_GREETING", "nobody"))
        with ctx.layer(Layer.launch("greeting"), greeting) as layer:
            layer.env.launch.override("WHO", greeting.greeting)
            if layer.rebuild:
                sbom = layer.path.with_name("greeting.sbom.cdx.json")
                sbom.write_text('{"bomFormat": "CycloneDX"}')
        return BuildResult(
            Process(
                type="web", command=["python3", "server.py"], args=["by", "default"], default=True
            ),
            Process(type="fail", command=["sh", "-c", "echo going; exit 3"]),
            labels={"who": greeting.greeting},
        )
"""

SH = {
    "buildpack.toml": 'api = "0.10"\n[buildpack]\nid = "acme/greeting"\nversion = "1.0.0"\n',
    "bin/detect": "#!/bin/sh\necho looked for greeting.txt\n[ -f greeting.txt ] || exit 100\n"
    'printf \'[[provides]]\\nname = "greeting"\\n\' >"$CNB_BUILD_PLAN_PATH"\n',
    "bin/build": "#!/bin/sh\n[ ! -f broken ] || exit 7\n",
}
APP = {"server.py": SERVER, "greeting.txt": ""}


@pytest.fixture
def buildpacks(tmp_path: Path) -> list[Path]:
    """One in sh, and one written on cnbkit."""
    sh, web = tmp_path / "greeting", tmp_path / "web"
    for name, text in SH.items():
        path = sh / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)
    web.mkdir()
    (web / "buildpack.toml").write_text(
        'api = "0.12"\n[buildpack]\nid = "acme/web"\nversion = "1.0.0"\n'
        'sbom-formats = ["application/vnd.cyclonedx+json"]\n'
        '[metadata.cnbkit]\nentry = "acme_web:Web"\n'
    )
    (web / "acme_web.py").write_text(WEB)
    return [sh, web]


def test_an_image_is_built_inspected_run_and_asked(
    lifecycle_build: LifecycleBuild, buildpacks: list[Path], tmp_path: Path
) -> None:
    built = lifecycle_build.build(APP, buildpacks=buildpacks, env={"BP_GREETING": "Ada"})
    assert built.code == 0
    assert [each.id for each in built.image.buildpacks] == ["acme/greeting", "acme/web"]
    assert built.image.labels["who"] == "Ada"
    assert built.image.entrypoint == ("/cnb/process/web",)
    assert {process.type for process in built.image.processes} == {"web", "fail"}
    assert built.states["acme/web:greeting"] == "built"
    assert built.layers["acme/web:greeting"].startswith("sha256:")
    assert built.why["acme_web:greeting"] == "new"
    assert built.sbom()["acme_web/greeting/sbom.cdx.json"] == {"bomFormat": "CycloneDX"}

    port = free_port()
    with built.start(env={"PORT": str(port)}) as container:
        assert container.http_get(port) == "hello from Ada"
        assert container.wait_for_port(port) == ("127.0.0.1", port)
        with pytest.raises(urllib.error.HTTPError):
            container.http_get(port, "/missing")
        assert "starting by default" in container.wait_for_log("starting")
        assert container.shell("echo $WHO; ls; cat /proc/*/cmdline | tr '\\0' ' '").startswith(
            "Ada\ngreeting.txt\nserver.py\n"
        )
        assert "python3 server.py by default" in container.shell(
            "cat /proc/*/cmdline | tr '\\0' ' '"
        )
        assert container.shell("exit 4", code=4) == ""
        assert "GET / HTTP/1.1" in container.stop()
    assert container.wait() != 0

    assert built.run("fail", code=3) == "going\n"
    with pytest.raises(AssertionError, match="ended with 3 and not 0:\ngoing"):
        built.run("fail")
    (tmp_path / "shared").mkdir()
    with built.start(
        args=["or", "otherwise"],
        env={"PORT": str(free_port())},
        binds={tmp_path / "shared": "/mnt"},
    ) as container:
        container.wait_for_log("starting or otherwise")
        container.shell("echo text >/mnt/file")
    assert (tmp_path / "shared" / "file").read_text() == "text\n"
    assert built.shell("echo $WHO; pwd") == "Ada\n/workspace\n"


def test_a_rebuild_reuses_what_did_not_change(
    lifecycle_build: LifecycleBuild, buildpacks: list[Path]
) -> None:
    first = lifecycle_build.build(APP, buildpacks=buildpacks)
    second = first.rebuild(app={"server.py": SERVER + "\n"})
    assert (second.states["acme/web:greeting"], second.states["app"]) == ("reused", "built")
    assert second.layers["acme/web:greeting"] == first.layers["acme/web:greeting"]
    third = second.rebuild(env={"BP_GREETING": "Eve"})
    assert (third.states["acme/web:greeting"], third.states["app"]) == ("built", "reused")
    assert third.why["acme_web:greeting"] == "BP_GREETING changed from nobody to Eve"
    assert first.shell("echo $WHO") == "nobody\n"
    anew = third.rebuild(clear_cache=True)
    assert anew.why["acme_web:greeting"] == "new"


def test_a_failed_build_is_expected_by_its_exit_status(
    lifecycle_build: LifecycleBuild, buildpacks: list[Path]
) -> None:
    failed = lifecycle_build.build({**APP, "broken": ""}, buildpacks=buildpacks, code=51)
    assert failed.code == 51
    with pytest.raises(LookupError, match="there is no image"):
        _ = failed.image
    mended = failed.rebuild(app={"broken": None})
    assert mended.image.labels["who"] == "nobody"
    with pytest.raises(AssertionError, match="ended with 0 and not 51"):
        mended.rebuild(code=51)


def test_when_nobody_joins_the_log_has_what_each_detect_said(
    lifecycle_build: LifecycleBuild, buildpacks: list[Path]
) -> None:
    failed = lifecycle_build.build({"Gemfile": ""}, buildpacks=buildpacks, code=20)
    assert "looked for greeting.txt" in failed.log
    assert "fail: acme/greeting@1.0.0" in failed.log


def test_the_app_is_prepared_on_a_copy_and_the_order_can_be_given(
    lifecycle_build: LifecycleBuild, buildpacks: list[Path], tmp_path: Path
) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "server.py").write_text("print('from the folder')")
    built = lifecycle_build.build(
        source,
        buildpacks=buildpacks,
        order=[["acme/web"], ["acme/greeting?", "acme/web"]],
        prepare=lambda app: (app / "greeting.txt").touch(),
        default_process="fail",
    )
    assert [path.name for path in source.iterdir()] == ["server.py"]
    assert len(built.image.buildpacks) == 2
    assert built.run("web") == "from the folder\n"
    assert built.run(code=3) == "going\n"


def test_a_process_that_ends_too_early_is_not_waited_for(
    lifecycle_build: LifecycleBuild, buildpacks: list[Path]
) -> None:
    built = lifecycle_build.build(APP, buildpacks=buildpacks)
    with built.start("fail") as container:
        with pytest.raises(AssertionError, match=r"ended and never listened on port 1:\ngoing"):
            container.wait_for_port(1)
        assert container.wait() == 3
        assert container.logs() == "going\n"


def test_images_and_caches_are_gone_in_the_end(buildpacks: list[Path], tmp_path: Path) -> None:
    from cnbkit_engine.build.cache import app_cache
    from cnbkit_engine.oci.reference import Reference
    from cnbkit_engine.oci.store import ImageStore
    from cnbkit_engine.state.home import Home
    from cnbkit_engine.testing import EmbeddedEngine, LifecycleBuild

    home = Home.default()
    builds = LifecycleBuild(EmbeddedEngine(home), tmp_path / "builds")
    name = builds.build(APP, buildpacks=buildpacks).name
    assert any(name in each for each in ImageStore(home.images).names())
    builds.close()
    assert not any(name in each for each in ImageStore(home.images).names())
    assert not app_cache(home, Reference.parse(name)).exists()


def test_sboms_are_documents(lifecycle_build: LifecycleBuild, buildpacks: list[Path]) -> None:
    first = lifecycle_build.build(APP, buildpacks=buildpacks)
    again = first.rebuild()
    assert json.dumps(again.sbom()) == json.dumps(first.sbom())


SEES = """
import socket
from cnbkit import *

class Sees(Buildpack):
    def build(self, ctx):
        labels = {"binding": ctx.bindings.first("git").text("token") + "!"}
        labels["volume"] = open("/mnt/here/file").read()
        labels["exec-env"] = ctx.exec_env
        labels["interfaces"] = ",".join(sorted(name for _, name in socket.if_nameindex()))
        command = ["sh", "-c", "echo out; echo err >&2"]
        return BuildResult(Process(type="web", command=command, default=True), labels=labels)
"""


def test_a_build_is_given_bindings_volumes_exec_env_and_a_network(
    lifecycle_build: LifecycleBuild, tmp_path: Path
) -> None:
    folder = tmp_path / "sees"
    folder.mkdir()
    (folder / "buildpack.toml").write_text(
        'api = "0.12"\n[buildpack]\nid = "acme/sees"\nversion = "1.0.0"\n'
        '[metadata.cnbkit]\nentry = "sees:Sees"\n'
    )
    (folder / "sees.py").write_text(SEES)
    (tmp_path / "shown").mkdir()
    (tmp_path / "shown" / "file").write_text("shown")
    for path in (tmp_path / "shown", tmp_path / "shown" / "file"):
        path.chmod(0o755)
    built = lifecycle_build.build(
        {"a": ""},
        buildpacks=[folder],
        bindings={"login": {"type": "git", "token": "abc"}},
        volumes={tmp_path / "shown": "/mnt/here"},
        exec_env="test",
        network="none",
    )
    labels = built.image.labels
    assert (labels["binding"], labels["volume"]) == ("abc!", "shown")
    assert (labels["exec-env"], labels["interfaces"]) == ("test", "lo")
    assert built.detected == {"acme/sees": "join: always takes part"}
    with built.start(apart=True) as container:
        container.wait()
        assert (container.logs(), container.errors()) == ("out\n", "err\n")
    with built.start() as container, pytest.raises(LookupError, match="apart=True"):
        container.errors()
    # Another app, which finds the image and the cache of the first.
    other = lifecycle_build.build(
        {"b": ""},
        buildpacks=[folder],
        bindings={"login": {"type": "git", "token": "xyz"}},
        volumes={tmp_path / "shown": "/mnt/here"},
        previous=built,
    )
    assert (other.name, other.image.labels["binding"]) == (built.name, "xyz!")
    assert other.image.labels["exec-env"] == "production"
    assert "Reusing layer 'buildpacksio/lifecycle:process-types'" in other.log
