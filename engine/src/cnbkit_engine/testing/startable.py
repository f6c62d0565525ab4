"""An image whose processes a test starts, and looks into."""

from __future__ import annotations

import json
import uuid
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cnbkit_engine.testing.container import Container

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cnbkit_engine.oci.image import Image
    from cnbkit_engine.testing.engine import Engine

__all__ = ["Startable"]


class Startable:
    """What is done with an image; whoever derives it has one."""

    _engine: Engine
    _root: Path

    @property
    def image(self) -> Image:
        """The image."""
        raise NotImplementedError

    def start(
        self,
        process: str | None = None,
        args: Sequence[str] = (),
        *,
        env: Mapping[str, str] | None = None,
        binds: Mapping[Path, str] | None = None,
        shell: str = "",
        apart: bool = False,
    ) -> Container:
        """Start a process in the background; to be used in a `with` block, which ends it.

        Args:
            process: its type; the image's default if not given.
            args: replace its default arguments.
            env: added to the image's environment.
            binds: host files and folders shown inside, writable: path here → path there. For
                tests of root's, what is below the folder for temporary files becomes the user's
                that processes run as; the rest they write as others may.
            shell: a shell command to run instead, with the launcher's environment.
            apart: keep what it prints on stderr out of `logs`, in `errors`.
        """
        self._root.mkdir(parents=True, exist_ok=True)
        command = ("/bin/sh", "-c", shell) if shell else ()
        engine, image = self._engine, self.image
        with ExitStack() as files:
            errors = None
            if apart:
                name = self._root / f"{uuid.uuid4().hex[:12]}.errors"
                errors = files.enter_context(name.open("wb"))
            return Container(
                lambda output: engine.start(
                    image, process, args, command, env or {}, binds or {}, output, errors
                ),
                self._root,
                errors=Path(errors.name) if errors else None,
            )

    def run(
        self,
        process: str | None = None,
        args: Sequence[str] = (),
        *,
        env: Mapping[str, str] | None = None,
        binds: Mapping[Path, str] | None = None,
        code: int = 0,
    ) -> str:
        """Run a process to its end; what it printed. See `start` for the arguments.

        Args:
            process: its type; the image's default if not given.
            args: replace its default arguments.
            env: added to the image's environment.
            binds: host files and folders shown inside.
            code: the exit status it has to end with.

        Raises:
            AssertionError: it ended with another.
        """
        with self.start(process, args, env=env, binds=binds) as container:
            return container.expect(code)

    def shell(self, command: str, *, env: Mapping[str, str] | None = None, code: int = 0) -> str:
        """Run a shell command in the image, with the environment its processes get.

        Raises:
            AssertionError: it ended with another exit status than `code`.
        """
        with self.start(shell=command, env=env) as container:
            return container.expect(code)

    def sbom(self) -> dict[str, Any]:
        """The SBOMs in the image: `buildpack_id/layer/sbom.cdx.json` → the document."""
        found = {}
        for root in self._engine.files(self.image, "sbom"):
            folder = root / "layers" / "sbom" / "launch"
            for path in sorted(folder.rglob("*.json")):
                found[path.relative_to(folder).as_posix()] = json.loads(path.read_bytes())
        return found
