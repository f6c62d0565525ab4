"""The `elf-check` buildpack: shared libraries that are needed, but not in the image."""

from __future__ import annotations

import os

from cnbkit import (
    BuildContext,
    Buildpack,
    BuildResult,
    Config,
    Layer,
    LayerKey,
    Log,
    OpenLayer,
    Option,
    Plan,
    key,
)

__all__ = ["ElfCheck"]

_FACTS = "facts.json"
_UNLOADABLE = "unloadable.json"


class ElfConfig(Config):
    """What may be set."""

    missing = Option.choice(
        *("BP_MISSING_LIBRARIES", "warn", "fail", "off"),
        help="What to do about libraries that are needed but not in the image",
    )
    ignore = Option.words(
        "BP_MISSING_LIBRARIES_IGNORE",
        help="Libraries that may be missing, `libtbb.so.12`: optional parts need them",
    )


class Checked(LayerKey, version=4):
    """What the answer depends on."""

    layers: list[str] = key("layers")
    base: str = key("libraries of the run image")
    settings: list[str] = key("settings")


class Supplied(LayerKey, version=1):
    """What the layer with Python's own library holds."""

    library: str = key("Python's shared library")
    digest: str = key("its contents")


class ElfCheck(Buildpack):
    """Looks at what the buildpacks before it installed.

    Attributes:
        system: where the build image's own files are; tests have them elsewhere.
    """

    repeatable = True

    # Whatever was installed, by whomever.
    plan = Plan()
    config = ElfConfig
    system = ""

    # What is known of each layer's files, also of those whose contents are in the previous
    # image alone (store.toml has it for machines without this cache); and the last answer.
    facts = Layer.cached("facts")
    # Python's shared library, for programs that embed Python.
    libpython = Layer.launch("libpython")
    # What cannot be loaded.
    told = Layer.for_build("told")

    def build(self, ctx: BuildContext) -> BuildResult:
        """Check, unless every layer is as it was."""
        config = self.config.read(ctx.settings)
        known = f"{self.system}/usr/share/cnbkit/run-image/libraries"
        if config.missing == "off" or not os.path.exists(known):
            why = "BP_MISSING_LIBRARIES=off" if config.missing == "off" else f"there is no {known}"
            ctx.log.debug(f"Nothing is checked: {why}")
            return BuildResult()
        layers = _launch_layers(ctx)
        wanted = Checked(
            layers=[f"{path} #{digest}" for path, digest in layers.items()],
            base=_digest(known),
            settings=config.changed(),
        )
        opened = ctx.layer(self.facts, wanted)
        # Read before the layer is opened, which empties it.
        facts = _read(f"{opened.directory}/{_FACTS}") if opened.rebuild else b""
        # Kept with the image, too, whose layers are reused by machines without this cache.
        result = BuildResult()
        with opened as layer:
            if layer.rebuild:
                self._check(ctx, config, layers, known, facts, layer)
            if layer.rebuild or not os.path.exists(f"{os.path.dirname(ctx.scratch)}/store.toml"):
                from cnbkit_kept_text import packed

                result = BuildResult(store={"facts": packed(_read(f"{layer.directory}/{_FACTS}"))})
            told = _read(f"{layer.directory}/report.txt").decode()
            unloadable = _read(f"{layer.directory}/{_UNLOADABLE}")
            libpython = _read(f"{layer.directory}/libpython.txt").decode()
        if told and config.missing == "fail":
            from cnbkit import UserFault

            what, _, detail = told.partition("\n")
            raise UserFault(
                what,
                where="the installed packages",
                remedy="do what stands below, or set BP_MISSING_LIBRARIES=warn",
                detail=detail,
            )
        if told:
            ctx.log.warning(told)
        if libpython:
            self._supply(ctx, libpython)
        if unloadable:
            self._tell(ctx, unloadable)
        return result

    def _supply(self, ctx: BuildContext, path: str) -> None:
        """Have Python's library in the image, where the loader looks."""
        from cnbkit_elf.libpython import digest_of

        name = os.path.basename(path)
        with ctx.layer(self.libpython, Supplied(library=name, digest=digest_of(path))) as layer:
            if layer.rebuild:
                import shutil

                os.mkdir(f"{layer.directory}/lib")
                shutil.copyfile(path, f"{layer.directory}/lib/{name}")

    def _tell(self, ctx: BuildContext, unloadable: bytes) -> None:
        """Say it to those who know what the image starts."""
        from cnbkit import PythonBuild

        with ctx.layer(self.told) as layer:
            path = f"{layer.directory}/{_UNLOADABLE}"
            with open(path, "wb") as file:
                file.write(unloadable)
            PythonBuild.read(ctx).replace(missing_libraries=path).tell(layer)

    def _check(
        self,
        ctx: BuildContext,
        config: ElfConfig,
        layers: dict[str, str],
        known: str,
        facts: bytes,
        layer: OpenLayer,
    ) -> None:
        # Imported here: a build that changes nothing does without them.
        from cnbkit import PythonBuild
        from cnbkit_debian_index import release_of
        from cnbkit_elf.by_name import installed_packages, loaded_by_name
        from cnbkit_elf.facts import Facts
        from cnbkit_elf.libpython import library_of
        from cnbkit_elf.optional import optional_apart
        from cnbkit_elf.report import report
        from cnbkit_elf.search import search
        from cnbkit_elf.unloadable import unloadable
        from cnbkit_kept_text import unpacked

        stored = unpacked(ctx.store.get("facts"))
        found = Facts.update([facts, stored], layers, ctx.target.arch)
        if found.unknown:
            ctx.log.info(
                f"Not looked at, because only the previous image has them: "
                f"{Log.counted(len(found.unknown), 'layer')}; that follows when they are made again"
            )
        with open(known, encoding="utf-8") as file:
            base = file.read().split()
        lacking, elsewhere = search(found, base, [*config.ignore])
        supplied = library_of([*lacking], base, self.system, ctx.target.arch)
        if supplied:
            files = lacking.pop(os.path.basename(supplied))
            owner = next((each.owner for each in files if each.owner), files[0].path)
            ctx.log.info(
                f"{owner} embeds Python: {os.path.basename(supplied)} of the build image goes "
                "into the image"
            )
        for name, files in sorted(elsewhere.items()):
            ctx.log.debug(f"{name} is not where the loader looks for {files[0].path}")
        at_start, never = optional_apart(lacking, found)
        for name, files in sorted(never.items()):
            ctx.log.info(
                f"{files[0].owner or files[0].path} can do without {name}, which is missing"
            )
        packages = installed_packages(PythonBuild.read(ctx).packages)
        release = release_of(self.system)
        by_name = loaded_by_name(found, base, packages, [*config.ignore], release)
        for name, files in by_name.items():
            at_start.setdefault(name, []).extend(files)
        found.save(f"{layer.directory}/{_FACTS}")
        told = report(at_start, release) if at_start and not found.unknown else ""
        if not told:
            ctx.log.info(f"{found.count} libraries and programs find what they are linked with")
        kept = {
            "report.txt": told,
            "libpython.txt": supplied,
            _UNLOADABLE: "" if found.unknown else unloadable(lacking, by_name, found, release),
        }
        for name, text in kept.items():
            with open(f"{layer.directory}/{name}", "w", encoding="utf-8") as file:
                file.write(text)


def _launch_layers(ctx: BuildContext) -> dict[str, str]:
    """Directory of each layer that the image gets so far, and a digest of what it holds."""
    import hashlib

    found = {}
    own = os.path.dirname(ctx.scratch)
    root = os.path.dirname(own)
    for buildpack in sorted(os.listdir(root)):
        folder = f"{root}/{buildpack}"
        if folder == own or not os.path.isdir(folder):
            continue
        for name in sorted(os.listdir(folder)):
            if not name.endswith(".toml") or name in ("launch.toml", "build.toml", "store.toml"):
                continue
            text = _read(f"{folder}/{name}")
            if b"launch = true" in text:
                # cnbkit's layers say what they hold; of others all of the table counts.
                _, mark, rest = text.partition(b'digest = "')
                said = rest.partition(b'"')[0] if mark else text
                digest = hashlib.sha256(said).hexdigest()
                found[f"{folder}/{name.removesuffix('.toml')}"] = digest
    return found


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        return b""


def _digest(path: str) -> str:
    import hashlib

    return hashlib.sha256(_read(path)).hexdigest()
