"""apt itself, run by an ordinary user: its own state, the system's sources and keys."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress

from cnbkit import BuildContext, CommandFailed, PlatformFault
from cnbkit_apt.apt_sources import write_sources
from cnbkit_apt.archive import Archive
from cnbkit_apt.deb_file import deb_file, sha256_of
from cnbkit_apt.faults import check_names, download_failed, unresolvable, update_failed
from cnbkit_aptfile.declared import DeclaredPackage, Repository
from cnbkit_limits import Limits

__all__ = ["AptGet"]

# Packages that others need only while they are installed or configured: here nothing is
# configured, so they would be dead weight (debconf alone brings Perl).
_CONFIGURES = ("adduser", "debconf", "dpkg", "init-system-helpers", "lsb-base", "ucf")
_PROVIDES = {"debconf": "debconf-2.0"}


class AptGet:
    """Resolves and downloads.

    Args:
        ctx: the build.
        system: where the system's files are; empty for `/`.
        mirror: address in place of scheme and host in the system's sources; empty for none.
        repositories: the app's own sources.
        recommends: install recommended packages as well.
        limits: what apt may take.
    """

    def __init__(
        self,
        ctx: BuildContext,
        system: str,
        mirror: str,
        repositories: list[Repository],
        recommends: bool,
        limits: Limits,
    ) -> None:
        self._ctx = ctx
        self.limits = limits
        self._folder = f"{ctx.scratch}/apt"
        self._repositories = repositories
        self._requests: dict[str, tuple[list[str], list[Archive], dict[str, str]]] = {}
        for name in ("state/lists/partial", "etc", "keys"):
            os.makedirs(f"{self._folder}/{name}", exist_ok=True)
        write_sources(ctx, self._folder, system, mirror, repositories)
        with open(f"{self._folder}/none", "w", encoding="utf-8"):
            pass
        self._options = {
            "Dir::State": f"{self._folder}/state",
            "Dir::State::status": f"{self._folder}/none",
            "Dir::Cache": f"{self._folder}/cache",
            "Dir::Cache::pkgcache": "pkgcache.bin",
            "Dir::Etc::sourcelist": f"{self._folder}/etc/sources.list",
            "Dir::Etc::sourceparts": f"{self._folder}/etc/sources.list.d",
            "Dir::Log": f"{self._folder}/log",
            "Debug::NoLocking": "1",
            "APT::Sandbox::User": "root",  # nobody to change to
            "APT::Architecture": ctx.target.arch,
            "APT::Architectures": ctx.target.arch,
            "APT::Install-Recommends": "1" if recommends else "0",
            "APT::Install-Suggests": "0",
            "APT::Get::AllowUnauthenticated": "0",
            "APT::Update::Error-Mode": "any",
            "APT::Update::Post-Invoke": "",
            "APT::Update::Post-Invoke-Success": "",
            "Acquire::Languages": "none",
            "Acquire::ForceHash": "sha256",
            "Acquire::Retries": "3",
            "Acquire::http::Timeout": "30",
            "Acquire::https::Timeout": "30",
        }
        if system:
            self._options["Dir::Etc::trustedparts"] = f"{system}/etc/apt/trusted.gpg.d"
        login = ctx.bindings.first("apt")
        if login is not None and login.has("auth.conf"):
            path = f"{self._folder}/etc/auth.conf"
            with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
                file.write(login.text("auth.conf"))
            self._options["Dir::Etc::netrc"] = path

    def update(self) -> None:
        """Fetch the lists of packages, their signatures checked.

        Raises:
            UserFault: a repository of the app is unknown, or not signed with its key.
            PlatformFault: a source cannot be reached.
        """
        try:
            self._run("apt-get", "update", "-q")
        except CommandFailed as failed:
            raise update_failed(failed.output, self._repositories) from None

    def read_lists(self, folder: str) -> None:
        """Take lists that are there, in place of `update`. apt makes its index of them elsewhere.

        Args:
            folder: with the files that an earlier `apt-get update` has left.
        """
        self._options["Dir::State::lists"] = folder

    def resolve(self, wanted: list[DeclaredPackage], status: str, role: str) -> list[Archive]:
        """What has to be added to installed packages.

        Args:
            wanted: what is asked for.
            status: dpkg's database of what is installed.
            role: a name for this set; see `download`.

        Raises:
            UserFault: a package does not exist, or they contradict each other.
        """
        if not wanted:
            return []
        with open(status, encoding="utf-8") as file:
            installed = file.read()
        asked = {each.name for each in wanted}
        extra = [n for n in _CONFIGURES if n not in asked and f"Package: {n}\n" not in installed]
        path = f"{self._folder}/status-{role}"
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"{installed.rstrip()}\n\n{_paragraphs(extra)}")
        self._begin(role)
        files = {
            each.word: deb_file(self._ctx, each, self._folder, self.limits)
            for each in wanted
            if each.is_file
        }
        named = [each for each in wanted if not each.is_file]
        instead = check_names(named, self._names, self._providers)
        words = list(dict.fromkeys(files.get(e.word) or _word(e, instead) for e in wanted))
        for package in named:
            if other := instead.get(package.name):
                place = f"{package.file}:{package.line}"
                self._ctx.log.info(f"{place}: {package.name} is {other} in this release")
        try:
            told = self._run("apt-get", "install", "-q", "-y", "--print-uris", *words)
        except CommandFailed as failed:
            raise unresolvable(failed.output, wanted, self._versions) from None
        found = []
        checksums = {}
        for line in told.splitlines():
            if line.startswith("'"):
                archive = Archive.parse(line)
                if archive.uri.startswith("file:") and archive.uri[5:] in files.values():
                    checksum = f"SHA256:{sha256_of(archive.uri[5:])}"
                    archive = Archive(**{**vars(archive), "checksum": checksum})
                    checksums[archive.file] = archive.uri[5:]
                found.append(archive)
        found.sort(key=lambda each: each.name)
        self._requests[role] = (words, found, checksums)
        return found

    def download(self, role: str) -> list[str]:
        """Fetch what was resolved under that name; checksums are checked against signed lists.

        Returns:
            Paths of the files, in the order of their packages' names.

        Raises:
            PlatformFault: a file cannot be fetched.
        """
        words, found, own = self._requests[role]
        archives = self._begin(role)
        try:
            self._run("apt-get", "install", "-q", "-y", "--download-only", *words)
        except CommandFailed as failed:
            raise download_failed(failed.output) from None
        paths = [own.get(e.file) or f"{archives}/{e.file}" for e in found]
        gone = [path for path in paths if not os.path.exists(path)]
        # Of a repository that is a folder nothing is copied.
        for path in gone:
            archive = next(each for each in found if path.endswith(f"/{each.file}"))
            place = archive.uri.removeprefix("file://").removeprefix("file:")
            if not archive.uri.startswith("file:") or sha256_of(place) != archive.checksum[7:]:
                raise PlatformFault(
                    f"apt did not bring {archive.file}", where=archive.uri, remedy="build again"
                )
            shutil.copyfile(place, path)
        return paths

    def so_far(self, role: str) -> str:
        """How much of what was resolved under that name is there: "12.1 of 90.0 MB"."""
        folder = f"{self._folder}/archives-{role}"
        size = 0
        for place in (folder, f"{folder}/partial"):
            with suppress(OSError), os.scandir(place) as entries:
                size += sum(each.stat().st_size for each in entries if each.is_file())
        whole = sum(each.size for each in self._requests[role][1])
        return f"{size / 1e6:.1f} of {whole / 1e6:.1f} MB"

    def _begin(self, role: str) -> str:
        """Turn to another set; the folder its files go to."""
        # apt does not print addresses of what it has already.
        archives = f"{self._folder}/archives-{role}"
        os.makedirs(f"{archives}/partial", exist_ok=True)
        self._options["Dir::Cache::archives"] = archives
        self._options["Dir::State::status"] = f"{self._folder}/status-{role}"
        return archives

    def _run(self, program: str, *arguments: str) -> str:
        options = [f"-o{name}={value}" for name, value in self._options.items()]
        with self.limits.watched(self._folder) as until:
            try:
                done = self._ctx.run(
                    *(program, *options, *arguments),
                    quiet=True,
                    env={"LC_ALL": "C.UTF-8", "LANGUAGE": ""},
                    timeout=self.limits.seconds,
                    until=until,
                )
            except CommandFailed as failed:
                if failed.timeout is not None:
                    raise self.limits.too_long() from None
                raise
        return done.stdout

    def _names(self) -> set[str]:
        return set(self._run("apt-cache", "pkgnames").split())

    def _providers(self, name: str) -> list[str]:
        """Packages that a virtual package stands for."""
        try:
            told = self._run("apt-cache", "showpkg", name)
        except CommandFailed:
            return []
        _, _, providers = told.partition("Reverse Provides:")
        return sorted({line.split()[0] for line in providers.splitlines() if line.strip()})

    def _versions(self, name: str) -> list[str]:
        try:
            told = self._run("apt-cache", "madison", name)
        except CommandFailed:
            return []
        return [line.split("|")[1].strip() for line in told.splitlines() if line.count("|") > 1]


def _paragraphs(names: list[str]) -> str:
    """Packages that count as installed, as dpkg's database has them."""
    return "".join(
        f"Package: {name}\nStatus: install ok installed\nArchitecture: all\n"
        "Multi-Arch: foreign\nVersion: 9999\nMaintainer: cnbkit\n"
        + (f"Provides: {_PROVIDES[name]}\n" if name in _PROVIDES else "")
        + "Description: serves configuring only\n\n"
        for name in names
    )


def _word(package: DeclaredPackage, instead: dict[str, str]) -> str:
    """What to ask apt for."""
    other = instead.get(package.name)
    return other + package.word.removeprefix(package.name) if other else package.word
