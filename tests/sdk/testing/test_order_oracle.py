"""The simulated detector against the real one, on random orders."""

from __future__ import annotations

import random
import subprocess
import tempfile
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from cnbkit import Plan, Target
from cnbkit.spec.buildpack import Distro, Order, OrderEntry, TargetEntry
from cnbkit.spec.toml import encode
from cnbkit.testing.order import simulate
from cnbkit.testing.verdict import Candidate

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cnbkit.testing.verdict import Verdict

    Known = dict[str, Candidate | list[Order]]

DEBIAN = Target(os="linux", arch="amd64", distro="debian", distro_version="12")

# One process serves all cases: a line in is a folder, a line out the detector's exit status.
# Not as root, which the detector refuses to be.
SERVER = """
while read -r folder; do
    (cd "$folder" && exec "$0" -app app -buildpacks buildpacks -order order.toml \
        -group group.toml -plan plan.toml -platform platform -analyzed analyzed.toml \
        -layers layers -generated generated -extensions extensions) </dev/null >/dev/null 2>&1
    echo $?
done
"""


class RealDetector:
    """The lifecycle's detector."""

    def __init__(self, lifecycle: Path) -> None:
        command = [
            *("bwrap", "--unshare-user", "--uid", "1000", "--gid", "1000", "--dev-bind", "/", "/"),
            *("--setenv", "CNB_PLATFORM_API", "0.15", "--setenv", "CNB_EXEC_ENV", "production"),
            *("/bin/sh", "-c", SERVER, str(lifecycle / "detector")),
        ]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )

    def __call__(
        self,
        order: Sequence[Order],
        known: Known,
        order_extensions: Sequence[Order] = (),
        extensions: Known | None = None,
    ) -> dict[str, Any]:
        with tempfile.TemporaryDirectory() as scratch:
            root = Path(scratch)
            _write(root, order, known, order_extensions, extensions or {})
            assert self.process.stdin is not None
            assert self.process.stdout is not None
            self.process.stdin.write(f"{root}\n")
            code = int(self.process.stdout.readline())
            if code:
                return {"code": code, "group": [], "extensions": [], "plan": {}}
            table = tomllib.loads((root / "group.toml").read_text())
            entries = tomllib.loads((root / "plan.toml").read_text()).get("entries", [])
        return {
            "code": 0,
            "group": _names(table.get("group", [])),
            "extensions": _names(table.get("group-extensions", [])),
            "plan": {
                entry["requires"][0]["name"]: (
                    _names(entry["providers"]),
                    [(each["name"], each.get("metadata", {})) for each in entry["requires"]],
                )
                for entry in entries
            },
        }


def _names(entries: list[dict[str, str]]) -> list[str]:
    return [f"{each['id']}@{each['version']}" for each in entries]


def _write(
    root: Path,
    order: Sequence[Order],
    known: Known,
    order_extensions: Sequence[Order],
    extensions: Known,
) -> None:
    for name in ("app", "platform", "layers", "generated", "extensions"):
        (root / name).mkdir()
    orders = {"order": order, "order-extensions": order_extensions}
    tables = {key: [each.to_plain() for each in groups] for key, groups in orders.items()}
    (root / "order.toml").write_text(encode(tables))
    (root / "analyzed.toml").write_text(
        '[run-image]\nreference = "x"\n[run-image.target]\nos = "linux"\narch = "amd64"\n'
        '[run-image.target.distro]\nname = "debian"\nversion = "12"\n'
    )
    for kind, named in (("buildpack", known), ("extension", extensions)):
        for name, module in named.items():
            _write_module(root, kind, name, module)


def _write_module(root: Path, kind: str, name: str, module: Candidate | list[Order]) -> None:
    identity, _, version = name.partition("@")
    folder = root / f"{kind}s" / identity / version
    folder.mkdir(parents=True)
    info: dict[str, Any] = {"id": identity, "version": version}
    table: dict[str, Any] = {"api": "0.12", kind: info}
    if isinstance(module, Candidate):
        table["targets"] = [each.to_plain() for each in module.targets]
        info["exec-env"] = list(module.exec_env)
        plan = (module.plan or Plan()).document().dumps()
        (folder / "bin").mkdir()
        for program, script in {
            "detect": f"printf '%s' '{plan}' >\"$CNB_BUILD_PLAN_PATH\"\nexit {module.code}",
            "build" if kind == "buildpack" else "generate": "exit 0",
        }.items():
            (folder / "bin" / program).write_text(f"#!/bin/sh\n{script}\n")
            (folder / "bin" / program).chmod(0o755)
    else:
        table["order"] = [each.to_plain() for each in module]
    (folder / f"{kind}.toml").write_text(encode(table))


