"""From the app's file to packages, kept for the next build."""

from __future__ import annotations

import os
from pathlib import Path

from rattler import (
    BuildString,
    Gateway,
    GenericVirtualPackage,
    LockChannel,
    LockFile,
    LockPlatform,
    MatchSpec,
    PackageName,
    RepoDataRecord,
    Subdir,
    Version,
    solve,
)
from rattler.channel import Channel
from rattler.exceptions import GatewayError, InvalidChannelError, SolverError

from cnbkit import BuildContext, Log, UserFault
from cnbkit_conda.choice import SUBDIRS, Input
from cnbkit_conda.config import CondaConfig
from cnbkit_conda.environment_file import EnvironmentFile
from cnbkit_conda.fetch import fault_of, limits, make_client
from cnbkit_conda.kept import Kept, variable_lines
from cnbkit_conda.places import Place, Places, channel_names
from cnbkit_conda.unsatisfied import unsatisfied

__all__ = ["kept_records", "make_places", "resolve", "subdir_of"]

_NOARCH = "noarch"
# Where nobody names a channel. Anaconda's own ask larger companies to pay.
_COMMUNITY = "conda-forge"
_NO_CHANNEL = "nodefaults"


def subdir_of(ctx: BuildContext) -> str:
    """The platform's name among conda's."""
    return SUBDIRS.get(ctx.target.arch, "linux-64")


def make_places(ctx: BuildContext, chosen: Input) -> Places:
    """The channels, below the address that rattler has for named ones."""
    base = Channel(_COMMUNITY).base_url.rstrip("/")
    places = Places(ctx, base.removesuffix(f"/{_COMMUNITY}"))
    if chosen.kind in ("environment", "explicit"):  # locks of tools have no logins
        places.learn(ctx.app.text(chosen.name))
    return places


def resolve(
    ctx: BuildContext,
    config: CondaConfig,
    chosen: Input,
    groups: list[str],
    virtual: list[str],
    kept: Kept,
) -> None:
    """Find out all packages, and keep them; of a lock, those of its main group and of `groups`.

    Raises:
        UserFault: the file is faulty, or what it asks for does not exist or does not fit.
        PlatformFault: a channel cannot be reached.
    """
    if kept.lines("refresh") != [config.refresh] and os.path.exists(kept.lock):
        os.unlink(kept.lock)
    places = make_places(ctx, chosen)
    variables: list[tuple[str, str]] = []
    requested: list[str] = []
    pip: list[str] = []
    if chosen.kind == "environment":
        environment = EnvironmentFile.parse(ctx.app.text(chosen.name), chosen.name)
        records = _solve(ctx, environment, places, virtual, kept)
        variables = environment.variables
        requested = [wanted.text for wanted in environment.packages]
        pip = [f"{line} {text}" for line, text in environment.pip]
    elif chosen.kind == "explicit":
        from cnbkit_conda.explicit import read_list

        records = read_list(ctx, chosen.name, places)
    else:
        from cnbkit_conda.locks import read_lock

        records, entries = read_lock(ctx, config, chosen, groups)
        pip = entries
    if pip and not any(record.name.normalized == "python" for record in records):
        line = pip[0].partition(" ")[0]
        raise UserFault(
            "there are packages for pip, but no Python",
            where=f"{chosen.name}:{line}" if line.isdigit() else chosen.name,
            remedy="add python to the dependencies",
        )
    _keep(kept, records)
    kept.variables = variable_lines(variables)
    kept.requested = requested
    for name in ("variables", "requested"):
        kept.write(name, getattr(kept, name))
    kept.write("pip", pip)
    kept.write("refresh", [config.refresh])
    ctx.log.info(f"{Log.counted(len(records), 'package')} for {subdir_of(ctx)}")


def _keep(kept: Kept, records: list[RepoDataRecord]) -> None:
    platform = LockPlatform(_subdir_of_records(records))
    lock = LockFile([platform])
    channels = dict.fromkeys(record.channel for record in records if record.channel)
    lock.set_channels("default", [LockChannel(url) for url in channels])
    for record in records:
        lock.add_conda_package("default", platform, record)
    lock.to_path(Path(kept.lock))
    kept.packages = sorted(
        f"{record.name.normalized} {record.version} {record.build} #{_sum(record)}"
        for record in records
    )
    kept.write("packages", kept.packages)


def _subdir_of_records(records: list[RepoDataRecord]) -> str:
    found = {record.subdir for record in records} - {_NOARCH}
    return min(found) if found else "linux-64"


def _sum(record: RepoDataRecord) -> str:
    digest = record.sha256 or record.md5
    return digest.hex()[:24] if digest else record.url


