"""Fill the environment's layer."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

from rattler import MatchSpec, RepoDataRecord, Subdir
from rattler import install as link
from rattler.exceptions import FetchRepoDataError, GatewayError, InstallerError, LinkError

from cnbkit import BuildContext, Log, OpenLayer, UserFault
from cnbkit_conda.activation import activate
from cnbkit_conda.bill import describe
from cnbkit_conda.bytecode import make_bytecode
from cnbkit_conda.choice import Input
from cnbkit_conda.fetch import fault_of, limits, make_client
from cnbkit_conda.kept import Kept
from cnbkit_conda.places import Places
from cnbkit_conda.prefix import prefix_of
from cnbkit_conda.resolve import kept_records, make_places, subdir_of

__all__ = ["install"]

# Of this build, not of the package.
_OF_THIS_BUILD = ("extracted_package_dir", "package_tarball_full_path", "indexed_timestamp")


def install(ctx: BuildContext, chosen: Input, kept: Kept, layer: OpenLayer, packages: str) -> None:
    """Install the kept packages.

    Args:
        ctx: the build.
        chosen: the input, which may have logins for channels in it.
        kept: the packages.
        layer: gets the prefix and its environment.
        packages: directory for downloaded and unpacked packages.

    Raises:
        UserFault: a package is gone from its channel.
        PlatformFault: a channel cannot be reached, or has another file than it says.
    """
    places = make_places(ctx, chosen)
    records = kept_records(kept)
    for record in records:
        places.channel(record.channel)
        record.url = places.location(record.url)
        _check_file(record)
    prefix = prefix_of(layer.directory)
    size = sum(record.size or 0 for record in records)
    weight = f", {size / 1e6:.1f} MB" if size else ""
    why = "; ".join(layer.why) or "it is needed during this build"
    ctx.log.info(f"{layer.layer.name}: {why}")

    def so_far() -> str:
        there = sum(entry.is_dir() for entry in os.scandir(packages) if entry.name[0] != ".")
        return f"{min(there, len(records))} fetched"

    os.makedirs(packages, exist_ok=True)
    with ctx.log.timed(f"Installing {Log.counted(len(records), 'package')}{weight}", so_far):
        _link(ctx, places, records, prefix, packages)
    python = kept.version("python")
    if python:
        with ctx.log.timed("Making bytecode"):
            make_bytecode(ctx, prefix, ".".join(python.split(".")[:2]))
    layer.env.launch.prepend("PATH", f"{prefix}/bin", ":")
    layer.env.launch.override("CONDA_PREFIX", prefix)
    layer.env.launch.override("CONDA_DEFAULT_ENV", os.path.basename(prefix))
    for name, value in activate(ctx, prefix).items():
        if name == "PATH":
            layer.env.launch.prepend("PATH", value, ":")
        else:
            layer.env.launch.default(name, value)
    _normalise(prefix, places, kept)
    describe(layer, prefix, places.public)


def _link(
    ctx: BuildContext,
    places: Places,
    records: list[RepoDataRecord],
    prefix: str,
    packages: str,
) -> None:
    os.makedirs(packages, exist_ok=True)
    client = make_client(ctx, places)

    async def run() -> None:
        await link(
            records,
            prefix,
            cache_dir=Path(packages),
            platform=Subdir(subdir_of(ctx)),
            # As conda does: some packages are not complete without theirs.
            execute_link_scripts=True,
            show_progress=False,
            client=client,
        )

    try:
        limits(ctx).run(run(), packages, prefix)
    except (InstallerError, LinkError, GatewayError, FetchRepoDataError, OSError) as error:
        raise fault_of(error, places, _where(records, str(error))) from None


def _check_file(record: RepoDataRecord) -> None:
    """Compare a file's checksum: rattler does so only with what it downloads."""
    path = record.url.removeprefix("file://")
    kind, wanted = ("sha256", record.sha256) if record.sha256 else ("md5", record.md5)
    if path == record.url or not wanted or not os.path.exists(path):
        return
    with open(path, "rb") as file:
        found = hashlib.file_digest(file, kind).digest()
    if found != wanted:
        raise UserFault(
            f"{record.file_name} is not the file it should be",
            where=path,
            remedy="lock again if the new file is wanted; if nothing was changed on purpose, it "
            "may have been tampered with",
            detail=f"its {kind} is {found.hex()}, and should be {wanted.hex()}",
        )


def _where(records: list[RepoDataRecord], text: str) -> str:
    """The package an error names."""
    named = (each.file_name for each in records if each.file_name in text)
    return next(named, "the environment")


def _normalise(prefix: str, places: Places, kept: Kept) -> None:
    """Take out of conda's own records what another build of the same would have otherwise."""
    os.unlink(f"{prefix}/CACHEDIR.TAG")  # it has tools leave out what no cache is
    folder = f"{prefix}/conda-meta"
    requested: dict[str, list[str]] = {}
    for text in kept.requested:
        spec = MatchSpec(text, strict=False)
        requested.setdefault(spec.name.normalized if spec.name else text, []).append(text)
    for name in sorted(os.listdir(folder)):
        path = f"{folder}/{name}"
        if name == "history":
            # conda takes a prefix without one for none at all.
            with open(path, "w", encoding="utf-8"):
                continue
        if not name.endswith(".json"):
            continue
        with open(path, encoding="utf-8") as file:
            record = json.load(file)
        for key in _OF_THIS_BUILD:
            record.pop(key, None)
        record["requested_specs"] = requested.get(record["name"], [])
        if isinstance(record.get("link"), dict):
            record["link"] = {"type": 3}  # copied: what it was linked from is not there
        for key in ("url", "channel"):
            if isinstance(record.get(key), str):
                record[key] = places.own(record[key])
        # Bytecode is not as the package had it.
        paths = record.get("paths_data", {}).get("paths", [])
        for entry in paths:
            if entry.get("_path", "").endswith(".pyc"):
                for key in ("sha256", "sha256_in_prefix", "size_in_bytes"):
                    entry.pop(key, None)
        os.unlink(path)  # may be a link to what is in a cache
        with open(path, "w", encoding="utf-8") as file:
            json.dump(record, file, indent=1, sort_keys=True)
            file.write("\n")
