"""A process before it is the image's: what runs, and where that was found."""

from __future__ import annotations

import os

from cnbkit import Process

__all__ = ["Found"]


class Found:
    """A process and its origin.

    Attributes:
        type: its name.
        text: its command, as people write it.
        command: program and arguments.
        origin: "Procfile:2", "app.py", "web"; what the log says it comes from.
        args: arguments that `run` may replace.
        default: whether it is declared to be what the image starts.
        working_dir: absolute, or relative to the app; None for the app.
        exec_env: execution environments it is for; all if empty.
        warning: what is to be said if this is what the image gets.
    """

    __slots__ = (
        *("args", "command", "default", "exec_env", "origin", "text", "type", "warning"),
        "working_dir",
    )

    def __init__(
        self,
        type: str,
        text: str,
        command: list[str],
        origin: str,
        *,
        args: list[str] | None = None,
        default: bool = False,
        working_dir: str | None = None,
        exec_env: list[str] | None = None,
        warning: str = "",
    ) -> None:
        self.type = type
        self.text = text
        self.command = command
        self.origin = origin
        self.args = args or []
        self.default = default
        self.working_dir = working_dir
        self.exec_env = exec_env or []
        self.warning = warning

    def process(self, type: str, *, default: bool, folder: str = "") -> Process:
        """What goes into the image, under that name.

        Args:
            type: the name.
            default: whether it is what the image starts.
            folder: of the app, where the project lies; what is relative is relative to it.
        """
        place = self.working_dir
        if folder:
            place = os.path.join(folder, place or "").rstrip("/")
        return Process(
            type=type,
            command=self.command,
            args=self.args,
            default=default,
            working_dir=place,
            exec_env=self.exec_env,
        )
