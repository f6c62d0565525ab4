"""What a buildpack's detect looks for, and what it loads for that."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from cnbkit_engine.lint.probe import MODULES

if TYPE_CHECKING:
    from cnbkit_engine.lint.finding import Findings
    from cnbkit_engine.lint.probe import Probed
    from cnbkit_engine.lint.text import Python

__all__ = ["check_detect"]

# Never part of the app that a buildpack sees (`cnbkit build` leaves them out).
_NEVER_THERE = {".git", ".hg", ".svn", "__pycache__", ".venv", ".mypy_cache", ".pytest_cache"}


def check_detect(
    told: Probed, python: Python, place: tuple[Path, int], attribute: str, found: Findings
) -> None:
    """Triggers that never match or are surprising, and imports that take long.

    Args:
        told: what the class declares.
        python: the buildpack's code.
        place: of the class.
        attribute: its name.
        found: what was found so far.
    """
    for pattern in told.files:
        at = python.place_of_text(pattern) or place
        steps = set(pattern.split("/"))
        if steps & _NEVER_THERE:
            what = f"the trigger {pattern} never matches: that folder is not part of the app"
            found.error(*at, "trigger", what, "name a file that is")
        elif pattern.startswith(("BP_", "BPE_", "BPL_")):
            what = f"the trigger {pattern} is the name of a file, and looks like a variable"
            found.warning(*at, "trigger", what, f'write: Triggers(settings=("{pattern}",))')
        elif any(char in pattern for char in "{}") or pattern != pattern.strip():
            what = f"the trigger {pattern!r} never matches: only * and ? are patterns"
            found.error(*at, "trigger", what, "write each name by itself")
    for name in told.settings:
        at = python.place_of_text(name) or place
        if not name.startswith(("BP_", "BPE_")):
            what = f"the trigger {name} is not a BP_* variable"
            remedy = "name it BP_…: platforms pass on others too, but nobody expects them to act"
            found.warning(*at, "setting", what, remedy)
    triggers = told.files or told.settings or told.bindings
    if told.static and not triggers and not told.planned:
        what = f"{attribute} takes part in every build: it has no triggers, no plan and no detect"
        remedy = "declare triggers; or plan = Plan() if every build is meant"
        found.warning(*place, "trigger", what, remedy)
    # What the buildpack imports itself brings the others along.
    places = {name: python.place_of_import(name.partition(".")[0]) for name in told.heavy}
    own = {name: at for name, at in places.items() if at}
    # One line may load several, such as a name of cnbkit's that detect has no use for.
    by_line: dict[tuple[Path, int], list[str]] = {}
    for name in told.heavy:
        file, line = told.loaded_at.get(name, ("", 0))
        if own and not file and name not in own:
            continue  # comes along with those
        where = own.get(name) or ((Path(file), line) if file else place)
        by_line.setdefault(where, []).append(name)
    for where, names in by_line.items():
        which = own_names if (own_names := [name for name in names if name in own]) else names
        what = f"detect loads {', '.join(which)}, which takes longer than a detect should"
        remedy = "import it inside build, or under TYPE_CHECKING if only annotations need it"
        if not own_names and where != place:
            what = (
                f"this line loads {', '.join(which)} in detect, which takes longer than it should"
            )
            remedy = (
                "move it into build, or do without it: ctx.app.has, text and bytes load nothing"
            )
        found.warning(*where, "heavy", what, remedy)
    if not own and not told.loaded_at and len(told.modules) > MODULES:
        loaded = f"detect loads {len(told.modules)} modules besides Python's own"
        what = f"{loaded}; {MODULES} are a good limit"
        remedy = "import inside build whatever only build needs"
        found.warning(*place, "heavy", what, remedy)
