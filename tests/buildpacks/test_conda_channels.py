"""Where conda's packages come from: channels, mirrors, logins, certificates."""

from __future__ import annotations

import json
import shutil
import ssl
from typing import TYPE_CHECKING

import pytest

from cnbkit_conda import Conda

from ..authority import Authority
from ..e2e.channel import SUBDIR, Server
from .conda_channel import channels, environment, fault, files, packages

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from cnbkit.testing import BuildpackRun

__all__ = ["channels"]


def test_packages_that_do_not_exist_or_do_not_fit(
    buildpack_run: BuildpackRun, channels: Path
) -> None:
    first = buildpack_run(Conda, app=environment(channels, "tool"))
    shown = fault(first.rebuild(app=environment(channels, "pythn", "tool", "neddy")))
    assert "environment.yml:3: no channel has a package pythn; did you mean python?" in shown
    assert "environment.yml:5: no channel has a package neddy; did you mean needy?" in shown
    shown = fault(first.rebuild(app=environment(channels, "python", "needy", "hello <2")))
    assert "where: environment.yml:4, environment.yml:5\n" in shown
    assert "└─ hello" in shown  # the solver's own tree
    assert "hello >=2" in shown
    assert "to do: write `hello`, without a version, in environment.yml:5\n" in shown
    shown = fault(first.rebuild(app=environment(channels, "tool >=5")))
    assert "tool is there as 1.0" in shown
    assert "to do: write `tool=1.0` in environment.yml:3\n" in shown
    # Nothing is lost by a build that failed.
    assert first.rebuild().layer("environment").state == "reuse"


