"""Workers that take tasks from a queue: Celery; and bots."""

from __future__ import annotations

from cnbkit_start.frameworks.seen import Seen
from cnbkit_start.process import Found
from cnbkit_start.procfile import command_of
from cnbkit_start.source import folders, read_source

__all__ = ["bot", "celery"]

_MODULES = ("celery_app.py", "celery_worker.py", "celeryapp.py", "worker.py", "tasks.py")
_IN_PACKAGES = ("celery.py", *_MODULES)
# Modules that bots are made with.
_BOTS = (
    *("telegram", "aiogram", "telebot", "telethon", "pyrogram", "discord", "nextcord", "disnake"),
    *("slack_bolt", "slack_sdk"),
)


def celery(seen: Seen) -> Found | None:
    """The worker of the first app of Celery there is."""
    named = [name for name in _MODULES if seen.app.has(name)]
    for base in ("", "src/"):
        for folder in folders(f"{seen.app.root}/{base}"):
            inner = (f"{base}{folder}/{name}" for name in _IN_PACKAGES)
            named += [name for name in inner if seen.app.has(name)]
    for source in [*(read_source(seen.app, name) for name in named), *seen.sources]:
        if source.code.imports("celery"):
            name, line = seen.app_in(source, "Celery")
            if name:
                path = f"env PYTHONPATH={source.root} " if source.root else ""
                text = f"{path}celery --app {source.module}:{name} worker --loglevel INFO"
                return Found("worker", text, command_of(text), f"{source.name}:{line}")
    return None


def bot(seen: Seen, web: Found) -> Found | None:
    """The script of a bot, where something else answers requests: the app has two programs."""
    name = "bot.py"
    code = read_source(seen.app, name).code
    if web.origin.partition(":")[0] == name or code.only_defines or code.only_greets:
        return None
    if not any(code.imports(each) for each in _BOTS):
        return None
    return Found("worker", f"python3 {name}", ["python3", name], name)