@pytest.fixture(scope="module")
def detector(lifecycle: Path) -> Iterator[RealDetector]:
    made = RealDetector(lifecycle)
    with made.process:
        yield made
        assert made.process.stdin is not None
        made.process.stdin.close()


COMPONENTS = ["a@1.0.0", "a@2.0.0", "b@1.0.0", "c@1.0.0", "d@1.0.0", "e@1.0.0"]
TARGETS: list[list[TargetEntry]] = [
    [TargetEntry(os="linux")],
    [TargetEntry(os="windows")],
    [TargetEntry(os="windows"), TargetEntry(arch="amd64")],
    [TargetEntry(arch="arm64")],
    [TargetEntry(os="linux", variant="v8")],
    [TargetEntry(distros=[Distro(name="debian"), Distro(name="ubuntu")])],
    [TargetEntry(distros=[Distro(name="debian", version="11")])],
]


class Maker:
    """Makes orders of which about half have a group that builds, most after some failed tries.

    Hypothesis draws the seed alone: drawing each part would take longer than the detector does.
    """

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def case(self) -> tuple[list[Order], Known]:
        known: Known = {name: self.candidate() for name in COMPONENTS}
        known["n@1.0.0"] = self.groups(COMPONENTS, 2, 3)
        known["m@1.0.0"] = self.groups([*COMPONENTS, "n@1.0.0"], 3, 3)
        return self.groups([*COMPONENTS, "m@1.0.0", "n@1.0.0"], 3, 5), known

    def extensions(self) -> tuple[list[Order], Known]:
        """Sometimes none; of the same names as buildpacks, which makes no difference."""
        names = ["a@1.0.0", "a@2.0.0", "x@1.0.0"]
        known: Known = {
            name: Candidate(Plan().provides(self.random.choice("xyz")))
            if self.chance(0.6)
            else self.candidate()
            for name in names
        }
        return (self.groups(names, 2, 2) if self.chance(0.4) else []), known

    def candidate(self) -> Candidate:
        return Candidate(
            plan=self.plan(),
            code=self.random.choices([0, 100, 1], [10, 2, 1])[0],
            targets=self.random.choice(TARGETS) if self.chance(0.2) else [],
            exec_env=self.random.choice([["test"], ["*"], ["test", "production"]])
            if self.chance(0.15)
            else [],
        )

    def plan(self) -> Plan | None:
        plan = None
        for _ in range(self.random.choice([0, 1, 1, 2, 3])):
            provided = self.random.choices("xyz", k=self.random.choice([0, 1, 1, 2]))
            option = Plan().provides(*provided)
            # Its own, often: else hardly a trial would succeed.
            names = [name for name in provided if self.chance(0.5)]
            names += [self.random.choice("xyz")] if self.chance(0.5) else []
            for number, name in enumerate(names):
                option = option.requires(name, **({"number": number} if number else {}))
            plan = option if plan is None else plan | option
        return plan

    def groups(self, names: list[str], groups: int, size: int) -> list[Order]:
        return [self.group(names, size) for _ in range(self.random.randint(1, groups))]

    def group(self, names: list[str], size: int) -> Order:
        size = self.random.choices(range(size + 1), [1, *([4] * size)])[0]
        return Order(group=[self.entry(self.random.choice(names)) for _ in range(size)])

    def entry(self, name: str) -> OrderEntry:
        identity, _, version = name.partition("@")
        return OrderEntry(id=identity, version=version, optional=self.chance(0.6))

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability


@pytest.mark.parametrize(
    "cases",
    [
        50,
        pytest.param(250, marks=pytest.mark.full),
        pytest.param(2500, marks=pytest.mark.nightly),
    ],
)
def test_any_order_has_the_verdict_of_the_real_detector(cases: int, detector: RealDetector) -> None:
    tried = []

    @given(seed=st.integers(0, 2**64))
    @settings(max_examples=cases, phases=[Phase.reuse, Phase.generate])
    def agree(seed: int) -> None:
        maker = Maker(seed)
        order, known = maker.case()
        before, extensions = maker.extensions()
        verdict = simulate(
            order, known, order_extensions=before, extensions=extensions, target=DEBIAN
        )
        assert _comparable(verdict) == detector(order, known, before, extensions)
        tried.append(seed)

    agree()
    assert len(tried) >= cases


