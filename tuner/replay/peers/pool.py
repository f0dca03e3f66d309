"""The legal configurations as points of a unit cube, so that a general optimizer's answer finds the nearest of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from tuner.configuration import Configuration, ConfigurationSpace, Parameter, ParameterKind, Value

Point: TypeAlias = NDArray[np.float64]
Scale: TypeAlias = Callable[[tuple[Value, ...]], list[float]]
"""The choices of a numeric parameter, ascending, as coordinates between 0 and 1."""


def by_place(choices: tuple[Value, ...]) -> list[float]:
    """Spaces the choices evenly, whatever they are apart: a batch size that doubles is one step."""
    last = max(len(choices) - 1, 1)
    return [place / last for place in range(len(choices))]


def by_value(choices: tuple[Value, ...]) -> list[float]:
    """Spaces the choices as their values are apart."""
    values = [float(choice) for choice in choices]
    span = (values[-1] - values[0]) or 1.0
    return [(value - values[0]) / span for value in values]


class Pool:
    """Every legal configuration of a space, by position: one coordinate a number, one a category.

    Attributes:
        coordinates: The configurations' points, ``size x dimensions``.
    """

    def __init__(self, space: ConfigurationSpace, scale: Scale) -> None:
        """Lists the space, which must be small enough for that, as measured tables are."""
        self._configurations = tuple(space)
        self._positions = {configuration: place for place, configuration in enumerate(self._configurations)}
        self._coordinates = {parameter.id: _coordinates(parameter, scale) for parameter in space.parameters}
        self.coordinates: Point = np.array([self._locate(one) for one in self._configurations], dtype=np.float64)

    def __getitem__(self, position: int) -> Configuration:
        """Returns the configuration at a position."""
        return self._configurations[position]

    @property
    def dimensions(self) -> int:
        """The number of coordinates."""
        return int(self.coordinates.shape[1])

    def point(self, configuration: Configuration) -> Point | None:
        """Returns a configuration's point, or None if it has a value that is no choice."""
        try:
            return np.array(self._locate(configuration), dtype=np.float64)
        except KeyError:
            return None

    def untried(self, tried: Iterable[Configuration]) -> NDArray[np.intp]:
        """Returns the positions of the configurations that are not among these, ascending."""
        is_untried = np.ones(len(self._configurations), dtype=np.bool_)
        is_untried[[self._positions[one] for one in tried if one in self._positions]] = False
        return np.flatnonzero(is_untried)

    def nearest(self, point: Point, positions: NDArray[np.intp]) -> int:
        """Returns the one of these positions that is nearest to a point; of several equally near, the first."""
        distances = np.square(self.coordinates[positions] - point).sum(axis=1)
        return int(positions[distances.argmin()])

    def _locate(self, configuration: Configuration) -> list[float]:
        return [
            coordinate for name, by_choice in self._coordinates.items() for coordinate in by_choice[configuration[name]]
        ]


def _coordinates(parameter: Parameter, scale: Scale) -> Mapping[Value, tuple[float, ...]]:
    """Returns the coordinates of each choice: one for a number, as many as there are choices for a category."""
    if parameter.kind is ParameterKind.CATEGORY:
        return {choice: tuple(float(choice == other) for other in parameter.choices) for choice in parameter.choices}
    return {
        choice: (coordinate,) for choice, coordinate in zip(parameter.choices, scale(parameter.choices), strict=True)
    }
