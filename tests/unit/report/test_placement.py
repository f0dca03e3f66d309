"""Names of points cover neither each other, nor the axes, nor other points where there is room."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tuner.report.placement import Canvas, Name, Place, line_obstacles, name_box, place_names, point_obstacles

_WIDE = Canvas(1100, 380, character_width=7.6, line_height=21)
_NARROW = Canvas(340, 380, character_width=7.6, line_height=21)
_share = st.floats(min_value=0.0, max_value=1.0)
_place = st.tuples(_share, _share)


@settings(deadline=None, max_examples=50)
@given(_place, _place, st.lists(_place, max_size=12))
def test_names_keep_inside_and_apart_wherever_their_points_lie(
    baseline: Place, recommended: Place, others: list[Place]
) -> None:
    names = (Name("baseline", baseline), Name("recommended", recommended))
    offsets = place_names(names, point_obstacles([baseline, recommended, *others]), (_WIDE, _NARROW))
    for canvas in (_WIDE, _NARROW):
        one, other = (name_box(name, offset, canvas) for name, offset in zip(names, offsets, strict=True))
        assert not one.overlaps(other)
        for box in (one, other):
            assert box.left >= 0
            assert box.bottom >= 0
            assert box.right <= canvas.width
            assert box.top <= canvas.height


@pytest.mark.parametrize("corner", [(0.02, 0.02), (0.98, 0.02), (0.02, 0.98), (0.98, 0.98)])
def test_a_name_gives_way_to_points(corner: Place) -> None:
    name = Name("recommended", corner)
    usual = place_names([name], [], (_WIDE,))[0]
    box = name_box(name, usual, _WIDE)
    hidden = ((box.left + box.right) / 2 / _WIDE.width, (box.bottom + box.top) / 2 / _WIDE.height)
    moved = name_box(name, place_names([name], point_obstacles([corner, hidden]), (_WIDE,))[0], _WIDE)
    assert not moved.contains(hidden[0] * _WIDE.width, hidden[1] * _WIDE.height)


def test_a_name_gives_way_to_a_line() -> None:
    name = Name("baseline", (0.5, 0.5))
    below = line_obstacles([(0.3, 0.4), (0.7, 0.4)])
    assert place_names([name], below, (_WIDE,))[0][1] >= 0
