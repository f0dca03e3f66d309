"""Where the names of points go in a chart, so that they cover neither each other nor an axis, and few points.

Each name is tried in eight directions and at several distances; the best combination wins. A chart that is drawn at
several widths is judged at all of them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise, product

Place = tuple[float, float]
"""Where something lies in a chart: shares of its width and height, from the lower left."""
Offset = tuple[float, float]
"""From a point to the middle of its name, rightwards and upwards, in the units of the canvas."""

_DIRECTIONS = (-90, -135, -45, 90, 45, 135, 180, 0)
"""In degrees, those below first: below a point of the front there is none."""
_GAPS = (14.0, 30.0, 50.0, 75.0)
_CLEARANCE = 8.0
_COST_OF_OVERLAP = 10_000.0
_COST_OF_DISTANCE = 0.1


@dataclass(frozen=True)
class Obstacle:
    """What a name should neither cover nor have its leader cross.

    Attributes:
        place: Where it lies.
        covering: What it costs to cover it.
        crossing: What it costs if the leader crosses it.
    """

    place: Place
    covering: float
    crossing: float


@dataclass(frozen=True)
class Canvas:
    """The area between the axes, in pixels or points.

    Attributes:
        width: From left to right.
        height: From bottom to top.
        character_width: Mean width of a bold character.
        line_height: Height of a name.
    """

    width: float
    height: float
    character_width: float
    line_height: float


@dataclass(frozen=True)
class Name:
    """A name and the place of its point."""

    text: str
    place: Place


@dataclass(frozen=True)
class Box:
    """A rectangle."""

    left: float
    bottom: float
    right: float
    top: float

    def overlaps(self, other: Box) -> bool:
        """Tells whether the two have a point in common."""
        beside = self.right < other.left or other.right < self.left
        return not (beside or self.top < other.bottom or other.top < self.bottom)

    def contains(self, x: float, y: float) -> bool:
        """Tells whether a point lies inside."""
        return self.left <= x <= self.right and self.bottom <= y <= self.top

    def grown(self, by: float) -> Box:
        """Returns this rectangle with some air around it."""
        return Box(self.left - by, self.bottom - by, self.right + by, self.top + by)


def place_names(names: Sequence[Name], obstacles: Sequence[Obstacle], canvases: Sequence[Canvas]) -> tuple[Offset, ...]:
    """Finds a place for each name.

    Args:
        names: The names.
        obstacles: What names should not cover.
        canvases: The sizes at which the chart may be drawn.

    Returns:
        One offset a name.
    """
    choices = [[(offset, _cost(name, offset, obstacles, canvases)) for offset in _offsets(name)] for name in names]

    def total(chosen: tuple[tuple[Offset, float], ...]) -> float:
        boxes = [
            [name_box(name, offset, canvas).grown(_CLEARANCE / 2) for canvas in canvases]
            for name, (offset, _) in zip(names, chosen, strict=True)
        ]
        overlaps = sum(
            one.overlaps(other)
            for position, first in enumerate(boxes)
            for second in boxes[position + 1 :]
            for one, other in zip(first, second, strict=True)
        )
        return sum(cost for _, cost in chosen) + _COST_OF_OVERLAP * overlaps

    return tuple(offset for offset, _ in min(product(*choices), key=total))


def name_box(name: Name, offset: Offset, canvas: Canvas) -> Box:
    """Returns the rectangle that a name covers."""
    x, y = _position(name.place, canvas)
    half_width, half_height = len(name.text) * canvas.character_width / 2, canvas.line_height / 2
    middle_x, middle_y = x + offset[0], y + offset[1]
    return Box(middle_x - half_width, middle_y - half_height, middle_x + half_width, middle_y + half_height)


def point_obstacles(points: Iterable[Place]) -> list[Obstacle]:
    """Returns points of the chart as obstacles: covering one hides a trial."""
    return [Obstacle(point, covering=40.0, crossing=8.0) for point in points]


def line_obstacles(line: Sequence[Place], step: float = 0.02) -> list[Obstacle]:
    """Returns a line as obstacles along it: covering some of it does less harm."""
    obstacles: list[Obstacle] = []
    for (x0, y0), (x1, y1) in pairwise(line):
        count = max(1, math.ceil(math.hypot(x1 - x0, y1 - y0) / step))
        places = ((x0 + (x1 - x0) * part / count, y0 + (y1 - y0) * part / count) for part in range(count + 1))
        obstacles += [Obstacle(place, covering=4.0, crossing=0.5) for place in places]
    return obstacles


def _offsets(name: Name) -> list[Offset]:
    half_width = 4.0 * len(name.text)
    return [
        (_sign(math.cos(angle)) * (gap + half_width), _sign(math.sin(angle)) * (gap + 8.0))
        for gap in _GAPS
        for angle in map(math.radians, _DIRECTIONS)
    ]


def _sign(value: float) -> int:
    return 0 if abs(value) < 1e-9 else int(math.copysign(1, value))


def _cost(name: Name, offset: Offset, obstacles: Sequence[Obstacle], canvases: Sequence[Canvas]) -> float:
    return sum(_cost_on(name, offset, obstacles, canvas) for canvas in canvases)


def _cost_on(name: Name, offset: Offset, obstacles: Sequence[Obstacle], canvas: Canvas) -> float:
    box = name_box(name, offset, canvas)
    x, y = _position(name.place, canvas)
    cost = _COST_OF_DISTANCE * math.hypot(*offset)
    if box.left < 0 or box.bottom < 0 or box.right > canvas.width or box.top > canvas.height:
        cost += _COST_OF_OVERLAP
    air = box.grown(_CLEARANCE)
    for obstacle in obstacles:
        there_x, there_y = _position(obstacle.place, canvas)
        if air.contains(there_x, there_y):
            cost += obstacle.covering
        elif _distance_to_leader(there_x - x, there_y - y, offset) < _CLEARANCE:
            cost += obstacle.crossing
    return cost


def _distance_to_leader(x: float, y: float, offset: Offset) -> float:
    """Returns how far a point, seen from the named one, lies from the line to the name."""
    along_leader = (x * offset[0] + y * offset[1]) / (offset[0] ** 2 + offset[1] ** 2)
    share = min(1.0, max(0.0, along_leader))
    return math.hypot(x - share * offset[0], y - share * offset[1])


def _position(place: Place, canvas: Canvas) -> tuple[float, float]:
    return place[0] * canvas.width, place[1] * canvas.height