def _solve(
    ctx: BuildContext,
    environment: EnvironmentFile,
    places: Places,
    virtual: list[str],
    kept: Kept,
) -> list[RepoDataRecord]:
    if environment.unknown:
        names = ", ".join(environment.unknown)
        ctx.log.warning(f"{environment.file}: not understood and left out: {names}")
    if places.rc.left_out:
        ctx.log.info(f"Of .condarc not used: {', '.join(places.rc.left_out)}")
    channels = _channels(ctx, environment, places)
    texts, asked = [], [*virtual]
    for wanted in environment.packages:
        if wanted.channel:
            of = places.channel(wanted.channel)
            if of.location not in {each.location for each in channels}:
                channels.append(of)
            texts.append(f"{of.location.rstrip('/')}::{wanted.text}")
            asked.append(f"{of.url}::{wanted.text}")
        else:
            texts.append(wanted.text)
            asked.append(wanted.text)
    asked += [each.url for each in channels]
    if kept.complete and os.path.exists(kept.lock) and asked == kept.lines("asked"):
        ctx.log.info("What is asked of conda is unchanged, and so are its packages")
        return kept_records(kept)
    ctx.log.info(f"Channels: {', '.join(map(str, channels))}")
    ctx.log.info(f"Virtual packages: {', '.join(_shown(each) for each in virtual)}")
    records = _ask(ctx, environment, places, channels, texts, virtual, kept)
    for record in records:
        record.url = places.own(record.url)
        record.channel = places.own(record.channel)
    kept.write("asked", asked)
    return records


def _ask(
    ctx: BuildContext,
    environment: EnvironmentFile,
    places: Places,
    channels: list[Place],
    texts: list[str],
    virtual: list[str],
    kept: Kept,
) -> list[RepoDataRecord]:
    client = make_client(ctx, places)
    gateway = Gateway(cache_dir=Path(ctx.scratch, "repodata"), client=client)
    before = _before(kept, places, channels)
    platforms = [Subdir(subdir_of(ctx)), Subdir(_NOARCH)]
    sources = [each.location for each in channels]

    async def run() -> list[RepoDataRecord]:
        try:
            return await solve(
                sources,
                [MatchSpec(text, strict=False) for text in texts],
                gateway=gateway,
                platforms=platforms,
                locked_packages=before,
                virtual_packages=[_virtual(each) for each in virtual],
            )
        except SolverError as error:
            raise await unsatisfied(error, environment, gateway, sources, platforms) from None

    with ctx.log.timed(f"Solving {environment.file}"):
        try:
            return limits(ctx).run(run(), f"{ctx.scratch}/repodata")
        except GatewayError as error:
            raise fault_of(error, places, _where(environment, places, str(error))) from None
        except InvalidChannelError as error:
            raise UserFault(
                f"a channel is not an address and no name: {error}",
                where=environment.file,
                remedy="write a channel's name, like conda-forge, or its address, https://host/name",
            ) from None


def _channels(ctx: BuildContext, environment: EnvironmentFile, places: Places) -> list[Place]:
    names = channel_names(ctx) or [name for _, name in environment.channels]
    names = [name for name in names if name != _NO_CHANNEL] or places.rc.channels
    for name in names:
        if not places.known(name):
            ctx.log.warning(
                f"the channel {name} is left out: companies may have to pay for its packages; "
                "if you may use it, name its addresses as default_channels in a .condarc"
            )
    names = [name for name in names if places.known(name)]
    if not names and not places.offline:
        names = [_COMMUNITY]
        ctx.log.info(f"No channel is named: packages come from {_COMMUNITY}")
    found = [place for name in names or [""] for place in places.channels(name)]
    return list({place.location: place for place in found}.values())


def _before(kept: Kept, places: Places, channels: list[Place]) -> list[RepoDataRecord]:
    """The packages of the last solution, as far as they are from these channels."""
    found = kept_records(kept) if os.path.exists(kept.lock) else []
    for record in found:
        record.url = places.location(record.url)
        record.channel = record.url.rsplit("/", 2)[0] + "/"
    locations = {each.location for each in channels}
    return [record for record in found if record.channel in locations]


def kept_records(kept: Kept) -> list[RepoDataRecord]:
    """The kept packages."""
    environment = LockFile.from_path(Path(kept.lock)).default_environment()
    found: list[RepoDataRecord] = []
    for platform in environment.platforms() if environment else []:
        assert environment is not None
        found += environment.conda_repodata_records_for_platform(platform) or []
    return found


def _virtual(text: str) -> GenericVirtualPackage:
    name, version, build = text.split("=")
    return GenericVirtualPackage(PackageName(name), Version(version), BuildString(build))


def _shown(virtual: str) -> str:
    name, version, build = virtual.split("=")
    return f"{name} {version}" if build == "0" and version != "0" else f"{name} {build}"


def _where(environment: EnvironmentFile, places: Places, text: str) -> str:
    """The line that names the channel an error is about."""
    for line, name in environment.channels:
        if places.known(name) and any(each.location in text for each in places.channels(name)):
            return environment.where(line)
    return environment.file
