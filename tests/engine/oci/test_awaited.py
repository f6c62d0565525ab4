"""While threads work it is said how far they are, until all are done or one has failed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from cnbkit_engine.oci.awaited import await_all


def test_how_many_are_done_is_said_until_all_are() -> None:
    go, said = Event(), []

    def say(done: int) -> None:
        said.append(done)
        if done:  # the others wait for this
            go.set()

    with ThreadPoolExecutor(3) as pool:
        tasks = [pool.submit(bool), pool.submit(go.wait), pool.submit(go.wait)]
        await_all(tasks, say, every=0.001)
        assert all(each.done() for each in tasks)
    assert 1 in said
    assert 3 not in said


def test_a_failure_ends_the_wait_before_the_others_are_done() -> None:
    go = Event()
    with ThreadPoolExecutor(2) as pool:
        failing, other = pool.submit(lambda: 1 / 0), pool.submit(go.wait)
        await_all([failing, other], lambda _: None, every=0.001)
        assert not other.done()
        go.set()
    with pytest.raises(ZeroDivisionError):
        failing.result()


def test_nothing_is_said_of_what_is_done() -> None:
    said: list[int] = []
    with ThreadPoolExecutor(1) as pool:
        tasks = [pool.submit(int)]
    await_all(tasks, said.append)
    await_all([], said.append)
    assert said == []
