"""Applies a Dockerfile of an image extension to a root file system, and to an image's config."""

from __future__ import annotations

import io
import posixpath
import tarfile
from typing import TYPE_CHECKING, Any

from cnbkit.errors import BuildpackFault, PlatformFault, UserFault
from cnbkit_engine.extend.copying import Copy
from cnbkit_engine.extend.dockerfile import Instruction, fill_in, pairs, read, words
from cnbkit_engine.extend.request import Request, files_below

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cnbkit_engine.extend.workshop import Workshop

__all__ = ["PATH", "Applied"]

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_SHOWN = 30  # lines of a command that failed
# By its exit status a command may say that it is not the extension that is at fault.
_FAULTS = {kind.exit_code: kind for kind in (UserFault, PlatformFault)}
_ERROR = "Error: "


class Applied:
    """An image's config, as Dockerfiles change it one after the other.

    Args:
        config: the config document's `config`; is changed.
        workshop: the root file system.
        say: told what commands print.
        proxies: variables for commands alone.
    """

    def __init__(
        self,
        config: dict[str, Any],
        workshop: Workshop,
        say: Callable[[str], None],
        proxies: Mapping[str, str],
    ) -> None:
        self.config = config
        self._proxies = proxies
        self._workshop = workshop
        self._say = say
        self._shell = ["/bin/sh", "-c"]
        self._args: dict[str, str] = {}

    @property
    def env(self) -> dict[str, str]:
        """The image's environment."""
        return dict(item.partition("=")[::2] for item in self.config.get("Env") or ())

    def apply(self, request: Request, given: Mapping[str, str]) -> None:
        """Carry out one Dockerfile.

        Args:
            request: the extension's.
            given: values of ARGs: the extension's own and the platform's.

        Raises:
            BuildpackFault: a command fails, or what it says cannot be done.
        """
        self._args, self._shell = {}, ["/bin/sh", "-c"]
        for each in read(request.dockerfile, request.where):
            where = f"{request.where}:{each.line}"
            match each.name:
                case "ARG":
                    self._argument(each, given)
                case "ENV":
                    self._environment(pairs(each, self._variables(), request.where))
                case "LABEL":
                    labels = self.config.setdefault("Labels", None) or {}
                    self.config["Labels"] = {
                        **labels,
                        **pairs(each, self._variables(), request.where),
                    }
                case "USER":
                    self.config["User"] = fill_in(each.text, self._variables())
                case "WORKDIR":
                    path = fill_in(each.text, self._variables())
                    before = self.config.get("WorkingDir") or "/"
                    self.config["WorkingDir"] = posixpath.normpath(posixpath.join(before, path))
                    self._workshop.folder(self.config["WorkingDir"])
                case "SHELL":
                    self._shell = each.words or self._shell
                case "RUN":
                    self._run(each, where)
                case "COPY" | "ADD":
                    self._copy(each, request, where)
                case _:
                    pass  # FROM: the image it is applied to

    def _variables(self) -> dict[str, str]:
        return {**self._args, **self.env}

    def _argument(self, each: Instruction, given: Mapping[str, str]) -> None:
        for word in words(each, self._variables()):
            name, equals, value = word.partition("=")
            if name in given:
                self._args[name] = given[name]
            elif equals:
                self._args[name] = value

    def _environment(self, said: Mapping[str, str]) -> None:
        self.config["Env"] = [f"{name}={value}" for name, value in {**self.env, **said}.items()]

    def _run(self, each: Instruction, where: str) -> None:
        command = each.words or [*self._shell, each.text]
        who = self.config.get("User") or "0"
        uid, _, home = self._workshop.user(who)
        if uid != 0:
            raise BuildpackFault(
                f"RUN as the user {who}",
                where=where,
                remedy="write `USER root` before RUN, and `USER ${user_id}` behind it",
            )
        env = {"PATH": PATH, "HOME": home, **self._proxies, **self._args, **self.env}
        last: list[str] = []

        def line(text: str) -> None:
            self._say(text)
            last.append(text)
            del last[:-_SHOWN]

        self._say(f"RUN {each.text}")
        code = self._workshop.run(command, env, self.config.get("WorkingDir") or "/", line)
        told = [text.removeprefix(_ERROR) for text in last if text.startswith(_ERROR)]
        if code in _FAULTS and told:
            raise _FAULTS[code](
                "; ".join(told),
                where=where,
                remedy="do what it says",
                detail="\n".join(last),
            )
        if code:
            raise BuildpackFault(
                f"a command of an image extension failed with {code}: {each.text[:200]}",
                where=where,
                remedy="see what it says",
                detail="\n".join(last),
            )

    def _copy(self, each: Instruction, request: Request, where: str) -> None:
        *sources, target = words(each, self._variables()) or [""]
        if not sources:
            raise BuildpackFault(
                f"{each.name} needs a source and a target", where=where, remedy="name both"
            )
        owner = each.options.get("chown") or "0:0"
        uid, gid, _ = self._workshop.user(owner)
        if uid < 0 or gid < 0:
            raise BuildpackFault(f"there is no user {owner}", where=where, remedy="write numbers")
        copied = Copy(posixpath.join(self.config.get("WorkingDir") or "/", target), sources)
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as tar:
            for path, mode, content in files_below(request.context):
                for place in copied.places(path, folder=content is None):
                    entry = tarfile.TarInfo(place.lstrip("/"))
                    entry.mode = mode
                    if content is None:
                        entry.type = tarfile.DIRTYPE
                    elif each.name == "ADD" and tarfile.is_tarfile(io.BytesIO(content)):
                        raise BuildpackFault(
                            f"ADD of the archive {path}, which it would unpack",
                            where=where,
                            remedy="write COPY, and unpack it with RUN tar",
                        )
                    else:
                        entry.size = len(content)
                    tar.addfile(entry, io.BytesIO(content or b""))
        if copied.missing:
            raise BuildpackFault(
                f"the context has no {' or '.join(copied.missing)}",
                where=where,
                remedy="give the file in the extension's context",
            )
        buffer.seek(0)
        name = posixpath.basename(sources[0])
        self._workshop.copy(buffer, name, f"{uid}:{gid}", each.options.get("chmod", ""))
