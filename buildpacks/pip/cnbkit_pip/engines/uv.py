"""uv as the engine: it resolves, completes locks and installs."""

from __future__ import annotations

import os
from contextlib import nullcontext
from typing import Any

from cnbkit import BuildContext, CommandFailed
from cnbkit_indexes.sources import Sources
from cnbkit_limits import Limits
from cnbkit_logins.git_environment import GitLogins
from cnbkit_pip.diagnosis.diagnose import explained, explained_install
from cnbkit_pip.diagnosis.unresolved import Uncompiled
from cnbkit_pip.engines.engine import Engine, Wanted
from cnbkit_pip.engines.file_options import FileOptions
from cnbkit_pip.engines.isolation import Beside, Unisolated
from cnbkit_pip.engines.matched import Matched
from cnbkit_pip.engines.patience import fetched, patient, uv_cache
from cnbkit_pip.engines.torch_index import TorchIndex
from cnbkit_pip.engines.uv_config import config_for_this_uv
from cnbkit_pip.engines.uv_leftovers import forget_pages, remove_leftovers
from cnbkit_pip.engines.uv_variables import login_variables, only_index, uv_arguments, uv_variables
from cnbkit_pip.provided import Provided
from cnbkit_pip.resolution.pins import Pins, pinned, with_files
from cnbkit_python_inputs.interpreter import Interpreter
from cnbkit_python_inputs.lock import read_entries
from cnbkit_python_inputs.package import Package

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cnbkit_logins.address import Login

__all__ = ["Uv"]

_SYSTEM_BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
_COMPILES = "uv asks indexes, and compiles what it has to know"
_LOCK_OPTIONS = ("--quiet", "--no-header", "--no-annotate", "--format", "pylock.toml")


