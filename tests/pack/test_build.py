"""Builds through pack and a Docker engine; the same test through the sandbox.

All images go to a registry here (`--publish`); test_engine.py has one that goes into the engine.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from cnbkit_engine.base.suites import DEFAULT
from cnbkit_engine.build.rebase import Rebase
from cnbkit_engine.oci.image import Image
from cnbkit_engine.oci.layer import Entry
from cnbkit_engine.oci.layout import Layout
from cnbkit_engine.oci.store import ImageStore, UnknownImage
from cnbkit_engine.state.home import Home
from cnbkit_engine.testing import LifecycleBuild, free_port
from cnbkit_engine.testing.pack import PackEngine

from .conftest import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cnbkit_engine.testing import BuiltApp
    from cnbkit_engine.testing.pack_services import PackServices

# Answers with a word, and with what it was started with.
SERVER = """\
import http.server, os, six
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(f"WORD six {six.__version__} {os.environ.get('GREETING', '-')}".encode())
http.server.HTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""
APP = {"app.py": SERVER.replace("WORD", "first"), "requirements.txt": "six==1.17.0\n"}


@pytest.mark.parametrize("engine", ["sandbox", "pack"])
def test_an_app_is_built_rebuilt_answers_and_is_rebased(
    engine: str, builder: Path, request: pytest.FixtureRequest
) -> None:
    fixture = {"sandbox": "lifecycle_build", "pack": "pack_build"}[engine]
    build: LifecycleBuild = request.getfixturevalue(fixture)
    first = build.build(APP, builder=builder)
    assert {"cnbkit/pip:site", "app"} <= {name for name, x in first.states.items() if x == "built"}
    assert first.image.user == "1000:1000"
    # The lifecycle's programs have bills of materials as its release has, so nobody is warned.
    assert "Did not find SBOM" not in first.log
    launcher = first.sbom()["buildpacksio_lifecycle/launcher/sbom.cdx.json"]
    assert launcher["metadata"]["component"]["name"] == "launcher"
    assert any(place.startswith("cnbkit_pip/") for place in first.sbom())

    second = first.rebuild(app={"app.py": SERVER.replace("WORD", "second")})
    moved = {name for name in second.layers if second.layers[name] != first.layers.get(name)}
    assert moved == {"app"}, second.log
    assert second.states["cnbkit/pip:site"] == "reused"

    port = free_port()
    with second.start(env={"PORT": str(port), "GREETING": "hello"}) as container:
        assert container.http_get(port) == "second six 1.17.0 hello"
        assert container.shell("python3 -c 'import six; print(six.__version__)'") == "1.17.0\n"

    if engine == "sandbox":
        _rebase_in_the_store(second, request.getfixturevalue("tmp_path"))
    else:
        services: PackServices = request.getfixturevalue("pack_services")
        derive: Callable[..., str] = request.getfixturevalue("derive")
        packs = PackEngine(services)
        reference = packs.reference(second.name)
        folder: Path = request.getfixturevalue("tmp_path") / "sbom"
        services.pack("sbom", "download", reference, "--remote", "--output-dir", str(folder))
        launch = folder / "layers" / "sbom" / "launch"
        found = {path.relative_to(launch).as_posix() for path in launch.rglob("*.json")}
        assert found == set(second.sbom())

        # A security update of the run image: nothing is built, no layer of the app moves.
        patch = Entry("/etc/patched", b"CVE-1\n", mode=0o644)
        patched = derive(services.run_image, "run:patched", [patch])
        services.pack("rebase", reference, "--publish", "--run-image", patched, "--force")
        after = packs.fetched(second.name)
        assert after.base == patched
        assert len([layer for layer in after.layers if layer.kind == "base"]) == 2
        own = [layer.diff_id for layer in second.image.layers if layer.kind != "base"]
        assert [layer.diff_id for layer in after.layers if layer.kind != "base"] == own


