"""Lay a buildpack out as a lifecycle wants it.

<out>/buildpack.toml              extension.toml of an image extension
<out>/bin/{detect,build,main.py}  bin/generate in place of bin/build there
<out>/lib/                        cnbkit and what it and the buildpack import
<out>/dependencies/               files its builds need, in an offline package
<out>/…                           the buildpack's own files, in the places they have in its folder
"""

from __future__ import annotations

import os
from pathlib import Path

import cnbkit
from cnbkit.errors import BuildpackFault, PlatformFault
from cnbkit_engine.base.suites import DEFAULT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from cnbkit_engine.buildpack.source import BuildpackSource

__all__ = [
    "CORE_FOLDER",
    "LIBRARY_FOLDER",
    "Runtime",
    "assemble",
    "core_files",
    "link_tree",
    "locks",
    "source_roots",
]

LIBRARY_FOLDER = "lib"
CORE_FOLDER = "cnbkit"
"""Of cnbkit itself, in the library's folder."""

_SDK = Path(cnbkit.__file__).parent
_ASSEMBLED_BY = ("assemble.py", "launcher.py", "source.py", "runtime.lock")
_GENERATED = {f"bin/{name}" for name in ("detect", "build", "generate", "main.py")}


class Runtime:
    """The Python on the build image that runs buildpacks.

    Args:
        python: absolute path of the interpreter there. Absolute, because an earlier
            buildpack may have put another Python first on PATH. Of one inside the package, its
            path from the buildpack's folder.
        version: its major and minor version; compiled dependencies are chosen for it.
        arch: "amd64" or "arm64".
        also: further versions that it may have; there are compiled dependencies for each.
    """

    def __init__(
        self,
        python: str = "/usr/bin/python3",
        version: str = DEFAULT.python,
        arch: str = "amd64",
        also: Sequence[str] = (),
    ) -> None:
        self.python = python
        self.version = version
        self.arch = arch
        self.versions = (version, *also)

    @property
    def platform(self) -> str:
        """The wheel platform for uv: glibc 2.28 or later, like the wheels the field ships."""
        return {"amd64": "x86_64", "arm64": "aarch64"}[self.arch] + "-manylinux_2_28"


def source_roots() -> list[Path]:
    """What of cnbkit itself an assembled buildpack is made of: files and folders."""
    return [_SDK, *(Path(__file__).with_name(name) for name in _ASSEMBLED_BY)]


def core_files() -> list[Path]:
    """The modules of the SDK, all of which a buildpack carries."""
    return sorted(_SDK.rglob("*.py"))


def locks(source: BuildpackSource) -> list[Path]:
    """The hashed lock files that say what a buildpack imports besides cnbkit."""
    return [Path(__file__).with_name("runtime.lock"), *source.locks]


def assemble(
    source: BuildpackSource,
    out: Path,
    runtime: Runtime,
    *,
    offline: bool = False,
    library: Path | None = None,
) -> None:
    """Write the buildpack to a directory that does not exist yet.

    Wheels are taken by the hashes of the two locks, for the runtime's Python and not for the
    one this runs on. Bytecode is not compiled here, because only the runtime can.

    Args:
        source: the buildpack.
        out: where to.
        runtime: what will run it.
        offline: put what `[[metadata.dependencies]]` lists into it as well, so that its builds
            need no network. BP_DEPENDENCY_MIRROR is heeded.
        library: a folder that holds what the locks name, to link from in place of fetching it.

    Raises:
        BuildpackFault: the source is wrong.
        PlatformFault: the dependencies could not be fetched.
    """
    # Whoever asks what a buildpack would be made of, as every build does, needs none of it.
    from cnbkit_engine.buildpack.launcher import (
        build_script,
        detect_script,
        generate_script,
        main_module,
    )

    files = source.files()
    _check_places(files, source)
    inside = out / LIBRARY_FOLDER
    if library:
        link_tree(library, inside)
    else:
        inside.mkdir(parents=True)
        _install(inside, source, runtime, runtime.version)
        for version in runtime.versions[1:]:
            _add(inside, source, runtime, version)
    for path in core_files():
        _copy(path, inside / CORE_FOLDER / path.relative_to(_SDK))
    for relative, path in files.items():
        _copy(path, out / relative)
    scripts = {
        "detect": detect_script(source, runtime.python),
        **(
            {"generate": generate_script(source, runtime.python)}
            if source.is_extension
            else {"build": build_script(source, runtime.python)}
        ),
        "main.py": main_module(source, *runtime.versions),
    }
    (out / "bin").mkdir(exist_ok=True)
    for name, text in scripts.items():
        (out / "bin" / name).write_text(text, encoding="utf-8")
        (out / "bin" / name).chmod(0o755 if name != "main.py" else 0o644)
    if offline:
        from cnbkit_engine.buildpack.offline import bundle

        bundle(source, out, os.environ, arch=runtime.arch)


