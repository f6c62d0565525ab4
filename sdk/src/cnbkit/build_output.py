"""What build leaves for the lifecycle: launch.toml, build.toml, store.toml, bills of materials."""

from __future__ import annotations

from cnbkit.build_context import WITHOUT_SBOM
from cnbkit.build_report import REPEATABLE, REPORT
from cnbkit.errors import BuildpackFault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cnbkit.build_context import BuildContext
    from cnbkit.phases import Phases
    from cnbkit.results import BuildResult

__all__ = ["check_starts", "write_report", "write_results"]


def write_results(built: BuildResult, ctx: BuildContext, layers: str, buildpack: str) -> None:
    """Write what the build returned.

    Args:
        built: that.
        ctx: what it was given.
        layers: the buildpack's layers directory.
        buildpack: its own folder.
    """
    bills = (("launch", built.sbom), ("build", built.build_sbom))
    for scope, documents in () if ctx.settings.flag(WITHOUT_SBOM) else bills:
        for kind, document in documents.items():
            from cnbkit.sbom.check import checked

            with open(f"{layers}/{scope}.sbom.{kind}.json", "wb") as file:
                file.write(checked(kind, document, buildpack))
    if built.processes or built.labels or built.slices:
        from cnbkit.spec.launch import Label, Launch, Slice

        launch = Launch(
            labels=[Label(key=key, value=value) for key, value in sorted(built.labels.items())],
            processes=built.in_image(ctx.exec_env),
            slices=[Slice(paths=paths) for paths in built.slices],
        )
        text = launch.dumps()
        ctx.log.warn_of_secrets("launch.toml (processes, labels)", text)
        _write(f"{layers}/launch.toml", text)
    if built.unmet:
        from cnbkit.spec.launch import Build, Unmet

        result = Build(unmet=[Unmet(name=name) for name in built.unmet])
        _write(f"{layers}/build.toml", result.dumps())
    if built.store is not None:
        from cnbkit.spec.launch import Store
        from cnbkit.store import check_store

        check_store(built.store, "store")
        _write(f"{layers}/store.toml", Store(metadata=built.store).dumps())


def check_starts(
    buildpack: Phases, built: BuildResult, ctx: BuildContext, layers: str, own: str
) -> None:
    """Let no process start, and no variable of the image name, what is not in the image.

    Args:
        buildpack: what built.
        built: what it returned.
        ctx: what it was given.
        layers: the buildpack's layers directory.
        own: its own folder; empty if the platform does not tell.

    Raises:
        BuildpackFault: something is in a layer of this build that is not for launch, or in the
            buildpack's own folder.
    """
    absent = {
        f"{layers}/{each.layer.name}": (
            "that layer is not in the image",
            f'make it part of the image: Layer.launch("{each.layer.name}"), or launch=True',
        )
        for each in ctx.opened
        if not each.layer.is_launch
    }
    if own:
        absent[own] = (
            "the buildpack itself is not in the image",
            "copy the file into a layer for launch, and name it there",
        )
    said = [
        (f"the process {process.type}", "\0".join((*process.command, *process.args)))
        for process in built.processes
    ]
    said += [
        (f"{path.partition('/')[2]} of the layer {each.layer.name}", text)
        for each in ctx.opened
        if each.layer.is_launch
        for path, text in each.env.snapshot().items()
        if not path.startswith("env.build/")
    ]
    for what, text in said:
        for folder, (why, remedy) in absent.items():
            if folder in text and _names(text, folder):
                from cnbkit.blame import line_of

                raise BuildpackFault(
                    f"{what} names {folder}, and {why}",
                    where=line_of(buildpack, "build"),
                    remedy=remedy,
                )


def _names(text: str, folder: str) -> bool:
    """Whether a text has the path of a folder, or of something in it."""
    return any(
        not after or not (after[0].isalnum() or after[0] in "-_.")
        for after in text.split(folder)[1:]
    )


def write_report(ctx: BuildContext, layers: str, seconds: float, *, repeatable: bool) -> None:
    """Tell a platform that looks (ours does) what happened to each layer and why.

    Args:
        ctx: what the build was given.
        layers: the buildpack's layers directory.
        seconds: how long it took.
        repeatable: whether it would do the same again.
    """
    lines = [f"seconds\t{seconds:.3f}"]
    if repeatable:
        lines.append(REPEATABLE)
    for opened in ctx.opened:
        why = ctx.log.secrets.redacted("; ".join(opened.why)).replace("\t", " ").replace("\n", " ")
        lines.append(f"layer\t{opened.layer.name}\t{opened.state}\t{why}")
    _write(f"{layers}/{REPORT}", "\n".join(lines) + "\n")


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
