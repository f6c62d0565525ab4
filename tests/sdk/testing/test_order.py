"""The order simulator's own ways of saying things; its verdicts are the oracle's matter."""

from __future__ import annotations

import pytest

from cnbkit import BuildpackFault, Plan
from cnbkit.spec.build_plan import Entry
from cnbkit.spec.buildpack import Order, OrderEntry
from cnbkit.testing import Candidate, Verdict, simulate

PYTHON = Plan().provides("python")
PIP = Plan().requires("python", version="3.12")


def test_a_verdict_has_the_group_and_each_buildpacks_plan() -> None:
    verdict = simulate(
        [["python", "pip", "go?"], ["go"]], {"python": PYTHON, "pip": PIP, "go": 100}
    )
    assert verdict.detected
    assert verdict.group == ("python", "pip")
    assert verdict.plan("python").entries == [Entry(name="python", metadata={"version": "3.12"})]
    assert verdict.plan("pip").entries == []
    assert verdict.provisions["python"].providers == ("python",)


def test_a_verdict_says_why_not_in_the_lifecycles_words() -> None:
    verdict = simulate([["pip"], ["go"]], {"pip": PIP, "go": 1})
    assert verdict.code == 21
    assert verdict.log == (
        "pass: pip",
        "Resolving plan... (try #1)",
        "fail: pip requires python",
        "err:  go (1)",
    )


def test_only_the_first_provider_is_given_what_is_required() -> None:
    known = {"a": PYTHON, "b": PYTHON, "pip": PIP}
    verdict = simulate([["a", "b", "pip"]], known)
    assert verdict.provisions["python"].providers == ("a", "b")
    assert (len(verdict.plan("a").entries), len(verdict.plan("b").entries)) == (1, 0)


def test_orders_of_descriptors_are_understood() -> None:
    entry = OrderEntry(id="acme/a", version="1.0.0", optional=True)
    order = [Order(group=[entry, OrderEntry(id="acme/b", version="2.0.0")])]
    verdict = simulate(order, {"acme/a": 100, "acme/b@2.0.0": None})
    assert verdict.group == ("acme/b@2.0.0",)


def test_a_composite_that_contains_itself_is_named() -> None:
    with pytest.raises(BuildpackFault, match="composite a contains itself") as caught:
        simulate([["a"]], {"a": [["b"]], "b": [["c", "a"]], "c": None})
    assert caught.value.where == "a > b > a"


def test_a_composite_may_come_twice() -> None:
    verdict = simulate([["a", "b", "a"]], {"a": [["c"]], "b": [["a", "d"]], "c": None, "d": None})
    assert verdict.group == ("c", "d")


def test_an_unknown_buildpack_is_named() -> None:
    with pytest.raises(BuildpackFault, match="the order names b"):
        simulate([["a"], ["b"]], {"a": None})


def test_the_execution_environment_counts() -> None:
    known = {"a": Candidate(exec_env=["test"]), "b": None}
    assert simulate([["a", "b"]], known).group == ("b",)
    assert simulate([["a", "b"]], known, exec_env="test").group == ("a", "b")


def test_extensions_come_first_and_need_not_fit() -> None:
    def run(buildpack: str, plan: Plan | None) -> Verdict:
        return simulate(
            [[buildpack]],
            {buildpack: plan},
            order_extensions=[["yum"], ["apt"]],
            extensions={"apt": PYTHON, "yum": 100},
        )

    verdict = run("pip", PIP)
    assert (verdict.extensions, verdict.group) == (("apt",), ("pip",))
    assert verdict.provisions["python"].by_extension
    assert run("go", None).extensions == ()


def test_an_extension_that_requires_something_is_an_error_and_left_out() -> None:
    verdict = simulate([["go"]], {"go": None}, extensions={"apt": PIP}, order_extensions=[["apt"]])
    assert (verdict.group, verdict.extensions) == (("go",), ())
    assert "err:  apt (-1)" in verdict.log
