"""Turns: one at a time, and the last to come is the next to go."""

import queue
import threading

import pytest

from serving_adapter.scenario.turn import Turn
from tests.unit.serving_adapter.scenario_adapters import PATIENCE_S


def wait_in_line(turn: Turn, waiting: int) -> None:
    """Returns as soon as so many threads wait for their turn."""
    while len(turn._waiting) < waiting:
        threading.Event().wait(0.001)


def test_the_last_to_come_is_the_next_to_go() -> None:
    turn = Turn()
    went: queue.SimpleQueue[int] = queue.SimpleQueue()

    def go(number: int) -> None:
        with turn:
            went.put(number)

    with turn:
        threads = [threading.Thread(target=go, args=(number,)) for number in range(5)]
        for waiting, thread in enumerate(threads, start=1):
            thread.start()
            wait_in_line(turn, waiting)
        assert went.empty()
    for thread in threads:
        thread.join(PATIENCE_S)
    assert [went.get_nowait() for _ in range(5)] == [4, 3, 2, 1, 0]


def test_one_at_a_time_and_everybody_gets_a_turn() -> None:
    turn = Turn()
    within, turns, most = 0, 0, 0

    def take_turns() -> None:
        nonlocal within, turns, most
        for _ in range(500):
            with turn:
                within += 1
                most = max(most, within)
                turns += 1
                within -= 1

    threads = [threading.Thread(target=take_turns) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)
    assert (most, turns) == (1, 8 * 500)


def test_an_error_within_passes_the_turn_on() -> None:
    turn = Turn()
    for _ in range(2):
        with pytest.raises(ValueError, match="within"), turn:
            raise ValueError("within")
