"""What `BP_PIP_SLIM` leaves of heavy packages, and whether they do the same without the rest.

    python bench/slim.py [PACKAGE …]

The packages are installed with what they need, as this Python's index has them today; each runs a
few lines before and after, which have to print the same.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

HERE = Path(__file__).resolve().parent
for place in (HERE.parent, HERE.parent / "buildpacks/pip", HERE.parent / "buildpacks/common"):
    if str(place) not in sys.path:  # started as a program, only its own folder is there
        sys.path.insert(0, str(place))

from bench.table import markdown  # noqa: E402
from cnbkit import BuildContext  # noqa: E402
from cnbkit.log import Log  # noqa: E402
from cnbkit_pip.layers.metadata import read_metadata  # noqa: E402
from cnbkit_pip.layers.slim import slim  # noqa: E402
from cnbkit_python_inputs.requirements import normalised  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["PACKAGES", "Slimmed", "measure_slim", "table"]

PACKAGES: dict[str, str] = {
    "numpy": "import numpy as n; print(n.linalg.svd(n.arange(9.0).reshape(3, 3))[1].round(6))",
    "pandas": "import pandas as p; print(p.DataFrame({'a': [1, 2, 4]}).describe().to_csv())",
    "scipy": "from scipy import optimize, sparse, stats; print(stats.norm.cdf(1.0).round(9), "
    "optimize.brentq(lambda x: x * x - 2, 0, 2), sparse.eye(3).sum())",
    "scikit-learn": "from sklearn.ensemble import RandomForestClassifier as R; "
    "print(R(9, random_state=0).fit([[0], [1], [2], [3]], [0, 0, 1, 1]).predict([[0], [3]]))",
    "pyarrow": "import pyarrow as a, pyarrow.parquet, pyarrow.compute as c; "
    "print(c.sum(a.array([1, 2, 3])), a.table({'a': [1]}).schema)",
    "opencv-python-headless": "import cv2, numpy as n; "
    "print(cv2.GaussianBlur(n.eye(9, dtype='uint8') * 255, (3, 3), 0).sum())",
    "matplotlib": "import matplotlib; matplotlib.use('agg'); import matplotlib.pyplot as p, io; "
    "p.plot([1, 2, 4]); b = io.BytesIO(); p.savefig(b, format='raw'); print(len(b.getvalue()))",
    "xgboost": "import xgboost as x, numpy as n; "
    "print(x.train({'nthread': 1}, x.DMatrix(n.eye(4), label=[0, 1, 0, 1]), 2)"
    ".predict(x.DMatrix(n.eye(4))).round(5))",
    "lightgbm": "import lightgbm as g, numpy as n; "
    "print(g.train({'verbose': -1, 'min_data_in_leaf': 1, 'num_threads': 1}, "
    "g.Dataset(n.eye(8), label=list(range(8))), 2).predict(n.eye(8)).round(5))",
    "onnxruntime": "import onnxruntime as o; print(o.get_available_providers())",
    "transformers": "from transformers import BertConfig, AutoConfig; "
    "print(BertConfig().hidden_size, AutoConfig.for_model('gpt2').n_layer)",
}
"""What is measured, and what it has to be able to do afterwards."""

# Without what it needs for several machines with NVIDIA's cards: 300 MB that nothing here loads.
_ALONE = {"xgboost"}


class Slimmed(NamedTuple):
    """One package.

    Attributes:
        before: bytes of its files.
        after: bytes that are left.
        same: whether it prints what it printed before.
        printed: that, or the error.
    """

    before: int
    after: int
    same: bool
    printed: str


def measure_slim(folder: Path, names: Iterable[str]) -> dict[str, Slimmed]:
    """Install packages, and slim them all.

    Args:
        folder: an empty one.
        names: some of `PACKAGES`.

    Raises:
        CalledProcessError: they cannot be installed.
    """
    site = folder / "site-packages"
    wanted = list(names)
    together = [name for name in wanted if name not in _ALONE]
    alone = [name for name in wanted if name in _ALONE]
    _install(site, together)
    for name in alone:
        _install(site, [name], "--no-deps")
    first = {name: _printed(site, PACKAGES[name]) for name in wanted}
    ctx = _context(folder)
    sizes: dict[str, tuple[int, int]] = {}
    for info in sorted(site.glob("*.dist-info")):
        name = normalised(read_metadata(str(info))["Name"])
        sizes[name] = slim(ctx, str(site), [name])
    found = {}
    for name in wanted:
        text = _printed(site, PACKAGES[name])
        found[name] = Slimmed(*sizes[name], text == first[name] and text[:2] == "0 ", text)
    return found


def table(found: Mapping[str, Slimmed]) -> str:
    """The results in Markdown."""
    rows = [
        (
            name,
            f"{each.before / 1e6:.1f} MB",
            f"{each.after / 1e6:.1f} MB",
            f"{1 - each.after / each.before:.0%}",
            "yes" if each.same else "NO",
        )
        for name, each in found.items()
    ]
    before = sum(each.before for each in found.values())
    after = sum(each.after for each in found.values())
    share = f"{1 - after / before:.0%}"
    rows.append(("all", f"{before / 1e6:.1f} MB", f"{after / 1e6:.1f} MB", share, ""))
    return markdown(("", "files", "slim", "less", "does the same"), rows)


def _install(site: Path, names: Iterable[str], *options: str) -> None:
    uv = Path(sys.executable).with_name("uv")
    command = [uv, "pip", "install", "--quiet", "--target", site, *options, *names]
    subprocess.run([str(each) for each in command], check=True)


def _printed(site: Path, code: str) -> str:
    """Exit status and output of a few lines."""
    done = subprocess.run(
        [sys.executable, "-S", "-c", f"import sys; sys.path.insert(0, {str(site)!r}); {code}"],
        capture_output=True,
        text=True,
    )
    return f"{done.returncode} {done.stdout}{done.stderr if done.returncode else ''}"


def _context(folder: Path) -> BuildContext:
    (folder / "layers").mkdir()
    return BuildContext(
        app=str(folder),
        env={"PATH": "/usr/bin:/bin"},
        buildpack="",
        platform="",
        layers=str(folder / "layers"),
        plan="",
        log=Log(),
    )


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(prog="bench/slim.py", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="PACKAGE", help="some of those it knows")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cnbkit-slim-", dir="/var/tmp") as folder:
        found = measure_slim(Path(folder), asked.names or PACKAGES)
    print(table(found))
    for name, each in found.items():
        if not each.same:
            print(f"{name}: {each.printed}")


if __name__ == "__main__":
    main()
