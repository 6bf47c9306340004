"""Work done a little at a time: a turn that fails is followed by another one, later."""

from __future__ import annotations

import logging
import threading

import pytest

from clos.controller.daemon.turns import Turns


def test_a_turn_that_fails_is_told_and_the_work_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    stopping, taken = threading.Event(), []

    def turn() -> None:
        taken.append(1)
        if len(taken) == 3:
            stopping.set()
        elif len(taken) == 2:
            raise OSError("no")

    with caplog.at_level(logging.ERROR):
        Turns("the work", turn, 0.001, 0.001).run(stopping)
    assert len(taken) == 3 and caplog.messages == ["the work failed; it continues"]


def test_what_fails_because_all_is_stopping_is_not_told(caplog: pytest.LogCaptureFixture) -> None:
    stopping = threading.Event()

    def turn() -> None:
        stopping.set()
        raise OSError("the store is closed")

    Turns("the work", turn, 0.001).run(stopping)
    assert caplog.messages == []


def test_who_does_not_lead_takes_no_turn() -> None:
    stopping, leading, taken = threading.Event(), threading.Event(), []
    thread = threading.Thread(target=Turns("the work", lambda: taken.append(1), 0.001).run, args=(stopping, leading))
    thread.start()
    assert not stopping.wait(0.05) and taken == []
    leading.set()
    while not taken:
        stopping.wait(0.001)
    stopping.set()
    thread.join()
