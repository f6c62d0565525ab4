"""Image extensions: what generate is given, and what it gives back.

An extension changes the build or run image before the build, with Dockerfiles the platform
applies as root (image_extension.md). It is a `Buildpack` with `generate` in place of `build`.
"""

from __future__ import annotations

import os

from cnbkit.errors import BuildpackFault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["GenerateResult", "write"]

_RESERVED = ("build_id", "user_id", "group_id")


class GenerateResult:
    """The result of generate.

    Args:
        build: what build.Dockerfile says; it begins with `ARG base_image` and
            `FROM ${base_image}`.
        run: what run.Dockerfile says; `FROM` another image alone switches the run image.
        build_args, run_args: values for their ARGs.
        context: files both can COPY: path → contents, or a file or folder to take. Without any
            the app itself is what they see.
        build_context, run_context: the same for one of them; not together with `context`.

    Raises:
        BuildpackFault: what the lifecycle would refuse; every fault of a Dockerfile at once.
    """

    __slots__ = ("args", "contexts", "dockerfiles", "warnings")

    def __init__(
        self,
        *,
        build: str | None = None,
        run: str | None = None,
        build_args: Mapping[str, str] | None = None,
        run_args: Mapping[str, str] | None = None,
        context: Mapping[str, str | bytes | os.PathLike[str]] | None = None,
        build_context: Mapping[str, str | bytes | os.PathLike[str]] | None = None,
        run_context: Mapping[str, str | bytes | os.PathLike[str]] | None = None,
    ) -> None:
        from cnbkit.spec.dockerfile import check

        self.dockerfiles: dict[str, str] = {}
        self.warnings: list[str] = []
        if build is not None:
            wrong, doubtful = check("build", build)
            self._add("build", build, wrong, doubtful)
        if run is not None:
            wrong, doubtful = check("run", run)
            self._add("run", run, wrong, doubtful)
        self.args = {"build": dict(build_args or {}), "run": dict(run_args or {})}
        for kind, args in self.args.items():
            for name in args.keys() & set(_RESERVED):
                raise BuildpackFault(
                    f"the {kind} argument {name} is the lifecycle's own",
                    remedy="name it differently",
                )
        given = {"context": context, "context.build": build_context, "context.run": run_context}
        self.contexts = {name: dict(files) for name, files in given.items() if files}
        if "context" in self.contexts and len(self.contexts) > 1:
            raise BuildpackFault(
                "a context for both Dockerfiles and one for a single one exclude each other",
                remedy="give either context, or build_context and run_context",
            )

    def _add(
        self,
        kind: str,
        text: str,
        wrong: list[tuple[int, str]],
        doubtful: list[tuple[int, str]],
    ) -> None:
        file = f"{kind}.Dockerfile"
        if wrong:
            raise BuildpackFault.of(file, wrong, remedy="see what an extension's file may say")
        self.warnings += [f"{file}:{line}: {what}" for line, what in doubtful]
        self.dockerfiles[file] = text if text.endswith("\n") else f"{text}\n"


def write(generated: GenerateResult, output: str) -> None:
    """Write the files the lifecycle looks for."""
    for name, text in generated.dockerfiles.items():
        with open(f"{output}/{name}", "w", encoding="utf-8") as file:
            file.write(text)
    config = {
        kind: {"args": [{"name": name, "value": args[name]} for name in sorted(args)]}
        for kind, args in generated.args.items()
        if args
    }
    if config:
        from cnbkit.spec.toml import encode

        with open(f"{output}/extend-config.toml", "w", encoding="utf-8") as file:
            file.write(encode(config))
    for context, files in generated.contexts.items():
        for name, content in files.items():
            _place(f"{output}/{context}", name, content)


def _place(folder: str, name: str, content: str | bytes | os.PathLike[str]) -> None:
    if name.startswith("/") or ".." in name.split("/"):
        raise BuildpackFault(
            f"the context file {name!r} lies outside of the context", remedy="use a path in it"
        )
    path = f"{folder}/{name}"
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if isinstance(content, str | bytes):
        with open(path, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
        return
    import shutil

    if os.path.isdir(content):
        shutil.copytree(content, path, symlinks=True, dirs_exist_ok=True)
    else:
        shutil.copy(content, path)
