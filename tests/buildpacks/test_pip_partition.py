"""Which packages share a layer, decided by what a lock says of them."""

from __future__ import annotations

import string

from hypothesis import assume, given
from hypothesis import strategies as st

from cnbkit_pip.layers.partition import HEAVY, LIGHT, light_layer, partition
from cnbkit_python_inputs.package import Package

NAMES = st.text(string.ascii_lowercase + string.digits, min_size=1, max_size=12)


def wheel(name: str, size: int) -> Package:
    """A package that an index has."""
    file = {"name": f"{name}-1.0-py3-none-any.whl", "size": size, "hashes": {"sha256": "0" * 64}}
    return Package({"name": name, "version": "1.0", "wheels": [file]})


def folder(name: str) -> Package:
    """A package of the app."""
    return Package({"name": name, "directory": {"path": f"/workspace/{name}"}})


def names(packages: list[Package]) -> dict[str, list[str]]:
    """Of the packages in each layer, in the layers' order."""
    return {each.name: [one.name for one in each.packages] for each in partition(packages)}


def test_what_weighs_so_much_has_a_layer_of_its_own() -> None:
    found = names([wheel("just", HEAVY), wheel("under", HEAVY - 1), wheel("more", HEAVY + 1)])
    assert found == {
        "wheels-more": ["more"],
        "wheels-just": ["just"],
        light_layer("under"): ["under"],
    }


def test_the_apps_own_packages_are_the_last_layer_and_have_it_to_themselves() -> None:
    others = [wheel("six", 10_000), wheel("numpy", 5 * HEAVY)]
    own = [folder("lib"), folder("app")]
    assert [*names([*own, *others]).items()][-1] == ("local-wheels", ["app", "lib"])
    assert [*names(own).items()] == [("local-wheels", ["app", "lib"])]
    assert "local-wheels" not in names(others)


def test_the_stack_of_an_accelerator_is_one_layer_and_comes_first() -> None:
    found = names([wheel("torch", 9 * HEAVY), wheel("nvidia-nccl-cu12", HEAVY), wheel("triton", 1)])
    assert [*found.items()] == [
        ("accelerator-wheels", ["nvidia-nccl-cu12", "triton"]),
        ("wheels-torch", ["torch"]),
    ]


@given(st.dictionaries(NAMES, st.integers(0, 2 * HEAVY), max_size=40), NAMES)
def test_every_package_is_in_one_layer_and_a_light_one_moves_no_other(
    sizes: dict[str, int], new: str
) -> None:
    assume(new not in sizes)
    before = partition([wheel(*each) for each in sizes.items()])
    assert sorted(one.name for each in before for one in each.packages) == sorted(sizes)
    heavy = [each.size for each in before if not each.name.startswith(LIGHT)]
    assert heavy == sorted(heavy, reverse=True)
    assert len({each.name for each in before}) == len(before)
    after = partition([wheel(*each) for each in {**sizes, new: 1}.items()])
    place = {one.name: each.name for each in after for one in each.packages if one.name != new}
    assert place == {
        one.name: each.name for each in before for one in each.packages if one.name != new
    }
