"""Names of images are read as distribution/reference reads them; nothing else gets through."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnbkit.errors import UserFault
from cnbkit_engine.build.cache import app_cache
from cnbkit_engine.oci.reference import Reference
from cnbkit_engine.state.home import Home

DIGEST = f"sha256:{64 * 'a'}"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("demo", ("docker.io", "library/demo", "latest", "")),
        ("demo:v1", ("docker.io", "library/demo", "v1", "")),
        ("team/demo", ("docker.io", "team/demo", "latest", "")),
        ("index.docker.io/team/demo", ("docker.io", "team/demo", "latest", "")),
        ("docker.io/library/demo:1", ("docker.io", "library/demo", "1", "")),
        ("localhost/demo", ("localhost", "demo", "latest", "")),
        ("localhost:5000/demo:1", ("localhost:5000", "demo", "1", "")),
        ("host:5000/a/b__c/d-e--f.g", ("host:5000", "a/b__c/d-e--f.g", "latest", "")),
        ("Host.Example/demo", ("host.example", "demo", "latest", "")),
        ("[::1]:5000/demo", ("[::1]:5000", "demo", "latest", "")),
        (f"demo@{DIGEST}", ("docker.io", "library/demo", "", DIGEST)),
        (f"r.example/demo:1@{DIGEST}", ("r.example", "demo", "1", DIGEST)),
        ("a" * 255, ("docker.io", f"library/{'a' * 255}", "latest", "")),
        (f"demo:{'t' * 128}", ("docker.io", "library/demo", "t" * 128, "")),
    ],
)
def test_a_name_is_read_in_its_parts(text: str, parts: tuple[str, ...]) -> None:
    found = Reference.parse(text)
    assert (found.domain, found.path, found.tag, found.digest) == parts


@pytest.mark.parametrize(
    "text",
    ["", ".", "..", "../x", "x/../y", "x/./y", "/x", "x/", "x//y", "UPPER", "team/Upper", "a b",
     "-x", "x-", "x._y", "x___y", "x..y", "demo:", "demo:-x", f"demo:{'t' * 129}", "a" * 256,
     "demo@sha256:abc", f"demo@sha512:{128 * 'a'}", f"demo@{DIGEST.upper()}", "demo@", "x:y:z",
     "host:port/demo", "-host.example/demo", "demo\n", "demo\x1b[31m", "dé/mo",
     "a" * 64, "http://r.example/demo", "r.example/demo?x", "x\0y"],
)  # fmt: skip
def test_what_is_not_a_name_is_refused(text: str) -> None:
    with pytest.raises(UserFault) as caught:
        Reference.parse(text, setting="--tag")
    assert caught.value.where == "--tag"
    assert caught.value.remedy
    assert caught.value.detail


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("team/Demo", "upper-case"),
        ("x/../y", "'..'"),
        ("a" * 256, "256 characters"),
        ("demo@sha256:1", "digest"),
        ("demo:-1", "not a tag"),
    ],
)
def test_the_fault_says_which_part_is_wrong(text: str, said: str) -> None:
    with pytest.raises(UserFault) as caught:
        Reference.parse(text)
    assert said in str(caught.value.detail)


@pytest.mark.parametrize(
    "text",
    ["cnbkit/run", "cnbkit/run:bookworm", "docker.io/cnbkit/run:x", "cnbkit/build:trixie",
     f"demo@{DIGEST}", f"demo:1@{DIGEST}", "[::1]:5000/demo"],
)  # fmt: skip
def test_no_app_takes_the_name_of_a_base_image_or_a_digest(text: str) -> None:
    with pytest.raises(UserFault) as caught:
        Reference.parse(text).to_store("--tag")
    assert caught.value.remedy


def test_all_spellings_of_a_name_are_one_in_the_store() -> None:
    for spellings in (
        ("demo", "demo:latest", "docker.io/demo", "index.docker.io/library/demo:latest"),
        ("team/demo:1", "docker.io/team/demo:1"),
        ("Host.example/demo", "host.example/demo:latest"),
    ):
        found = {Reference.parse(each).stored for each in spellings}
        assert len(found) == 1
        assert Reference.parse(found.pop()) == Reference.parse(spellings[0])


_PART = st.from_regex(r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*", fullmatch=True)
_HOST = st.sampled_from(["", "localhost:5000/", "r.example/", "r.example:1/", "localhost/"])
_NAMES = st.builds(
    lambda host, parts, tag: f"{host}{'/'.join(parts)}{tag}",
    _HOST,
    st.lists(_PART.filter(lambda part: len(part) < 60), min_size=1, max_size=3),
    st.sampled_from(["", ":1", ":latest", ":a_b.c-d", f"@{DIGEST}"]),
)


@given(_NAMES, _NAMES)
def test_different_names_have_different_folders_and_addresses(one: str, other: str) -> None:
    try:
        first, second = Reference.parse(one), Reference.parse(other)
    except UserFault:
        return  # 64 hexadecimal digits alone
    home = Home.default()
    same = first.stored == second.stored
    one_app = first.familiar == second.familiar
    assert (app_cache(home, first) == app_cache(home, second)) is one_app
    assert (first.served == second.served) is same
    assert app_cache(home, first).parent == home.cache
    repository = first.served.partition("@")[0]
    if ":" in repository:
        repository = repository.rpartition(":")[0]
    assert Reference.unserved(repository) == first.familiar


def test_slash_and_underscore_are_not_the_same_folder() -> None:
    home = Home.default()
    names = ["team/demo", "team_demo", "team-demo", "team/demo_1"]
    assert len({app_cache(home, Reference.parse(name)) for name in names}) == len(names)


def test_all_tags_of_an_app_have_one_cache_and_each_kind_of_hardware_its_own() -> None:
    home = Home.default()
    first, second = (Reference.parse(f"r.example/demo:{tag}") for tag in ("c1", "c2"))
    assert app_cache(home, first) == app_cache(home, second) == app_cache(home, first, "", "")
    kinds = [(), ("arm64",), ("", "cuda:12.8"), ("", "cuda:12-8"), ("arm64", "cpu")]
    assert len({app_cache(home, first, *kind) for kind in kinds}) == len(kinds)


@given(st.text())
def test_no_text_makes_a_folder_elsewhere(text: str) -> None:
    home = Home.default()
    try:
        reference = Reference.parse(text)
    except UserFault:
        return
    folder = app_cache(home, reference)
    assert folder.parent == home.cache
    assert folder.name not in ("", ".", "..")
    assert len(folder.name) < 200
