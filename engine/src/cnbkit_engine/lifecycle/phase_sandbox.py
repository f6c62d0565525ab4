"""The sandbox of each of the lifecycle's phases: what it needs, and nothing more.

| phase | runs others' code | credentials | network | may write |
|---|---|---|---|---|
| analyzer | no | store: own image; registry | yes | its `/layers` |
| detector | yes | none | of its own | app, its `/layers` |
| restorer | no | none; of a cache image the registry's | none; with those yes | cache, `/layers` |
| builder | yes | none | of its own | app, `/layers` |
| exporter | no | store: own image; registry | yes | cache, its `/layers` |

Each has process ids, /tmp and a home of its own; build code's home is no other phase's, because
the lifecycle looks there for a configuration of Docker, which can name programs to run.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cnbkit_engine.oci.proxies import proxy_variables
from cnbkit_engine.sandbox.certificates import BUNDLE, host_bundle
from cnbkit_engine.sandbox.sandbox import Bind, Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from cnbkit_engine.sandbox.view import NetworkNamespace

__all__ = ["EXTENDED", "PROXIES", "PhaseSandboxes", "proxies_with_passwords"]

PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")
"""Variables that name proxies. The contract hands them to buildpacks, passwords included."""

EXTENDED = "/extended"
"""Where the exporter finds what image extensions made of the run image."""

_TMP = "/tmp"  # noqa: S108


@dataclass(frozen=True)
class PhaseSandboxes:
    """Makes them.

    Args:
        scratch: see `Sandbox`.
        root: the build image as a folder.
        lifecycle: the folder with the lifecycle's programs.
        launcher: the program that images start with.
        builder: the folder with assembled buildpacks and their order.
        space: this build's own folder, with `workspace`, `platform`, `home`, `tmp`, and `run.toml`
            if the run image is to be recorded.
        cache: the lifecycle's cache folder.
        volumes: files and folders of the host to show to the buildpacks.
        store_host: the store's registry, with its port.
        store_address: where it listens.
        tls: whether another registry is spoken to.
        exec_env: what the image is for.
        network: whether the phases that run others' code have a network.
        namespace: theirs, if it is not the host's.
        created: seconds since 1970 that the image says it was made at; the lifecycle's if empty.
        extended_root: what image extensions made of the build image, for the builder.
        extended_env: the environment they gave it.
        extended_run: what they made of the run image, for the exporter.
        processes: how many the phases that run others' code may have at once; no limit if 0.
    """

    scratch: Path
    root: Path
    lifecycle: Path
    launcher: Path
    builder: Path
    space: Path
    cache: Path
    volumes: tuple[Bind, ...]
    store_host: str
    store_address: str
    tls: bool
    exec_env: str
    network: bool = True
    namespace: NetworkNamespace | None = None
    created: str = ""
    extended_root: Path | None = None
    extended_env: Mapping[str, str] = field(default_factory=dict)
    extended_run: Path | None = None
    processes: int = 0

    def analyzer(self, layers: Path, logins: Mapping[str, str]) -> Sandbox:
        """For the analyzer.

        Args:
            layers: its `/layers`.
            logins: Authorization header by registry host.
        """
        return self._trusted(layers, logins, ())

    def restorer(self, layers: Path, logins: Mapping[str, str] | None = None) -> Sandbox:
        """For the restorer, which asks no registry as long as it sees no run.toml.

        Args:
            layers: its `/layers`.
            logins: as for `analyzer`, where the cache is in a registry.
        """
        if logins is not None:
            return self._trusted(layers, logins, ())
        return self._sandbox(
            layers,
            [Bind(self.cache, "/cache", writable=True, given=True)],
            self._environment(),
            network=False,
        )

    def exporter(self, layers: Path, logins: Mapping[str, str]) -> Sandbox:
        """For the exporter; the arguments are `analyzer`'s."""
        binds = [
            Bind(self.launcher, "/cnb/lifecycle/launcher", given=True),
            Bind(self.space / "workspace", "/workspace", given=True),
            Bind(self.cache, "/cache", writable=True, given=True),
            # On disk, not in memory: the exporter writes each layer there as a tar.
            Bind(self.space / "exporter-tmp", _TMP, writable=True, given=True),
        ]
        if self.extended_run:
            binds.append(Bind(self.extended_run, EXTENDED, given=True))
        return self._trusted(layers, logins, tuple(binds))

    def buildpacks(self, layers: Path) -> Sandbox:
        """For the detector and the builder, which run others' code."""
        binds = [
            Bind(self.builder / "buildpacks", "/cnb/buildpacks", given=True),
            Bind(self.builder / "order.toml", "/cnb/order.toml", given=True),
            *self._system(),
            Bind(self.builder / "build-config", "/cnb/build-config", given=True),
            Bind(self.space / "workspace", "/workspace", writable=True, given=True),
            Bind(self.space / "platform", "/platform", given=True),
            Bind(self.space / "home", "/home/cnb", writable=True, given=True),
            Bind(self.space / "tmp", _TMP, writable=True, given=True),
            *self._bundle(),
            *self.volumes,
        ]
        if self.has_extensions:
            binds.append(Bind(self.builder / "extensions", "/cnb/extensions", given=True))
        env = {name: os.environ[name] for name in PROXIES if name in os.environ}
        return self._sandbox(
            layers,
            binds,
            self._environment() | env | dict(self.extended_env),
            network=self.network,
            cwd="/workspace",
            namespace=self.namespace,
            root=self.extended_root,
            processes=self.processes,
        )

    @property
    def has_extensions(self) -> bool:
        """Whether the builder has image extensions."""
        return (self.builder / "extensions").is_dir()

    def _trusted(self, layers: Path, logins: Mapping[str, str], binds: tuple[Bind, ...]) -> Sandbox:
        env = self._environment()
        if self.tls:
            del env["SSL_CERT_FILE"]
            # The store is this machine's: no proxy reaches it.
            env |= proxy_variables(self.store_host.partition(":")[0])
        if self.created:
            env["SOURCE_DATE_EPOCH"] = self.created
        env["CNB_REGISTRY_AUTH"] = json.dumps(dict(logins))
        run = self.space / "run.toml"
        shown = [*binds, *self._bundle()]
        shown += [Bind(run, "/cnb/run.toml", given=True)] if run.exists() else []
        return self._sandbox(layers, shown, env, network=True)

    def _sandbox(
        self,
        layers: Path,
        binds: list[Bind],
        env: dict[str, str],
        *,
        network: bool,
        cwd: str = "/",
        namespace: NetworkNamespace | None = None,
        root: Path | None = None,
        processes: int = 0,
    ) -> Sandbox:
        name = self.store_host.partition(":")[0]
        return Sandbox(
            self.scratch,
            root=root or self.root,
            binds=(
                Bind(self.lifecycle, "/cnb/lifecycle", given=True),
                Bind(layers, "/layers", writable=True, given=True),
                *binds,
            ),
            env=env,
            cwd=cwd,
            network=network,
            namespace=namespace,
            hosts={name: self.store_address},
            processes=processes,
        )

    def _environment(self) -> dict[str, str]:
        env = {
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": "/home/cnb",
            "CNB_PLATFORM_API": "0.15",
            # Asking cloud providers' metadata services takes seconds where there are none.
            "CNB_REGISTRY_AUTH_KEYCHAIN_SKIP_AMAZON": "true",
            "CNB_REGISTRY_AUTH_KEYCHAIN_SKIP_AZURE": "true",
            # The lifecycle, written in Go, reads every certificate it can find when it starts, for
            # 20 ms in each phase. The store speaks no TLS, and most phases speak to nobody. Neither
            # variable is passed on to buildpacks.
            "SSL_CERT_DIR": "/nonexistent",
            "SSL_CERT_FILE": "/dev/null",
        }
        if self.exec_env:
            env["CNB_EXEC_ENV"] = self.exec_env
        return env

    def _system(self) -> Iterator[Bind]:
        """What runs before and after every group, whichever an app chooses."""
        system = self.builder / "system.toml"
        if system.exists():
            yield Bind(system, "/cnb/system.toml", given=True)

    def _bundle(self) -> Iterator[Bind]:
        if bundle := host_bundle():
            yield Bind(bundle.resolve(), BUNDLE)


def proxies_with_passwords(environment: Mapping[str, str] = os.environ) -> list[str]:
    """Names of proxy variables whose password a build's code will know."""
    found = []
    for name in PROXIES:
        login = environment.get(name, "").rpartition("@")[0].rpartition("/")[2]
        if login.partition(":")[2]:
            found.append(name)
    return found
