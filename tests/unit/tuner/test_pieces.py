"""What a window would have cost at the stated rate of requests."""

import math
import random
from statistics import fmean, stdev

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner.measuring.pieces import Piece, at_rate

RATE_HZ, IDLE_W, EACH_J = 50.0, 8.0, 0.1
TRUE_J = IDLE_W / RATE_HZ + EACH_J


def poisson(generator, mean):
    """Arrivals within a stretch in which so many are expected (Knuth's method)."""
    limit, product, count = math.exp(-mean), generator.random(), 0
    while product > limit:
        product, count = product * generator.random(), count + 1
    return count


def window(generator, count=15, duration_s=0.4, idle_w=IDLE_W):
    numbers = [poisson(generator, RATE_HZ * duration_s) for _ in range(count)]
    return [Piece(idle_w * duration_s + EACH_J * items, items, duration_s) for items in numbers]


def per_request_j(pieces):
    return sum(piece.energy_j for piece in pieces) / sum(piece.items for piece in pieces)


@given(st.integers(0, 10**6), st.floats(0.1, 100))
def test_where_energy_follows_requests_chance_leaves_no_trace(seed, idle_w):
    """Power that is exactly linear in the rate of requests is known exactly from any window."""
    pieces = window(random.Random(seed), idle_w=idle_w)
    assert per_request_j(at_rate(pieces, RATE_HZ)) == pytest.approx(idle_w / RATE_HZ + EACH_J)


def test_few_pieces_are_divided_by_the_rate_and_err_less_than_the_plain_ratio():
    generator = random.Random(1)
    windows = [window(generator, count=5) for _ in range(400)]
    plain = [per_request_j(pieces) for pieces in windows]
    corrected = [per_request_j(at_rate(pieces, RATE_HZ)) for pieces in windows]
    assert fmean(corrected) == pytest.approx(TRUE_J, rel=0.005)
    assert stdev(corrected) < 0.75 * stdev(plain)


def test_a_server_that_cannot_keep_up_is_left_as_it_is():
    slow = [Piece(10.0, 0.6 * RATE_HZ, 1.0)] * 20
    assert at_rate(slow, RATE_HZ) == slow


def test_no_request_saves_energy():
    """Chance may make energy fall while requests rise; that is not what another request costs."""
    pieces = [Piece(10.0 - 0.1 * number, 50.0 + number - 5, 1.0) for number in range(11)]
    assert [piece.energy_j for piece in at_rate(pieces, RATE_HZ)] == [piece.energy_j for piece in pieces]


def test_requests_that_come_evenly_change_nothing():
    pieces = [Piece(12.0 + 0.1 * (number % 3), RATE_HZ, 1.0) for number in range(10)]
    assert at_rate(pieces, RATE_HZ) == pieces