def _check_places(files: Iterable[Path], source: BuildpackSource) -> None:
    taken = [
        path.as_posix()
        for path in files
        if path.parts[0] == LIBRARY_FOLDER or path.as_posix() in _GENERATED
    ]
    if taken:
        raise BuildpackFault(
            f"{source.id} has files where cnbkit writes its own: {', '.join(taken)}",
            where=str(source.directory),
            remedy="put them into another folder",
        )


def _add(library: Path, source: BuildpackSource, runtime: Runtime, version: str) -> None:
    """Add what another Python needs: compiled modules, which have its version in their names.

    Raises:
        BuildpackFault: a file of the one would be in the place of another file of the other.
    """
    import tempfile

    with tempfile.TemporaryDirectory(dir=library.parent) as folder:
        other = Path(folder)
        _install(other, source, runtime, version)
        for path in sorted(each for each in other.rglob("*") if each.is_file()):
            target = library / path.relative_to(other)
            # Of two wheels' metadata the first one's stays: nothing of it is read in a build.
            described = any(part.endswith(".dist-info") for part in path.parts)
            if not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                path.rename(target)
            elif not described and target.read_bytes() != path.read_bytes():
                raise BuildpackFault(
                    f"what {source.id} imports is not the same for Python {runtime.version} "
                    f"and {version}: {path.relative_to(other)}",
                    where=", ".join(map(str, source.locks)) or str(source.directory),
                    remedy="package it for one base: --base bookworm",
                )


def _install(library: Path, source: BuildpackSource, runtime: Runtime, version: str) -> None:
    from cnbkit_engine.buildpack.left_out import leave_out
    from cnbkit_engine.tools.uv import install

    arguments = [
        *("--no-config", "--python-version", version, "--python-platform", runtime.platform),
        *("--only-binary", ":all:"),
    ]
    for lock in locks(source):
        arguments += ["--requirement", str(lock)]
    done = install(library, *arguments)
    if done.returncode:
        raise PlatformFault(
            f"cannot fetch what {source.id} needs to run",
            where=", ".join(str(lock) for lock in locks(source)),
            remedy="check the network, proxy and package index settings of this machine",
            detail=done.stderr.rstrip(),
        )
    for leftover in library.glob(".lock"):
        leftover.unlink()
    leave_out(library)


def _copy(path: Path, target: Path) -> None:
    import shutil

    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(path, target)


def link_tree(folder: Path, target: Path, *, without: str = "") -> None:
    """Make `target` hold the files of `folder`, the very same ones where the disk allows it.

    Args:
        folder: nobody may write into its files from now on, nor into the target's.
        target: does not exist yet.
        without: leave out what has this name in the folder itself.
    """
    import shutil

    def skip(parent: str, _names: list[str]) -> list[str]:
        return [without] if without and parent == str(folder) else []

    shutil.copytree(folder, target, symlinks=True, ignore=skip, copy_function=_link)


def _link(path: str, target: str) -> None:
    try:
        os.link(path, target, follow_symlinks=False)
    except OSError:  # another file system, links to others' files are forbidden, or too many
        import shutil

        shutil.copy(path, target)