class Uv(Engine):
    """Runs `uv pip …`, with the same settings everywhere.

    Args:
        ctx: the build.
        python: the interpreter packages are for.
        sources: where packages come from.
        indexes: addresses that files of the app name besides.
        options: what requirements files say besides.
        variables: for build back ends.
        unisolated: packages that are built beside the others.
        limits: what a call may take.
    """

    def __init__(
        self,
        ctx: BuildContext,
        python: Interpreter,
        sources: Sources,
        indexes: Sequence[str] = (),
        options: FileOptions | None = None,
        variables: Mapping[str, str] | None = None,
        unisolated: Unisolated | None = None,
        *,
        limits: Limits | None = None,
    ) -> None:
        self._beside = Beside(
            ctx, python, unisolated or Unisolated(), self._install_locked, self.ask
        )
        self._limits = limits or Limits("BP_PIP_SIZE_LIMIT")
        self._options = options or FileOptions({})
        self._ctx = ctx
        self._python = python
        self._sources = sources
        self._indexes = list(indexes)
        self._matched = Matched(ctx)
        self._provided = Provided.of(ctx)
        self._git = GitLogins(ctx.env)
        self._environment = {
            # On the layers' file system, so that wheels are linked and not copied.
            "UV_CACHE_DIR": uv_cache(ctx),
            "UV_LINK_MODE": "hardlink",
            "UV_PYTHON_DOWNLOADS": "never",
            "UV_SYSTEM_CERTS": "true",
            "UV_NO_PROGRESS": "true",
            **(variables or {}),
        }
        if os.path.exists(_SYSTEM_BUNDLE) and "SSL_CERT_FILE" not in ctx.env:
            self._environment["SSL_CERT_FILE"] = _SYSTEM_BUNDLE
        if config := config_for_this_uv(ctx):
            self._environment["UV_CONFIG_FILE"] = config

        forget_pages(self._environment["UV_CACHE_DIR"])

    def lock(self, wanted: Wanted, path: str, renewed: Sequence[str] = ()) -> None:
        """`uv pip compile`."""
        bound = TorchIndex(self._ctx, wanted, uv_variables(self._sources))
        env, asked = bound.env, [*bound.arguments]
        self._git.add(wanted.logins)
        for name in renewed:
            asked += ["--upgrade-package", name]
        if self._options.has("prefer-binary"):
            # uv knows no such preference: wheels alone, if there is a solution with them.
            try:
                self._compile(*asked, "--only-binary", ":all:", path=path, env=env)
            except CommandFailed:
                self._ctx.log.info("--prefer-binary: wheels alone have no solution")
            else:
                return

        def attempt(path: str, *more: str, **variables: str) -> None:
            try:
                self._compile(*asked, *more, path=path, env={**env, **variables})
            except CommandFailed as failed:
                raise explained(failed, wanted, self._sources) from None

        try:
            attempt(path)
        except Uncompiled as fault:
            if not self._beside.unisolated.has(fault.name):
                raise
            self._beside.resolve(fault, attempt)
            attempt(path)

    def compile(
        self,
        *arguments: str,
        where: Wanted,
        path: str,
        indexes: Mapping[str, str] | None = None,
        only: str = "",
    ) -> None:
        """`uv pip compile` of other files than what the user wrote.

        Args:
            arguments: files and options.
            where: what errors are about.
            path: of the pylock.toml to write.
            indexes: name → address of indexes that these files name.
            only: an index to ask in place of all others.

        Raises:
            UserFault: there is no solution.
            PlatformFault: an index cannot be reached.
        """
        env = uv_variables(self._sources)
        for name, url in (indexes or {}).items():
            env.update(login_variables(name, self._sources.credentials_for(url)))
            # Known to have the files; asked for nothing else when these are installed.
            if self._sources.credentials_for(url) and url not in self._indexes:
                self._indexes.append(url)
        if only:
            env.update(only_index(self._sources, only))
        try:
            self._compile(*arguments, path=path, env=env)
        except CommandFailed as failed:
            raise explained(failed, where, self._sources) from None

    def ask(self, lines: str, *options: str) -> tuple[list[dict[str, Any]], str]:
        """What uv makes of lines of requirements that nobody wrote: to find out what is wrong.

        Returns:
            The packages, or none and all that uv says; relative paths are from the app.
        """
        listed, lock = self._asked(lines, options)
        more = (*options, *_LOCK_OPTIONS, "--output-file", lock)
        try:
            self._pip("compile", listed, *more, env=uv_variables(self._sources))
        except CommandFailed as failed:
            return [], failed.output
        return read_entries(lock, "what was asked")["packages"], ""

    def warnings(self, lines: str) -> str:
        """What uv warns of while it resolves lines that have a solution; empty if they have none.

        Who resolves the user's own has it quiet: a fault is to be the first that is said.
        """
        listed, lock = self._asked(lines, ("warnings",))
        loud = [each for each in _LOCK_OPTIONS if each != "--quiet"]
        more = (*loud, "--output-file", lock)
        try:
            return self._pip("compile", listed, *more, env=uv_variables(self._sources))
        except CommandFailed:
            return ""

    def _asked(self, lines: str, options: Sequence[str]) -> tuple[str, str]:
        """A file with lines of requirements, and one for their lock."""
        import hashlib

        key = hashlib.sha256("\0".join((lines, *options)).encode()).hexdigest()[:24]
        folder = f"{self._ctx.scratch}/asked"
        os.makedirs(folder, exist_ok=True)
        listed, lock = f"{folder}/{key}.txt", f"{folder}/pylock.{key}.toml"
        with open(listed, "w", encoding="utf-8") as file:
            file.write(self._git.taken_from(lines))
        return listed, lock

    def complete(
        self, document: dict[str, Any], where: str, wanted: Wanted | None = None
    ) -> dict[str, Any]:
        """Ask the indexes for the files of packages of which only name and hashes are known."""
        found: dict[str, dict[str, Any]] = {}
        for number, pins in enumerate(pinned(document)):
            lines = f"{self._ctx.scratch}/pins-{number}.txt"
            with open(lines, "w", encoding="utf-8") as file:
                file.write(pins.requirements())
            lock = f"{self._ctx.scratch}/pylock.pins-{number}.toml"
            env = uv_variables(self._sources)
            if pins.index:
                env.update(only_index(self._sources, pins.index))
            options = (*_LOCK_OPTIONS, "--no-deps", "--output-file", lock)
            try:
                self._pip("compile", lines, *options, env=env)
            except CommandFailed as failed:
                raise explained(failed, wanted or Pins.named(where), self._sources) from None
            entries = read_entries(lock, where)["packages"]
            found.update({str(entry["name"]): entry for entry in entries})
        named = (str(entry["index"]) for entry in document["packages"] if "index" in entry)
        self._indexes += [index for index in named if index not in self._indexes]
        return with_files(document, found, where)

    def log_in(self, logins: Mapping[str, Login]) -> None:
        """Git gets them by its environment."""
        self._git.add(logins)

    def install_for(self, python: Interpreter) -> None:
        """Programs that are installed begin with this interpreter's path."""
        self._python = python

    def choose(self, packages: Sequence[Package]) -> None:
        """Some may be built beside the others."""
        self._beside.chosen = list(packages)

    def install(self, packages: list[Package], prefix: str) -> None:
        """`uv pip install --no-deps`: the lock has the hash of every file, and uv checks it."""
        self._beside.prepare(packages)
        self._install_locked(packages, prefix)

    def _install_locked(self, packages: list[Package], prefix: str, python: str = "") -> None:
        import tomli_w

        options = ("--quiet", "--no-deps", "--prefix", prefix)
        layer = os.path.basename(os.path.dirname(prefix))
        lock = f"{self._ctx.scratch}/pylock.{layer}.toml"
        document = {
            "lock-version": "1.0",
            "created-by": "cnbkit",
            "packages": [self._git.taken_from_entry(package.entry) for package in packages],
        }
        with open(lock, "wb") as file:
            tomli_w.dump(document, file)
        try:
            matched = self._matched.arguments(packages, self._beside.chosen)
            self._install(*options, "-r", lock, *matched, python=python)
        except CommandFailed as failed:
            names = [each.name for each in packages]
            raise explained_install(failed, names, self._sources) from None
        remove_leftovers(prefix)

    def install_folder(self, directory: str, prefix: str, *, editable: bool) -> None:
        """`uv pip install`, with `--editable` where its code is to stay where it is."""
        mode = ("--editable",) if editable else ()
        options = ("--quiet", "--no-deps", "--prefix", prefix, *mode)
        try:
            self._install(*options, directory)
        except CommandFailed as failed:
            names = [os.path.basename(directory)]
            raise explained_install(failed, names, self._sources) from None
        remove_leftovers(prefix)

    def _install(self, *arguments: str, python: str = "") -> None:
        # A lock has addresses of files, not of indexes; the logins are known by these.
        env = uv_variables(self._sources, self._indexes)
        # Programs that are installed begin with this interpreter's path.
        self._pip("install", *arguments, env=env, python=python or self._python.path)

    def _compile(self, *arguments: str, path: str, env: dict[str, str]) -> None:
        """Resolve into a lock of what is not there already."""
        given = env.get("UV_FIND_LINKS") or self._ctx.env.get("UV_FIND_LINKS", "")
        env.update(self._provided.links(given))
        self._provided.prefer(path)
        self._pip("compile", *arguments, *_LOCK_OPTIONS, "--output-file", path, env=env)
        for line in self._provided.leave_out(path):
            self._ctx.log.info(line)

    def _pip(self, command: str, *arguments: str, env: dict[str, str], python: str = "") -> str:
        """Run it; what it says besides its answer comes back."""
        program = str(self._ctx.buildpack_dir / "lib/bin/uv")
        said = uv_arguments(self._sources, self._options, command)
        said += self._beside.unisolated.arguments()
        # uv takes the option once: a question about another Python has its own.
        about = "" if "--python-version" in arguments else self._python.stands_for
        if about and command == "compile":
            said += ["--python-version", about]
        say, cache = self._ctx.log.info, self._environment["UV_CACHE_DIR"]

        def so_far() -> str:
            return fetched(cache)

        # While layers are filled, who fills them says so, once for all that run beside each other.
        silent = nullcontext() if command == "install" else patient(say, _COMPILES, so_far=so_far)
        said += ["--python", python or self._beside.program]
        argv: tuple[str, ...] = (program, "pip", command, *arguments, *said)
        if command == "compile":
            argv = self._limits.reading(*argv)
        with silent, self._limits.watched(cache) as until:
            done = self._ctx.run(
                *argv,
                env={
                    **self._environment,
                    **env,
                    **self._of_files(env),
                    **self._git.variables(),
                },
                quiet=True,
                timeout=self._limits.seconds,
                until=until,
            )
        return done.stderr

    def _of_files(self, env: dict[str, str]) -> dict[str, str]:
        """What requirements files say and uv takes by variables alone."""
        found = {}
        if hosts := self._options.values.get("trusted-host"):
            found["UV_INSECURE_HOST"] = " ".join([env.get("UV_INSECURE_HOST", ""), *hosts]).strip()
        if self._options.has("pre"):
            found["UV_PRERELEASE"] = "allow"
        return found