def test_channels_that_cannot_be_asked(
    buildpack_run: BuildpackRun, channels: Path, tmp_path: Path
) -> None:
    def said(place: str) -> str:
        return fault(buildpack_run(Conda, app=environment(channels, "tool", of=place)))

    assert "Error: http://127.0.0.1:1/x cannot be reached" in said("http://127.0.0.1:1/x")
    assert "Error: file:///nowhere: it is not there" in said("file:///nowhere")
    with Server(channels, "me:secret-words") as server:
        assert "wants a login" in said(f"{server.url}/conda-forge")
        shown = said(f"http://me:wrong-words@{server.host}/conda-forge")
        assert "refuses the login" in shown
        assert "wrong-words" not in shown
    copy = tmp_path / "copy"
    shutil.copytree(channels / "conda-forge", copy)
    package = copy / SUBDIR / "tool-1.0-0.conda"
    package.write_bytes(package.read_bytes()[:-100] + b"x" * 100)
    with Server(tmp_path) as server:
        shown = said(f"{server.url}/copy")
        assert "is not the file it should be" in shown
        assert "where: tool-1.0-0.conda\n" in shown
        package.unlink()
        assert "a package is gone from it" in said(f"{server.url}/copy")
        assert "conda-frge: it is not there" in said(f"{server.url}/conda-frge")
    # Damaged, and nobody noted its checksum.
    pure = copy / "noarch" / "hello-1.0-pyhd8ed1ab_0.tar.bz2"
    package = copy / SUBDIR / "vision-1.0-cpu_0.conda"
    real = package.read_bytes()
    for path, data in (
        (package, b""),
        (package, b"PK\3\4 cut off"),
        (package, real[: len(real) // 2]),
        (package, real.replace(b"\x28\xb5\x2f\xfd", b"nope")),
        (pure, pure.read_bytes()[:-100]),
        (pure, b"BZh9no"),
    ):
        path.write_bytes(data)
        listed = {"explicit.txt": f"@EXPLICIT\n{path.as_uri()}\n"}
        shown = fault(buildpack_run(Conda, app=listed))
        assert f"a package is damaged or cut short\n  where: {path.name}\n" in shown


# -- channels ----------------------------------------------------------------------------------


def test_the_first_channel_that_has_a_package_is_the_one(
    buildpack_run: BuildpackRun, channels: Path
) -> None:
    both = [(channels / name).as_uri() for name in ("conda-forge", "other")]
    text = f"channels: {json.dumps(both)}\ndependencies: [tool, rare]\n"
    result = buildpack_run(Conda, app={"environment.yml": text})
    assert packages(result) == {"tool": "1.0", "rare": "1.0"}
    swapped = f"channels: {json.dumps(both[::-1])}\ndependencies: [tool]\n"
    assert packages(buildpack_run(Conda, app={"environment.yml": swapped})) == {"tool": "9.0"}
    named = f"channels: [{both[0]}]\ndependencies: ['{both[1]}::tool']\n"
    assert packages(buildpack_run(Conda, app={"environment.yml": named})) == {"tool": "9.0"}


def test_a_mirror_changes_where_packages_come_from_and_nothing_else(
    buildpack_run: BuildpackRun, channels: Path
) -> None:
    app = {"environment.yml": "channels: [conda-forge]\ndependencies: ['conda-forge::tool']\n"}
    with Server(channels, "me:secret-words") as server:
        mirror = f"http://me:secret-words@{server.host}"
        first = buildpack_run(Conda, app=app, env={"BP_CONDA_MIRROR": mirror})
        assert packages(first) == {"tool": "1.0"}
        one = {"BP_CONDA_MIRROR": f"conda-forge:{mirror}/conda-forge"}
        assert first.rebuild(env=one).layer("environment").state == "reuse"
        anew = first.rebuild(env=one, image=False, cache=False)
    assert files(anew.layers_dir / "environment") == files(first.layer("environment").path)
    for path in anew.layers_dir.rglob("*"):
        if path.is_file() and ".scratch" not in path.parts:
            assert b"127.0.0.1" not in path.read_bytes(), path
    assert "secret-words" not in first.log + anew.log
    shown = fault(buildpack_run(Conda, app=app, env={"BP_CONDA_MIRROR": "mirror"}))
    assert "'mirror' is not an address of a mirror" in shown


def test_a_condarc_says_where_channels_are_and_who_asks(
    buildpack_run: BuildpackRun, channels: Path, tmp_path: Path
) -> None:
    private = tmp_path / "served" / "t" / "tk-0123456789" / "lab"
    shutil.copytree(channels / "other", private)
    with Server(tmp_path / "served") as hidden, Server(channels, "me:secret-words") as server:
        condarc = (
            f"channels: [conda-forge]\nchannel_alias: http://me:secret-words@{server.host}\n"
            f"custom_channels:\n  lab: {hidden.url}/t/tk-0123456789\n"
            f"default_channels: [{hidden.url}/t/tk-0123456789/lab]\nchangeps1: false\n"
        )
        bindings = {"company": {"type": "conda", ".condarc": condarc}}
        text = "dependencies: [tool, 'lab::rare']\n"
        result = buildpack_run(Conda, app={"environment.yml": text}, bindings=bindings)
        assert packages(result) == {"tool": "1.0", "rare": "1.0"}
        meta = result.layer("environment").path / "conda/conda-meta/rare-1.0-0.json"
        assert json.loads(meta.read_text())["channel"] == f"{hidden.url}/lab/"
        defaults = {"environment.yml": "channels: [defaults]\ndependencies: [rare]\n"}
        assert packages(buildpack_run(Conda, app=defaults, bindings=bindings)) == {"rare": "1.0"}
    for path in result.layers_dir.rglob("*"):
        if path.is_file() and ".scratch" not in path.parts:
            assert b"secret-words" not in path.read_bytes(), path
            assert b"tk-0123456789" not in path.read_bytes(), path
    assert "secret-words" not in result.log
    assert "tk-0123456789" not in result.log
    assert "Of .condarc not used: changeps1" in result.log
    broken = {"company": {"type": "conda", ".condarc": "channels: {a: b}\n"}}
    shown = fault(buildpack_run(Conda, app={"environment.yml": text}, bindings=broken))
    assert ".condarc of the binding company: channels is a mapping, not a list" in shown


def test_a_faulty_netrc(buildpack_run: BuildpackRun, channels: Path) -> None:
    bindings = {"logins": {"type": "netrc", ".netrc": "machine x\npasswort secret-words"}}
    result = buildpack_run(Conda, app=environment(channels, "tool"), bindings=bindings)
    assert "the netrc of the binding logins has a fault near line 2" in fault(result)
    assert "secret-words" not in result.log


@pytest.mark.parametrize("kind", ["entries", "netrc", "variables"])
def test_logins_come_in_several_ways(
    buildpack_run: BuildpackRun, channels: Path, kind: str
) -> None:
    with Server(channels, "me:secret-words") as server:
        place = f"{server.url}/conda-forge"
        entries = {"url": place, "username": "me", "password": "secret-words"}
        netrc = "machine 127.0.0.1\nlogin me\npassword secret-words"
        bindings: dict[str, Mapping[str, str]] = {
            "entries": {"type": "conda", **entries},
            "netrc": {"type": "netrc", ".netrc": netrc},
            "variables": {"type": "none"},
        }
        if kind == "variables":
            place = f"http://${{WHO}}:${{WORD}}@{server.host}/conda-forge"
        app = environment(channels, "tool", of=place)
        env = {"WHO": "me", "WORD": "secret-words"}
        result = buildpack_run(Conda, app=app, bindings={"one": bindings[kind]}, env=env)
    assert packages(result) == {"tool": "1.0"}
    assert "secret-words" not in result.log


def test_certificates_are_verified_with_what_the_build_trusts(
    buildpack_run: BuildpackRun, channels: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    authority = Authority()
    certificate, key = authority.issue()
    (tmp_path / "chain.pem").write_text(certificate + key)
    (tmp_path / "ca.pem").write_text(authority.certificate)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "chain.pem")
    with Server(channels, "me:secret-words", context) as server:
        place = f"https://me:secret-words@{server.host}/conda-forge"
        app = environment(channels, "tool", of=place)
        assert "cannot be reached" in fault(buildpack_run(Conda, app=app))
        trusted = buildpack_run(Conda, app=app, env={"SSL_CERT_FILE": str(tmp_path / "ca.pem")})
        assert packages(trusted) == {"tool": "1.0"}
        monkeypatch.delenv("SSL_CERT_FILE", raising=False)
        bindings = {"company": {"type": "conda", ".condarc": "ssl_verify: false\n"}}
        unverified = buildpack_run(Conda, app=app, bindings=bindings)
        assert packages(unverified) == {"tool": "1.0"}
        assert "Warning: certificates of channels are not verified" in unverified.log


def test_packages_in_the_app_are_a_channel_of_their_own(
    buildpack_run: BuildpackRun, channels: Path
) -> None:
    package = (channels / "conda-forge" / SUBDIR / "tool-1.0-0.conda").read_bytes()
    app: dict[str, str | bytes] = {
        "environment.yml": "channels: [conda-forge]\ndependencies: [tool]\n",
        f"vendor/{SUBDIR}/tool-1.0-0.conda": package,
    }
    result = buildpack_run(Conda, app=app)
    assert packages(result) == {"tool": "1.0"}
    assert not list(result.app.rglob("repodata*"))
    assert result.rebuild().layer("environment").state == "reuse"


def test_defaults_are_left_out_with_a_word(buildpack_run: BuildpackRun, channels: Path) -> None:
    place = (channels / "conda-forge").as_uri()
    text = f"channels: ['{place}', defaults, nodefaults]\ndependencies: [tool]\n"
    result = buildpack_run(Conda, app={"environment.yml": text})
    assert packages(result) == {"tool": "1.0"}
    assert "Warning: the channel defaults is left out" in result.log


# -- locks -------------------------------------------------------------------------------------
