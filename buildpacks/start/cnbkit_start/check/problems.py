"""What keeps a process from starting, as far as that can be told without starting it."""

from __future__ import annotations

import os
from functools import cached_property

from cnbkit.app import App
from cnbkit_start.check.command import Command, commands_of
from cnbkit_start.check.files import absent, unstartable
from cnbkit_start.check.problem import Problem
from cnbkit_start.check.remedies import remedy
from cnbkit_start.check.standard import reads_no_more_than_this
from cnbkit_start.code import Code
from cnbkit_start.process import Found

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cnbkit_start.check.image import Image
    from cnbkit_start.check.imports import Running
    from cnbkit_start.check.libraries import Libraries
    from cnbkit_start.check.locked import Locked

__all__ = ["problems"]

# What Python says of code that a newer one may read, and of slips.
_OF_A_NEWER = ("invalid syntax", "multiple exception types")


def problems(
    process: Found,
    app: App,
    image: Image | None,
    *,
    files_may_come: bool = False,
    locked: Locked | None = None,
    libraries: Libraries | None = None,
    python: str = "",
) -> list[Problem]:
    """Everything that is certainly wrong with a process.

    Args:
        process: what is to start.
        app: its files.
        image: programs and modules besides; None before anything is installed.
        files_may_come: whether somebody may still add files to the app.
        locked: the packages that will be installed, if a lock tells.
        libraries: files that cannot be loaded, because a shared library is missing.
        python: the version that will run it; empty if that is not known.
    """
    found = []
    for command in commands_of(process):
        checks = _Checks(command, app, image, locked, files_may_come=files_may_come)
        problem = (
            checks.program()
            or checks.option()
            or (checks.linked(libraries) if libraries else None)
            or checks.script()
            or checks.module()
            or (checks.syntax(python) if reads_no_more_than_this(python) else None)
            or checks.own_names()
            or checks.imported_modules()
            or (checks.imported_libraries(libraries) if libraries else None)
            or checks.imported_names(python)
            or checks.misplaced_modules()
        )
        if problem:
            found.append(problem)
    return found


