"""Of the stages of a Dockerfile only those count that the image is made of."""

from __future__ import annotations

import pytest

from cnbkit.errors import UserFault
from cnbkit_engine.adopt.dockerfile import read_dockerfile
from cnbkit_engine.adopt.stages import Role, Step, read_stages, steps

TEXT = """
ARG BASE=python:3.11
FROM ${BASE} AS base
ENV A=1
WORKDIR /app
FROM base AS build
RUN one
FROM node AS never
RUN two
FROM base
ARG BASE
ENV B=$A-$BASE
WORKDIR sub
COPY --from=build /x /y
RUN last
"""


def read(text: str, *, target: str = "", **arguments: str) -> list[Step]:
    _, stages = read_stages(read_dockerfile(text), name="D", target=target, arguments=arguments)
    return list(steps(stages, arguments))


def test_roles() -> None:
    roles = {step.stage.name: step.stage.role for step in read(TEXT)}
    assert roles == {
        "base": Role.IMAGE,
        "build": Role.SOURCE,
        "never": Role.UNUSED,
        "3": Role.IMAGE,
    }


def test_another_stage_may_be_the_image() -> None:
    roles = {step.stage.name: step.stage.role for step in read(TEXT, target="Build")}
    assert roles == {
        "base": Role.IMAGE,
        "build": Role.IMAGE,
        "never": Role.UNUSED,
        "3": Role.UNUSED,
    }


def test_what_holds_at_an_instruction() -> None:
    last = read(TEXT)[-1]
    assert last.values["B"] == "1-python:3.11"
    assert last.workdir == "/app/sub"


def test_arguments_count_before_defaults() -> None:
    found = read(TEXT, BASE="debian:12")
    assert found[0].stage.base == "debian:12"
    assert found[-1].values["B"] == "1-debian:12"


def test_a_mount_from_a_stage_is_a_use_of_it() -> None:
    found = read("FROM a AS x\nRUN one\nFROM b\nRUN --mount=type=bind,from=x,target=/x two\n")
    assert found[0].stage.role is Role.SOURCE


@pytest.mark.parametrize(
    ("text", "target", "said"),
    [("ARG A\n", "", "D has no FROM"), ("FROM a AS x\n", "y", "D has no stage y")],
)
def test_faults(text: str, target: str, said: str) -> None:
    with pytest.raises(UserFault, match=said):
        read(text, target=target)
