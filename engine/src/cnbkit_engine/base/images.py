"""The base images: what buildpacks run on and what apps stand on, made from Debian packages.

No registry and no container engine is needed. The build image becomes a folder (the sandbox's
root), the run image an OCI image in the store. Both are made when first asked for and again when
their recipe changes; otherwise asking costs a `stat` and a look into the store's index, and needs
no network.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

from cnbkit.errors import PlatformFault
from cnbkit_engine.base.recipe import BaseRecipe, Kind
from cnbkit_engine.base.suites import DEFAULT, Suite
from cnbkit_engine.oci.image import machine_platform
from cnbkit_engine.oci.store import UnknownImage
from cnbkit_engine.sandbox.emulation import ensure_emulation, is_foreign
from cnbkit_engine.state.disk import disk_fault, said_by_program
from cnbkit_engine.state.locks import is_made, locked, made_once

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from cnbkit_engine.oci.store import ImageStore
    from cnbkit_engine.state.home import Home

__all__ = ["BaseImages", "machine_architecture"]

_DURATION = {"run": "half a minute", "build": "a minute"}
_EMULATED = {"run": "five minutes, emulated", "build": "seven minutes, emulated"}


def machine_architecture() -> str:
    """This machine's architecture by its OCI name, `amd64` or `arm64`.

    Raises:
        PlatformFault: it is another one.
    """
    name = machine_platform().removeprefix("linux/")
    if name not in ("amd64", "arm64"):
        raise PlatformFault(
            f"there is no build image for this machine's architecture, {name}",
            where="uname -m",
            remedy="build on an x86_64 or aarch64 machine",
        )
    return name


class BaseImages:
    """The base images of one architecture, made when first needed.

    Args:
        home: the build root goes to `home.base`.
        store: the run image goes there.
        arch: `amd64` or `arm64`, by default this machine's; another one is emulated.
        suite: Debian's release.
        progress: told, a sentence each, when something long begins and ends; may be called from
            two threads.
    """

    def __init__(
        self,
        home: Home,
        store: ImageStore,
        *,
        arch: str | None = None,
        suite: Suite = DEFAULT,
        progress: Callable[[str], None] = lambda _line: None,
    ) -> None:
        self.home = home
        self.store = store
        self.arch = arch or machine_architecture()
        self.suite = suite
        self.progress = progress

    def prepare(self) -> tuple[Path, str]:
        """Both `ensure_build_root` and `ensure_run_image`, side by side where both are missing.

        Raises:
            PlatformFault: as they do.
        """
        build, run = self._recipe("build"), self._recipe("run")
        if self._has_image(run) and is_made(root := self._root_path(build)):
            return root, self._names(run)[0]
        from concurrent.futures import ThreadPoolExecutor

        with ThreadPoolExecutor(2) as pool:
            folder, name = pool.submit(self.ensure_build_root), pool.submit(self.ensure_run_image)
            return folder.result(), name.result()

    def ensure_build_root(self) -> Path:
        """The build image as a folder, to be a sandbox's read-only root.

        All files belong to the calling user, every folder can be entered, `/dev` is empty, and
        `/cnb`, `/layers`, `/platform`, `/workspace` and `/home/cnb` are there to mount over.

        Raises:
            PlatformFault: mmdebstrap is missing or fails, or the architecture is another one and
                cannot be emulated; says why and what to do.
        """
        recipe = self._recipe("build")

        def unpack(folder: Path) -> None:
            with self._installed(recipe) as archive:
                _unpack(archive, folder)

        return made_once(self._root_path(recipe), unpack)

    def ensure_run_image(self) -> str:
        """The run image in the store, like `cnbkit/run:trixie`; returns its name.

        Raises:
            PlatformFault: mmdebstrap is missing or fails, or the architecture is another one and
                cannot be emulated; says why and what to do.
        """
        return self._ensure_image("run")

    def ensure_build_image(self) -> str:
        """The build image in the store, for builders and exports; returns its name.

        The build root has lost who owned what, so this installs the packages anew.

        Raises:
            PlatformFault: mmdebstrap is missing or fails, or the architecture is another one and
                cannot be emulated; says why and what to do.
        """
        return self._ensure_image("build")

    def packages(self, kind: Kind) -> list[str]:
        """The packages that an image is made of by its list; others come with them."""
        return self._recipe(kind).packages()

    def put_build_root(self, layer: Path) -> None:
        """Take the build root from a compressed layer, where there is none yet.

        Raises:
            PlatformFault: it cannot be unpacked.
        """

        def unpack(folder: Path) -> None:
            with layer.open("rb") as archive:
                _unpack(archive, folder, "--gzip")

        made_once(self._root_path(self._recipe("build")), unpack)

    def put_run_image(self, media_type: str, manifest: bytes) -> None:
        """Take a run image whose blobs are in the store."""
        with locked(self._image_lock("run")):
            for name in self._names(self._recipe("run")):
                self.store.put_manifest(name, media_type, manifest)

    def _image_lock(self, kind: Kind) -> Path:
        return self.home.base / f"{kind}-image-{self.suite.name}-{self.arch}"

    def _recipe(self, kind: Kind) -> BaseRecipe:
        return BaseRecipe(kind, self.arch, suite=self.suite)

    def _root_path(self, recipe: BaseRecipe) -> Path:
        return self.home.base / f"build-{recipe.digest()}-{self.arch}"

    def _names(self, recipe: BaseRecipe) -> tuple[str, str]:
        """The image's name, and one that says by which recipe it was made."""
        suffix = f"-{self.arch}" if is_foreign(self.arch) else ""
        name = f"cnbkit/{recipe.kind}:{recipe.suite.name}{suffix}"
        return name, f"{name}-{recipe.digest()}"

    def _has_image(self, recipe: BaseRecipe) -> bool:
        current, recorded = self._names(recipe)
        if not self.store.is_intact(current):
            return False
        try:
            return self.store.resolve(current) == self.store.resolve(recorded)
        except UnknownImage:
            return False

    def _ensure_image(self, kind: Kind) -> str:
        recipe = self._recipe(kind)
        names = self._names(recipe)
        if not self._has_image(recipe):
            with locked(self._image_lock(kind)):
                if not self._has_image(recipe):
                    from cnbkit_engine.base.layer import store_image

                    with self._installed(recipe) as archive:
                        manifest = store_image(archive, recipe, self.store)
                    for name in names:
                        self.store.put_manifest(name, *manifest)
        return names[0]

    @contextmanager
    def _installed(self, recipe: BaseRecipe) -> Iterator[IO[bytes]]:
        import time

        from cnbkit_engine.base.mmdebstrap import installed

        foreign = is_foreign(self.arch)
        if foreign:
            ensure_emulation(self.home, self.arch, self.progress)
        duration = (_EMULATED if foreign else _DURATION)[recipe.kind]
        self.progress(
            f"Making the {recipe.kind} image from Debian {recipe.suite.version}'s packages "
            f"(about {duration}) ..."
        )
        start = time.monotonic()
        with installed(recipe, self.home.tmp) as archive:
            yield archive
        self.progress(f"Made the {recipe.kind} image in {time.monotonic() - start:.0f} s")


def _unpack(archive: IO[bytes], folder: Path, *options: str) -> None:
    """Unpack as the calling user, without devices and without set-user-ID programs.

    Raises:
        PlatformFault: the files cannot be written.
    """
    import subprocess

    folder.mkdir()
    for command in (
        [
            *("tar", "--extract", *options, "--no-same-owner", "--preserve-permissions"),
            *("--anchored", "--exclude=./dev/*", "--exclude=dev/*"),
        ],
        ["chmod", "--recursive", "u+rwX,u-s,g-s", "."],
    ):
        done = subprocess.run(command, cwd=folder, stdin=archive, stderr=subprocess.PIPE, text=True)
        if done.returncode:
            raise disk_fault(
                said_by_program(done.stderr), "cannot unpack the build image", folder.parent
            )