class _Checks:
    def __init__(
        self,
        command: Command,
        app: App,
        image: Image | None,
        locked: Locked | None,
        *,
        files_may_come: bool,
    ) -> None:
        self._command = command
        self._app = app
        self._image = image
        self._locked = locked
        self._files_may_come = files_may_come

    def program(self) -> Problem | None:
        """Whether there is such a program, and the kernel can start it."""
        name = self._command.program
        if "/" in name:
            path = self._inside(name)
            if path is not None:
                return self._file(path)
            if name.startswith("/") and self._image and self._image.has_file(name) is False:
                return Problem(f"the image has no {name}", remedy(name.rpartition("/")[2]))
            return None
        if self._locked is not None:
            return self._not_locked(self._locked)
        if self._image is None or self._image.has_program(name) is not False:
            return None
        own = next((p for p in (name, f"bin/{name}") if self._app.has(p)), "")
        if own:
            return Problem(
                f"{name} is not on the image's PATH, but a file of the app",
                f"write ./{own} in its place",
            )
        return Problem(f"the image has no program {name}", remedy(name))

    def option(self) -> Problem | None:
        """Whether the program knows all its options."""
        wrong = self._command.no_option
        if not wrong:
            return None
        right = f"{wrong.rstrip('-')} -"
        return Problem(f"{self._command.program} has no option {wrong}", f"write `{right}`")

    def _not_locked(self, locked: Locked) -> Problem | None:
        """Whether the package of a program is missing in the lock."""
        for name in (self._command.program, self._command.served_by):
            package = locked.lacks(name)
            if package:
                return Problem(
                    f"{package}, which brings the program {name}, is not among "
                    f"{locked.packages.of_file}",
                    f"{locked.packages.to_add(package)}, or correct the command",
                )
        return None

    def _file(self, path: str) -> Problem | None:
        if not self._app.has(path):
            return self._absent(path)
        return unstartable(path, self._app, self._image, direct=self._command.direct)

    def _absent(self, path: str) -> Problem | None:
        return None if self._files_may_come else absent(path, self._app)

    def script(self) -> Problem | None:
        """Whether the file that a program is to run is there."""
        if not self._command.script or self._command.script == "-":
            return None
        path = self._inside(self._command.script)
        if path is None or os.path.exists(f"{self._app.root}/{path}"):
            return None
        return self._absent(path)

    def module(self) -> Problem | None:
        """Whether the module that is to be imported is there, and has the attribute."""
        command = self._command
        if not command.module or command.folder is None:
            return None
        top = command.module.partition(".")[0]
        places = [
            path
            for path in [self._joined(each) for each in ["", *command.paths, "src"]]
            if self._is_module(path, top)
        ]
        if not places:
            missing = self._image is not None and self._image.has_module(top) is False
            if not missing or self._files_may_come:
                return None
            return Problem(
                f"there is no module {top}, neither in the app nor among its packages",
                "correct its name, or add the package to the dependencies",
            )
        for place in places:
            path = f"{place}/{command.module.replace('.', '/')}".lstrip("/")
            file = next(
                (each for each in (f"{path}.py", f"{path}/__init__.py") if self._app.has(each)), ""
            )
            if file:
                return self._attribute(file)
            if self._compiled(path) or os.path.isdir(f"{self._app.root}/{path}"):
                return None
        if self._files_may_come or not self._app.has(f"{places[0]}/{top}/__init__.py".lstrip("/")):
            return None  # of a namespace another part may be installed
        return Problem(
            f"there is no module {command.module} in the app", "correct its name, or add the file"
        )

    def syntax(self, python: str) -> Problem | None:
        """Whether a Python can read what runs first."""
        if self._command.folder is None or self._files_may_come:
            return None
        from cnbkit_start.check.imports import unreadable

        found = unreadable(self._running)
        if found is None:
            return None
        file, line, why = found
        version = ".".join(python.split(".")[:2])
        newer = "; if a newer Python has that, name it in .python-version"
        return Problem(
            f"{file}:{line} is not Python {version}: {why}",
            f"correct that line{newer if why.startswith(_OF_A_NEWER) else ''}",
        )

    def own_names(self) -> Problem | None:
        """Whether the app's own modules have what is imported of them for sure."""
        if self._command.folder is None or self._files_may_come:
            return None
        from cnbkit_start.check.imported import of_its_own

        return of_its_own(self._running, self._started[1], self._app)

    def linked(self, libraries: Libraries) -> Problem | None:
        """Whether the loader finds what the program is linked with."""
        found = libraries.program(self._command.program)
        if found is None:
            return None
        return Problem(f"{found.name} needs {found.needs}, {_absent(found.needs)}", found.remedy)

    def imported_libraries(self, libraries: Libraries) -> Problem | None:
        """Whether the loader finds what modules are linked with that are imported for sure."""
        if self._command.folder is None or self._files_may_come:
            return None
        files, places = self._started
        found = libraries.imported(files, places, self._app, main=self._command.main)
        if found is None:
            return None
        return Problem(
            f"{found.line} imports {found.name}, which needs {found.needs}, {_absent(found.needs)}",
            found.remedy,
        )

    def imported_modules(self) -> Problem | None:
        """Whether all is there that the script or module imports before it does anything."""
        installed = self._locked or self._image
        if installed is None or self._command.folder is None or self._files_may_come:
            return None
        from cnbkit_start.check.imported import of_packages

        return of_packages(self._running, self._app, self._locked, self._image)

    def imported_names(self, python: str) -> Problem | None:
        """Whether what is imported for sure is there: in packages, and in Python's own modules."""
        image, command = self._image, self._command
        if not image or not image.sites or command.folder is None or self._files_may_come:
            return None
        from cnbkit_start.check.releases import mismatch

        files, places = self._started
        program = command.served_by or command.program
        return mismatch(
            files, places, image, self._app, main=command.main, program=program, python=python
        )

    def misplaced_modules(self) -> Problem | None:
        """Whether Python looks where modules of the app lie that are imported for sure."""
        if self._image is None or self._command.folder is None or self._files_may_come:
            return None
        from cnbkit_start.check.misplaced import misplaced_module

        script = self._inside(self._command.script) or ""
        own = [script.rpartition("/")[0]] if script else [self._joined("")]
        places = own + [self._joined(each) for each in self._command.paths]
        return misplaced_module(self._running, places, self._app, self._image)

    @cached_property
    def _running(self) -> list[Running]:
        """Files of the app that certainly run."""
        from cnbkit_start.check.imports import running

        files, places = self._started
        return running(files, places, self._app, main=self._command.main)

    @cached_property
    def _started(self) -> tuple[list[str], list[str]]:
        """Files of the app that run first, and folders where Python looks for modules."""
        from cnbkit_start.check.imports import started_files

        command = self._command
        places = [self._joined(each) for each in ["", *command.paths, "src"]]
        if command.script.endswith(".py"):
            script = self._inside(command.script) or ""
            return [script], [script.rpartition("/")[0], *places]
        if command.module:
            return started_files(command.module, command.attribute, places, self._app), places
        return [], places

    def _attribute(self, file: str) -> Problem | None:
        name = self._command.attribute.partition(".")[0]
        if not name or self._files_may_come:
            return None
        if Code(self._app.bytes(file), file).defines(name) is not False:
            return None
        return Problem(
            f"{file} has no {name}", f"correct `{self._command.module}:{self._command.attribute}`"
        )

    def _is_module(self, place: str, name: str) -> bool:
        path = f"{place}/{name}".lstrip("/")
        return (
            self._app.has(f"{path}.py")
            or os.path.isdir(f"{self._app.root}/{path}")
            or self._compiled(path)
        )

    def _compiled(self, path: str) -> bool:
        folder, _, name = f"{self._app.root}/{path}".rpartition("/")
        try:
            names = os.listdir(folder)
        except OSError:
            return False
        return any(each.startswith(f"{name}.") and each.endswith(".so") for each in names)

    def _joined(self, path: str) -> str:
        steps = [*(self._command.folder or "").split("/"), *path.split("/")]
        return "/".join(step for step in steps if step not in ("", "."))

    def _inside(self, name: str) -> str | None:
        """A path relative to the app's root; None if it leads elsewhere, or is not known."""
        if name.startswith("/"):
            root = next((r for r in ("/workspace", self._app.root) if name.startswith(f"{r}/")), "")
            return name.removeprefix(f"{root}/") if root else None
        if self._command.folder is None:
            return None
        path = os.path.normpath(f"{self._command.folder}/{name}".lstrip("/"))
        return None if path.startswith("..") else path


def _absent(libraries: str) -> str:
    return f"which {'are' if ',' in libraries else 'is'} not in the image"
