"""The image extension `apt-image`: Debian packages the app declares, installed in both images.

As root, at their real places and with their own scripts, which the buildpack `apt` cannot do. What
that costs is told in the README of `apt`.
"""

from __future__ import annotations

from cnbkit import (
    Buildpack,
    DetectContext,
    DetectResult,
    GenerateContext,
    GenerateResult,
    Triggers,
)
from cnbkit_aptfile import MODE, AptConfig, Inputs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from os import PathLike

    from cnbkit_aptfile.declared import Declared, Repository

__all__ = ["AptImage"]

# At the top: /tmp is another one while a command runs.
_PLACE = "/cnbkit-apt"
_DOCKERFILE = f"""\
ARG base_image
FROM ${{base_image}}
USER root
COPY apt {_PLACE}
ARG mirror
ARG recommends
RUN /bin/sh {_PLACE}/install.sh @kind@
ARG user_id
ARG group_id
USER ${{user_id}}:${{group_id}}
"""


class AptImage(Buildpack):
    """Installs what an Aptfile names, where BP_APT_MODE says so."""

    triggers = Triggers(settings=(MODE,))
    config = AptConfig

    def detect(self, ctx: DetectContext) -> DetectResult:
        """Join if packages are declared, and wanted in the images."""
        config = AptConfig.read(ctx.settings)
        if config.mode != "image":
            return ctx.skip(f"{MODE} is {config.mode}")
        inputs = Inputs.find(ctx.app, config.input)
        if not inputs:
            return ctx.skip("no Aptfile, and no [tool.cnbkit.apt]")
        return ctx.join(f"found {', '.join(inputs.files)}")

    def generate(self, ctx: GenerateContext) -> GenerateResult:
        """Say how the images change: by one script, which gets all that is declared as files."""
        from cnbkit_aptfile.declared import read

        config = AptConfig.read(ctx.settings)
        declared = read(ctx)
        self._refuse_logins(ctx, config.mirror)
        context = _context(ctx, declared)
        context["apt/install.sh"] = ctx.buildpack_dir / "cnbkit_apt_image" / "install.sh"
        context["apt/identity"] = Inputs.find(ctx.app, config.input).identity(ctx.app) + "\n"
        context["apt/refresh"] = config.refresh  # a new value makes another image
        arguments = {"mirror": config.mirror.rstrip("/"), "recommends": str(config.recommends)}
        return GenerateResult(
            build=_DOCKERFILE.replace("@kind@", "build"),
            run=_DOCKERFILE.replace("@kind@", "run"),
            build_args=arguments,
            run_args=arguments,
            context=context,
        )

    def _refuse_logins(self, ctx: GenerateContext, mirror: str) -> None:
        """What an extension writes is read by the platform and kept by it."""
        from cnbkit import UserFault

        binding = ctx.bindings.first("apt")
        login = binding is not None and binding.has("auth.conf")
        if login or "@" in mirror:
            raise UserFault(
                "logins for sources of packages are not for image extensions, which would leave "
                "them on the platform",
                where="the binding of type apt" if login else "BP_APT_MIRROR",
                remedy=f"set {MODE}=layer",
            )


def _context(ctx: GenerateContext, declared: Declared) -> dict[str, str | bytes | PathLike[str]]:
    """The files that the script reads; each line of a list says where its word was written."""
    found: dict[str, str | bytes | PathLike[str]] = {}
    lists: dict[str, list[str]] = {"run": [], "build": []}
    for each in declared.packages:
        line = f"{each.file}:{each.line} {each.word}"
        if each.is_file and not each.is_address:
            path = each.word.partition("#")[0].removeprefix("./")
            place = f"debs/{len(found)}.deb"
            found[f"apt/{place}"] = ctx.app.bytes(path)
            line += f" {place}"
        lists["build"].append(line)
        if not each.for_build:
            lists["run"].append(line)
    for kind, lines in lists.items():
        found[f"apt/{kind}.txt"] = "".join(f"{line}\n" for line in dict.fromkeys(lines))
    sources = []
    for number, repository in enumerate(declared.repositories):
        name, key = _key(ctx, repository, number)
        found[f"apt/keys/{name}"] = key
        components = " ".join(repository.components)
        sources.append(
            f"deb [signed-by={_PLACE}/keys/{name}] {repository.uri} {repository.suite} "
            f"{components}\n"
        )
    found["apt/app.list"] = "".join(sources)
    return found


def _key(ctx: GenerateContext, repository: Repository, number: int) -> tuple[str, str | bytes]:
    from cnbkit import UserFault

    key = repository.signed_by
    if "BEGIN PGP" in key:
        return f"{number}.asc", key
    if not ctx.app.has(key):
        raise UserFault(
            f"there is no file {key}, which should be the key of {repository.uri}",
            where=repository.where,
            remedy="add the key's file to the app",
        )
    data = ctx.app.bytes(key)
    armoured = data.lstrip().startswith(b"-----BEGIN PGP")
    return f"{number}.{'asc' if armoured else 'gpg'}", data