X = Plan().provides("x")
NEEDS_X = Plan().requires("x")
WINDOWS = Candidate(targets=[TargetEntry(os="windows")])
TRAPS: dict[str, tuple[list[list[str]], dict[str, Any], list[str]]] = {
    "optional counts on the last option only": (
        [["a?", "b"]],
        {"a": X | Plan(), "b": None},
        ["a", "b"],
    ),
    "an optional buildpack is dropped on its last option": (
        [["a?", "b"]],
        {"a": X | Plan().provides("y"), "b": None},
        ["b"],
    ),
    "a provide needs a require after it": ([["a", "b"], ["b"]], {"a": NEEDS_X, "b": X}, []),
    "a second provide after the require is unused": (
        [["a", "b", "c?"]],
        {"a": X, "b": NEEDS_X, "c": X},
        ["a", "b"],
    ),
    "a dropped provider takes its requirer along": (
        [["a?", "b?", "c"]],
        {"a": X.requires("y"), "b": NEEDS_X, "c": None},
        ["c"],
    ),
    "an optional composite that fails leaves the rest": (
        [["m?", "b"]],
        {"m": [["a"], ["c", "a"]], "a": 100, "b": None, "c": None},
        ["b"],
    ),
    "a required composite that fails sinks its group": (
        [["m", "b"], ["c"]],
        {"m": [["a"]], "a": 100, "b": None, "c": None},
        ["c"],
    ),
    "a composite's second group is tried with the rest": (
        [["m", "b"]],
        {"m": [["a"], ["c"]], "a": None, "b": NEEDS_X, "c": X},
        ["c", "b"],
    ),
    "a buildpack met again is passed over, whatever its version": (
        [["a@1.0.0", "m", "a@2.0.0"]],
        {"a@1.0.0": None, "a@2.0.0": 100, "m": [["a@2.0.0", "b"]], "b": None},
        ["a@1.0.0", "b"],
    ),
    "a required buildpack for other targets is an error": (
        [["a"], ["a?", "b"]],
        {"a": WINDOWS, "b": 100},
        [],
    ),
    "an optional buildpack for other targets is asked": ([["a?"]], {"a": WINDOWS}, ["a"]),
    "an error once is an error in later groups": (
        [["a", "b"], ["a?", "b"]],
        {"a": WINDOWS, "b": None},
        ["b"],
    ),
    "a required buildpack for another execution environment is passed over": (
        [["a", "b"]],
        {"a": Candidate(exec_env=["test"]), "b": None},
        ["b"],
    ),
    "an error in a composite that need not fit is forgotten": (
        [["m?"]],
        {"m": [["a"]], "a": 1},
        [],
    ),
    "an error anywhere else is not": ([["a"], ["b"]], {"a": 1, "b": 100}, []),
    "nobody joins": ([["a?", "b?"]], {"a": 100, "b": 100}, []),
    "a plan of nothing always fits": ([["a"]], {"a": None}, ["a"]),
    "an empty group": ([[]], {}, []),
}


@pytest.mark.parametrize("trap", TRAPS)
def test_the_real_detector_falls_into_no_other_trap(trap: str, detector: RealDetector) -> None:
    order, buildpacks, group = TRAPS[trap]
    orders = [_versioned(each) for each in order]
    known: Known = {
        name if "@" in name else f"{name}@1.0.0": _known(value)
        for name, value in buildpacks.items()
    }
    real = detector(orders, known)
    assert _comparable(simulate(orders, known, target=DEBIAN)) == real
    assert [name.removesuffix("@1.0.0") for name in real["group"]] == [
        name.removesuffix("@1.0.0") for name in group
    ]


def _versioned(group: list[str]) -> Order:
    pairs = [each.removesuffix("?").partition("@")[::2] for each in group]
    return Order(
        group=[
            OrderEntry(id=name, version=version or "1.0.0", optional=text.endswith("?"))
            for text, (name, version) in zip(group, pairs, strict=True)
        ]
    )


def _known(value: Any) -> Candidate | list[Order]:
    if isinstance(value, list):
        return [_versioned(group) for group in value]
    if isinstance(value, int):
        return Candidate(code=value)
    return value if isinstance(value, Candidate) else Candidate(value)


def _comparable(verdict: Verdict) -> dict[str, Any]:
    return {
        "code": verdict.code,
        "group": list(verdict.group),
        "extensions": list(verdict.extensions),
        "plan": {
            name: (
                list(provision.providers),
                [(each.name, each.metadata) for each in provision.requires],
            )
            for name, provision in verdict.provisions.items()
            if not provision.by_extension  # the extensions' generate has run: these are met
        },
    }