def _rebase_in_the_store(built: BuiltApp, folder: Path) -> None:
    home = Home.default()
    store = ImageStore(home.images)
    run = Image.from_store(store, f"cnbkit/run:{DEFAULT.name}")
    layout = Layout(folder / "patched")
    layer = layout.layer([Entry("/etc/patched", b"CVE-1\n", mode=0o644)])
    manifest = layout.image(run.config, [layer], list(run.manifest["layers"]))
    for blob in (layout.path / "blobs" / "sha256").iterdir():
        store.put_blob(blob.read_bytes())
    patched = f"{built.name}-run"
    data = (layout.path / "blobs" / "sha256" / manifest["digest"][7:]).read_bytes()
    store.put_manifest(patched, manifest["mediaType"], data)
    try:
        with pytest.raises(UnknownImage):
            Rebase(f"{built.name}-none").run(home)
        digest = Rebase(built.name, run_image=patched, force=True).run(home)
        after = Image.from_store(store, built.name)
        assert after.digest == digest
        assert after.digest != built.image.digest
        own = [each.diff_id for each in built.image.layers if each.kind != "base"]
        assert [each.diff_id for each in after.layers if each.kind != "base"] == own
        assert layer.diff_id in [each.diff_id for each in after.layers if each.kind == "base"]
    finally:
        store.remove(patched)


def test_an_untrusted_builder_a_binding_and_a_buildpack_by_others(
    pack_services: PackServices, build_image: str, tmp_path: Path
) -> None:
    binding = tmp_path / "binding"
    binding.mkdir()
    for name, text in (("type", "api"), ("token", "s3cret-token")):
        (binding / name).write_text(text)
    other = tmp_path / "other"
    (other / "bin").mkdir(parents=True)
    (other / "buildpack.toml").write_text(
        'api = "0.10"\n[buildpack]\nid = "others/bindings"\nversion = "1.0.0"\n'
        '[[targets]]\nos = "linux"\n'
    )
    (other / "bin" / "detect").write_text("#!/bin/sh\n[ -e app.py ] || exit 100\n")
    (other / "bin" / "build").write_text(
        "#!/bin/sh\nset -e\n"
        'echo "binding: $(cat "$CNB_PLATFORM_DIR"/bindings/mine/type), $BP_ASKED, uid $(id -u)"\n'
        'mkdir -p "$CNB_LAYERS_DIR/env/env.launch"\n'
        'printf world >"$CNB_LAYERS_DIR/env/env.launch/GREETING.override"\n'
        'printf "[types]\\nlaunch = true\\n" >"$CNB_LAYERS_DIR/env.toml"\n'
    )
    for program in (other / "bin").iterdir():
        program.chmod(0o755)
    builder = tmp_path / "builder.toml"
    builder.write_text(
        f'[build]\nimage = "{build_image}"\n[[buildpacks]]\nuri = "other"\n'
        f'[[buildpacks]]\nuri = "{ROOT / "buildpacks" / "start"}"\n'
        '[[order]]\n[[order.group]]\nid = "others/bindings"\n[[order.group]]\nid = "cnbkit/start"\n'
    )
    engine = PackEngine(
        pack_services, ["--volume", f"{binding}:/platform/bindings/mine:ro"], trusted=False
    )
    builds = LifecycleBuild(engine, tmp_path / "builds")
    built = builds.build(
        {"app.py": "import os; print('hello', os.environ['GREETING'])\n"},
        builder=builder,
        env={"BP_ASKED": "a=b=c d"},
    )
    # Each phase runs in a container of its own and says so.
    assert "[builder]" in built.log
    assert "[exporter]" in built.log
    assert "binding: api, a=b=c d, uid 1000" in built.log
    assert "s3cret-token" not in built.log + json.dumps(built.image.config)
    assert built.run() == "hello world\n"

    failed = built.rebuild(app={"app.py": None, "main.go": ""}, code=20)
    assert "No buildpack groups passed detection" in failed.log
