"""pip and pip-tools as the engine, for those who must have what pip does."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from typing import Any

from cnbkit import BuildContext, CommandFailed
from cnbkit_indexes.sources import Sources
from cnbkit_limits import Limits
from cnbkit_logins.address import Login, with_login
from cnbkit_logins.git_environment import GitLogins
from cnbkit_pip.diagnosis.diagnose import explained, explained_install
from cnbkit_pip.engines.engine import Engine, Wanted
from cnbkit_pip.engines.file_options import FileOptions
from cnbkit_pip.engines.patience import patient
from cnbkit_pip.engines.pip_entries import entry_of, requirement_of, with_wheel
from cnbkit_pip.engines.pip_variables import pip_variables
from cnbkit_pip.provided import Provided
from cnbkit_pip.resolution.pins import Pins, lacks_address, pinned
from cnbkit_python_inputs.interpreter import Interpreter
from cnbkit_python_inputs.package import Package
from cnbkit_python_inputs.project import Project
from cnbkit_python_inputs.requirements import Line, logical_lines, normalised

__all__ = ["PipTools"]

# In the interpreter of the image, with this buildpack's pip and pip-tools: pure Python.
# pip takes what lies beside it for installed already; `--ignore-installed` in each call below.
_MODULE = (
    "import runpy, sys; sys.path.insert(0, sys.argv.pop(1)); module = sys.argv.pop(1); "
    # What pip-tools fails with is a traceback; what matters is said before it, and at its end.
    "sys.tracebacklimit = 0; runpy.run_module(module, run_name='__main__', alter_sys=True)"
)
_INSTALL = (
    "--quiet",
    "--no-deps",
    "--no-compile",
    "--ignore-installed",
    "--no-warn-script-location",
)


class PipTools(Engine):
    """Runs `pip-compile`, `pip wheel` and `pip install`.

    Args:
        ctx: the build.
        python: the interpreter packages are for.
        sources: where packages come from.
        options: what requirements files say besides.
        variables: for build back ends.
        limits: what a call may take.

    Raises:
        UserFault: the sources are such that pip would not install from them safely.
    """

    def __init__(
        self,
        ctx: BuildContext,
        python: Interpreter,
        sources: Sources,
        options: FileOptions | None = None,
        variables: Mapping[str, str] | None = None,
        *,
        limits: Limits | None = None,
    ) -> None:
        self._limits = limits or Limits("BP_PIP_SIZE_LIMIT")
        self._options = options or FileOptions({})
        self._ctx = ctx
        self._sources = sources
        self._python = python
        self._environment = {
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_NO_INPUT": "1",
            "PIP_CACHE_DIR": f"{ctx.fetched}/pip",
            "PIP_PROGRESS_BAR": "off",
            # The build's user may be nobody to the system.
            "HOME": ctx.scratch,
            **pip_variables(sources),
            **(variables or {}),
        }
        self._wheels = f"{ctx.scratch}/wheels"
        # Where it is seen how much that is.
        self._temporary = f"{ctx.scratch}/temporary"
        self._environment["TMPDIR"] = self._temporary
        self._provided = Provided.of(ctx)
        self._git = GitLogins(ctx.env)

    def lock(self, wanted: Wanted, path: str, renewed: Sequence[str] = ()) -> None:
        """`pip-compile`; versions of the last time are kept where they are allowed."""
        import tomli_w

        listed = f"{os.path.dirname(path)}/requirements.lock"
        options = ("--quiet", "--no-header", "--no-annotate", "--strip-extras", "--allow-unsafe")
        more = ("--generate-hashes", "--no-emit-index-url", "--output-file", listed)
        env: dict[str, str] = {}
        asked = self._files(wanted)
        self._git.add(wanted.logins)
        for name in renewed:
            asked += ["--upgrade-package", name]
        if self._provided:
            given = self._environment.get("PIP_FIND_LINKS", "")
            env["PIP_FIND_LINKS"] = f"{given} {self._provided.folder}".strip()
            self._prefer(listed)
        try:
            self._run("piptools", "compile", *asked, *options, *more, env=env)
        except CommandFailed as failed:
            raise explained(failed, wanted, self._sources) from None
        with open(listed, encoding="utf-8") as file:
            entries = [entry_of(line) for line in logical_lines("", file.read())]
        document = {
            "lock-version": "1.0",
            "created-by": "cnbkit",
            "packages": [entry for entry in entries if entry],
        }
        with open(path, "wb") as file:
            tomli_w.dump(document, file)
        for text in self._provided.leave_out(path):
            self._ctx.log.info(text)

    def _files(self, wanted: Wanted) -> list[str]:
        """What pip-compile is to read.

        A project whose metadata has to be built is named in a file: read as a project, it would be
        built with the interpreter's own pip, which an image's has not.
        """
        arguments = [*wanted.arguments()]
        if not isinstance(wanted, Project) or wanted.is_static:
            return arguments
        path = f"{self._ctx.scratch}/project.txt"
        extras = f"[{','.join(wanted.extras)}]" if wanted.extras else ""
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"{self._ctx.app.root}{extras}\n")
        groups = arguments.index("--group") if "--group" in arguments else len(arguments)
        return [path, *arguments[groups:]]

    def _prefer(self, listed: str) -> None:
        """Have pip-compile's last output name the versions that are there."""
        lines: list[Line] = []
        if os.path.exists(listed):
            with open(listed, encoding="utf-8") as file:
                lines = logical_lines("", file.read())
        there = self._provided.versions
        texts = [line.text for line in lines if line.name not in there]
        texts += [f"{name}=={version}" for name, version in there.items()]
        with open(listed, "w", encoding="utf-8") as file:
            file.write("".join(f"{text}\n" for text in texts))

    def complete(
        self, document: dict[str, Any], where: str, wanted: Wanted | None = None
    ) -> dict[str, Any]:
        """Fetch, and build where there is no wheel: pip cannot tell addresses without that."""
        for pins in pinned(document):
            listed = f"{self._ctx.scratch}/pins.txt"
            with open(listed, "w", encoding="utf-8") as file:
                file.write(self._options.lines())
                file.write(pins.requirements(self._options.build_settings))
            env = {}
            if pins.index:
                login = self._sources.credentials_for(pins.index)
                env["PIP_INDEX_URL"] = with_login(pins.index, login)
            options = ("--quiet", "--no-deps", "--wheel-dir", self._wheels)
            try:
                self._run("pip", "wheel", *options, "-r", listed, env=env)
            except CommandFailed as failed:
                raise explained(failed, wanted or Pins.named(where), self._sources) from None
        built = self._built()
        entries = [
            with_wheel(entry, built[normalised(entry["name"])]) if lacks_address(entry) else entry
            for entry in document["packages"]
        ]
        return {**document, "packages": entries}

    def log_in(self, logins: Mapping[str, Login]) -> None:
        """Git gets them by its environment."""
        self._git.add(logins)

    def install_for(self, python: Interpreter) -> None:
        """Programs that are installed begin with this interpreter's path."""
        self._python = python

    def choose(self, packages: Sequence[Package]) -> None:
        """Nothing is built beside the others."""

    def install(self, packages: list[Package], prefix: str) -> None:
        """`pip install --no-deps`; what comes from the network is checked by its hash."""
        lines = [requirement_of(self._git.taken_from_entry(each.entry)) for each in packages]
        options = (*_INSTALL, "--prefix", prefix)
        # pip wants a hash for all or for none of the packages of a call.
        for checked in (True, False):
            chosen = [line for line in lines if ("--hash=" in line) is checked]
            if not chosen:
                continue
            layer = os.path.basename(os.path.dirname(prefix))
            listed = f"{self._ctx.scratch}/install-{layer}{int(checked)}.txt"
            with open(listed, "w", encoding="utf-8") as file:
                file.write("".join(f"{line}\n" for line in chosen))
            try:
                self._run("pip", "install", *options, "-r", listed)
            except CommandFailed as failed:
                raise explained_install(
                    failed, [each.name for each in packages], self._sources
                ) from None

    def install_folder(self, directory: str, prefix: str, *, editable: bool) -> None:
        """`pip install`, with `--editable` where its code is to stay where it is."""
        options = (*_INSTALL, "--prefix", prefix)
        mode = ("--editable",) if editable else ()
        try:
            self._run("pip", "install", *options, *mode, directory)
        except CommandFailed as failed:
            raise explained_install(failed, [os.path.basename(directory)], self._sources) from None

    def _built(self) -> dict[str, str]:
        """Package → path of its wheel."""
        from packaging.utils import parse_wheel_filename

        names = os.listdir(self._wheels) if os.path.isdir(self._wheels) else []
        return {str(parse_wheel_filename(name)[0]): f"{self._wheels}/{name}" for name in names}

    def _run(self, module: str, *arguments: str, env: dict[str, str] | None = None) -> None:
        library = str(self._ctx.buildpack_dir / "lib")
        installs = arguments[0] == "install"
        told = f"{module} {arguments[0]}"
        silent = nullcontext() if installs else patient(self._ctx.log.info, told)
        # What is installed goes into the folder of a layer, and everything else through these.
        folders = [arguments[at] for at, each in enumerate(arguments, 1) if each == "--prefix"]
        folders += [self._wheels, self._temporary]
        os.makedirs(self._temporary, exist_ok=True)
        argv: tuple[str, ...] = (self._python.path, "-c", _MODULE, library, module, *arguments)
        if module == "piptools":
            argv = self._limits.reading(*argv)
        with silent, self._limits.watched(*folders) as until:
            self._ctx.run(
                *argv,
                env={**self._environment, **(env or {}), **self._git.variables()},
                quiet=True,
                timeout=self._limits.seconds,
                until=until,
            )
