"""The pip buildpack's own logic; real installations are in tests/e2e."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pip._internal.req.req_file import preprocess

from cnbkit import BuildContext, CnbkitError, CommandFailed, PlatformFault, UserFault
from cnbkit.log import Log
from cnbkit_pip.diagnosis.diagnose import explained
from cnbkit_pip.layers.bill import describe
from cnbkit_pip.layers.installed import Installed
from cnbkit_pip.layers.partition import HEAVY, LIGHT, light_layer, partition
from cnbkit_pip.present import LAYERS, Present
from cnbkit_python_inputs.package import Package
from cnbkit_python_inputs.requirements import Requirements, logical_lines

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def context(app: Path, **env: str) -> BuildContext:
    return BuildContext(
        app=str(app), env=env, buildpack="", platform="", layers="", plan="", log=Log()
    )


def write(app: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (app / name).parent.mkdir(parents=True, exist_ok=True)
        (app / name).write_text(text)


def read(app: Path, files: dict[str, str] | None = None, *names: str) -> Requirements:
    write(app, files or {})
    return Requirements.read(context(app), list(names) or ["requirements.txt"])


def package(name: str, size: int = 1, version: str = "1.0") -> Package:
    wheel = {"size": size, "hashes": {"sha256": f"{name}{version}"}}
    return Package({"name": name, "version": version, "wheels": [wheel]})


@pytest.mark.parametrize(
    ("asked", "there", "kept"),
    [
        ("build = true", ("wheels-a", "light-wheels-0"), True),
        ("build = true", ("wheels-a",), False),
        ("build = true", ("light-wheels-0",), False),
        ("launch = true", (), True),
    ],
)
def test_all_is_made_again_if_a_part_that_is_wanted_is_in_the_image_alone(
    tmp_path: Path, asked: str, there: tuple[str, ...], kept: bool
) -> None:
    plan = tmp_path / "plan.toml"
    plan.write_text(f'[[entries]]\nname = "site-packages"\n[entries.metadata]\n{asked}\n')
    layers = tmp_path / "layers"
    for name in ("site", *there):
        (layers / name).mkdir(parents=True)
    for name in ("site", "wheels-a", "light-wheels-0"):
        (layers / f"{name}.toml").write_text("[metadata]\n")
    ctx = BuildContext(
        app=str(tmp_path),
        env={"CNB_BP_PLAN_PATH": str(plan)},
        buildpack="",
        platform="",
        layers=str(layers),
        plan=str(plan),
        log=Log(),
    )
    assert Present.of(ctx).wanted is (asked == "build = true")
    assert (layers / "site").exists() is kept


def test_lines_are_joined_and_comments_dropped(tmp_path: Path) -> None:
    text = "# head\nflask==3.0.3 \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb # two\n\nsix#x\n"
    first, second = read(tmp_path, {"requirements.txt": text}).lines()
    assert (first.number, first.name, first.hashes) == (
        2,
        "flask",
        ["sha256:aa", "sha256:bb"],
    )
    assert (second.number, second.text) == (6, "six#x")


def test_included_files_are_read_relative_to_the_one_that_names_them(tmp_path: Path) -> None:
    files = {
        "requirements.txt": "-r deps/base.txt\n--constraint=limits.txt\n-r https://example.com/x\n",
        "deps/base.txt": "-rmore.txt\nsix\n",
        "deps/more.txt": "-r ../requirements.txt\nflask\n",
        "limits.txt": "six<2\n",
    }
    found = read(tmp_path, files)
    assert list(found.files) == [
        "requirements.txt",
        "deps/base.txt",
        "deps/more.txt",
        "limits.txt",
    ]
    before = found.digests()
    (tmp_path / "limits.txt").write_text("six<1.17\n")
    assert read(tmp_path).digests() != before


def test_files_and_folders_a_requirement_names_are_part_of_the_key(tmp_path: Path) -> None:
    files = {"requirements.txt": "-e ./lib\nx @ file:///workspace/none\n", "lib/a.py": "1\n"}
    before = read(tmp_path, files).digests()
    (tmp_path / "lib/a.py").write_text("2\n")
    assert read(tmp_path).digests() != before


@pytest.mark.parametrize(
    "file", ["requirements-Web_UI.txt", "requirements/web.ui.txt", "web-ui-requirements.txt"]
)
def test_the_file_of_a_group_is_found_by_any_spelling_of_its_name(
    tmp_path: Path, file: str
) -> None:
    write(tmp_path, {"requirements.txt": "six\n", file: "idna\n"})
    found = Requirements.read(context(tmp_path), ["requirements.txt"], ("WEB.ui",))
    assert found.roots == ["requirements.txt", file]
    with pytest.raises(UserFault, match="group web-u"):
        Requirements.read(context(tmp_path), ["requirements.txt"], ("web-u",))


def test_lines_of_repositories_that_cannot_be_editable_are_known(tmp_path: Path) -> None:
    text = "six\n-e git+https://host/x.git#egg=x\n-e .\ny @ git+https://host/y.git\n"
    found = read(tmp_path, {"requirements.txt": text}, "requirements.txt")
    assert [line.where for line in found.not_editable()] == ["requirements.txt:2"]


def test_several_files_are_read_in_their_order(tmp_path: Path) -> None:
    files = {"a.txt": "six\n", "b.txt": "flask\n"}
    found = read(tmp_path, files, "a.txt", "b.txt")
    assert [line.name for line in found.lines()] == ["six", "flask"]


@pytest.mark.parametrize(
    ("files", "where"),
    [
        ({"requirements.txt": "six\n-c gone.txt\n"}, "requirements.txt:2"),
        ({"other.txt": "six\n"}, "requirements.txt"),
    ],
)
def test_a_file_that_is_not_there_is_named_where_it_is_asked_for(
    tmp_path: Path, files: dict[str, str], where: str
) -> None:
    with pytest.raises(UserFault) as caught:
        read(tmp_path, files)
    assert caught.value.where == where
    assert caught.value.remedy


@given(content=st.binary(max_size=300))
def test_any_bytes_are_read_or_refused_with_a_user_fault(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    app = tmp_path_factory.mktemp("app")
    (app / "requirements.txt").write_bytes(content)
    with suppress(UserFault):
        assert read(app).files.keys() >= {"requirements.txt"}


PIECES = st.sampled_from(["six", "flask==3.0.3", "  --hash=sha256:aa", "y#z", "", "   "])
COMMENTED = st.sampled_from(["# note", "  # note", "x # why", "z\t# why"])


@given(
    lines=st.lists(COMMENTED | PIECES | PIECES.map(lambda piece: f"{piece} \\"), max_size=9),
    end=st.sampled_from(["\n", "\r\n"]),
)
def test_lines_are_pips_own_with_the_number_they_begin_in(lines: list[str], end: str) -> None:
    text = end.join(lines)
    expected = [(number, line.split()) for number, line in preprocess(text) if line.strip()]
    found = logical_lines("requirements.txt", text)
    assert [(line.number, line.text.split()) for line in found] == expected


SIZES = st.integers(min_value=0, max_value=3 * HEAVY)
NAMES = st.from_regex(r"[a-z][a-z0-9]{0,6}", fullmatch=True) | st.sampled_from(
    ["torch", "nvidia-cudnn-cu12", "nvidia-cublas", "triton", "light", "accelerator"]
)


@given(sizes=st.dictionaries(NAMES, SIZES, max_size=60))
def test_every_package_is_in_exactly_one_layer_of_a_name_of_its_own(sizes: dict[str, int]) -> None:
    groups = partition([package(name, size) for name, size in sizes.items()])
    names = [each.name for group in groups for each in group.packages]
    assert sorted(names) == sorted(sizes)
    assert len({group.name for group in groups}) == len(groups)


@given(sizes=st.dictionaries(NAMES, SIZES, min_size=1, max_size=20), size=SIZES)
def test_another_package_moves_none_of_the_heavy_ones(sizes: dict[str, int], size: int) -> None:
    before = [package(name, weight) for name, weight in sizes.items()]
    after = [*before, package("newcomer", size)]
    heavy = {g.name: g.identities() for g in partition(before) if g.name.startswith("wheels-")}
    now = {group.name: group.identities() for group in partition(after)}
    assert all(now[name] == identities for name, identities in heavy.items())


@given(names=st.sets(NAMES, min_size=1, max_size=60), others=st.sets(NAMES, max_size=60))
def test_a_light_package_has_the_same_layer_whatever_else_there_is(
    names: set[str], others: set[str]
) -> None:
    def light(names: set[str]) -> dict[str, str]:
        groups = partition([package(name, 1) for name in names])
        found = {e.name: g.name for g in groups for e in g.packages if g.name.startswith(LIGHT)}
        assert len(set(found.values())) <= 8
        return found

    alone = light(names)
    assert light(names | others).items() >= alone.items()


@given(sizes=st.dictionaries(NAMES, SIZES, min_size=1, max_size=60))
def test_an_unchanged_build_finds_every_layer_with_packages_by_its_name(
    sizes: dict[str, int],
) -> None:
    packages = [package(name, size) for name, size in sizes.items()]
    own = Package({"name": "own", "version": "1", "directory": {"path": "."}})
    names = [group.name for group in partition([*packages, own])]
    assert [name for name in names if not name.startswith(LAYERS)] == []
    assert [name for name in names if name.endswith("-")] == []


def test_a_change_of_one_of_many_light_packages_is_a_fraction_of_them() -> None:
    groups = partition([package(f"p{number}", 1) for number in range(150)])
    assert max(len(group.packages) for group in groups) < 150 / 4


def test_what_nvidia_ships_shares_a_layer_and_torch_has_its_own() -> None:
    groups = partition(
        [package("torch", 900_000_000), package("nvidia-cublas", 400_000_000), package("six")]
    )
    assert [group.name for group in groups] == [
        "accelerator-wheels",
        "wheels-torch",
        light_layer("six"),
    ]


def test_a_package_is_identified_by_its_files_and_not_by_their_order() -> None:
    one = {"hashes": {"sha256": "a"}}
    two = {"hashes": {"sha256": "b"}}
    entry = {"name": "x", "version": "1"}
    first = Package({**entry, "wheels": [one, two]}).identity()
    assert first == Package({**entry, "wheels": [two, one]}).identity()
    assert first != Package({**entry, "wheels": [one]}).identity()
    assert first.startswith("x 1 #")


@pytest.mark.parametrize(
    ("output", "kind", "what"),
    [
        ("error: No space left on device (os error 28)", PlatformFault, "the disk is full"),
        (
            "error: Failed to fetch: `https://example.com/simple/six/`\n  cause: dns error",
            PlatformFault,
            "the package index cannot be reached",
        ),
        (
            "error: Failed to build `spam==1.0`\n  cause: fatal error: foo.h: No such file",
            UserFault,
            "spam 1.0 has no wheel for this image, and compiling it fails: foo.h is missing",
        ),
        (
            "error: Failed to parse: `pyproject.toml`\n  cause: TOML parse error at line 1",
            UserFault,
            "pyproject.toml does not declare a project correctly",
        ),
        ("error: something new", UserFault, "the requirements cannot be resolved"),
    ],
)
def test_what_uv_says_is_put_in_terms_of_the_app(
    tmp_path: Path, output: str, kind: type[CnbkitError], what: str
) -> None:
    requirements = read(tmp_path, {"requirements.txt": "six\nspam==1.0\n"})
    fault = explained(CommandFailed(["uv"], 1, output), requirements)
    assert isinstance(fault, kind)
    assert fault.what == what
    assert fault.remedy
    assert fault.detail == output
    if "spam" in what:
        assert fault.where == "requirements.txt:2"


class _Layer:
    """Takes the documents of a layer."""

    def __init__(self) -> None:
        self.documents: dict[str, Mapping[str, Any]] = {}

    def sbom(self, kind: str, document: Mapping[str, Any]) -> None:
        self.documents[kind] = document


def test_what_a_package_says_in_an_old_encoding_is_read_as_well(tmp_path: Path) -> None:
    folder = tmp_path / "Old_Words-1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_bytes(
        b"Metadata-Version: 2.1\nName: Old_Words\nVersion: 1.0\nSummary: caf\xe9\n"
        b"License: MIT\nRequires-Dist: numpy\n\nna\xefve\n"
    )
    (installed,) = Installed.read(str(tmp_path))
    assert (installed.name, installed.requires) == ("old-words", ["numpy"])
    layer = _Layer()
    describe(layer, str(tmp_path), [])  # type: ignore[arg-type]
    (listed,) = layer.documents["cdx"]["components"]
    assert (listed["purl"], listed["description"]) == (
        "pkg:pypi/old-words@1.0",
        "caf\N{REPLACEMENT CHARACTER}",
    )
    assert listed["licenses"] == [{"expression": "MIT"}]
