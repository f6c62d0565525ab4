"""`make bench`: measure, print ratios, write bench/RESULTS.md."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

HERE = Path(__file__).resolve().parent
if str(HERE.parent) not in sys.path:  # started as a program, its own folder is there instead
    sys.path.insert(0, str(HERE.parent))

from bench.builds import Rounds, measure_builds  # noqa: E402
from bench.detect import measure_detect  # noqa: E402
from bench.ecosystems import ECOSYSTEMS, measure_ecosystem  # noqa: E402
from bench.machine import load, machine  # noqa: E402
from bench.many import measure_many  # noqa: E402
from bench.measure import CommandFailed  # noqa: E402
from bench.rebase import measure_rebase  # noqa: E402
from bench.report import report  # noqa: E402
from bench.stories import STORIES  # noqa: E402
from bench.variants import measure_variants  # noqa: E402
from cnbkit.errors import CnbkitError  # noqa: E402
from cnbkit_engine.state.workspace import remove_tree  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable

RESULTS = HERE / "results"
ROOT = HERE.parent


def main() -> None:
    """Measure what is asked for; results of the other part stay in the report."""
    parser = argparse.ArgumentParser(prog="bench/run.py", description=__doc__)
    parser.add_argument(
        "--only",
        choices=("detect", "rebase", "variants", "many", *STORIES, *ECOSYSTEMS),
        help="measure one part",
    )
    parser.add_argument("--runs", type=int, default=5, metavar="N", help="rebuilds of each kind")
    parser.add_argument("--quick", action="store_true", help="once each: does it work at all?")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # end what was started, too
    RESULTS.mkdir(exist_ok=True)
    # On a disk, unlike /tmp on some machines; short, for the engine's socket is in it.
    scratch = Path(tempfile.mkdtemp(prefix="cnbkit-bench-", dir="/var/tmp"))
    try:
        if options.only in (None, "detect"):
            runs = 5 if options.quick else 40
            _measured(
                "detect",
                scratch,
                lambda: measure_detect(
                    ROOT / "examples/vision", ROOT / "builder/builder.toml", RESULTS, runs
                ),
            )
        if options.only in (None, "rebase"):
            count = 5 if options.quick else 50
            _measured("rebase", scratch, lambda: measure_rebase(count, 100))
        if options.only in (None, "variants"):
            place = scratch / "variants"
            place.mkdir()
            _measured(
                "variants", place, partial(measure_variants, place, RESULTS, quick=options.quick)
            )
            remove_tree(place)
        if options.only in (None, "many"):
            place = scratch / "many"
            place.mkdir()
            runs, scale = (1, 0.25) if options.quick else (min(3, options.runs), 1.0)
            _measured(
                "many", place, partial(measure_many, place, RESULTS, Rounds(runs, runs), scale)
            )
            remove_tree(place)
        rounds = Rounds(1, 1) if options.quick else Rounds(min(3, options.runs), options.runs)
        for name, story in STORIES.items():
            if options.only in (None, name):
                place = scratch / name
                place.mkdir()
                _measured(name, place, partial(measure_builds, story, place, RESULTS, rounds))
        for name, ecosystem in ECOSYSTEMS.items():
            if options.only in (None, name):
                place = scratch / name
                place.mkdir()
                measure = partial(measure_ecosystem, ecosystem, place, RESULTS, rounds)
                _measured(name, place, measure)
    except KeyboardInterrupt:
        sys.exit(130)
    except (CnbkitError, CommandFailed) as error:
        sys.exit(f"bench: {error}")
    finally:
        remove_tree(scratch)
    found = {path.stem: json.loads(path.read_text()) for path in RESULTS.glob("*.json")}
    text = report(found)
    (HERE / "RESULTS.md").write_text(text)
    print(text)


def _measured(part: str, scratch: Path, measure: Callable[[], dict[str, Any]]) -> None:
    """Measure one part, and keep its numbers with what they were measured on."""
    print(f"Measuring {part} ...", flush=True)
    on, before = machine(scratch), load()
    result = {"machine": on, "found": measure(), "load": (before, load())}
    (RESULTS / f"{part}.json").write_text(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
