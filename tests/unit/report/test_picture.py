"""The picture, as Matplotlib lays it out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from tests.unit.report.example_study import (
    empty_study,
    estimated_study,
    infeasible_study,
    outlier_study,
    simulated_study,
)
from tuner.report.digest import Digest
from tuner.report.picture import draw
from tuner.study_record import Study

_STUDIES = [estimated_study, simulated_study, infeasible_study, outlier_study]


def drawn(study: Study) -> tuple[Any, dict[str, Any]]:
    """Returns the axes of the picture, and the rectangle of each name in it."""
    figure = Figure(figsize=(8, 5), dpi=160, layout="constrained")
    FigureCanvasAgg(figure)
    draw(figure, Digest(study))
    figure.draw_without_rendering()
    (plot,) = figure.axes
    names: dict[str, Any] = {text.get_text(): text for text in plot.texts if text.get_text()}
    # The text alone: the extent of an annotation includes its leader, whose end is the point.
    return plot, {name: text.get_bbox_patch().get_window_extent() for name, text in names.items() if text.arrow_patch}


@pytest.mark.parametrize("make_study", _STUDIES)
def test_names_keep_clear_of_axes_and_of_each_other(make_study: Callable[[], Study]) -> None:
    plot, names = drawn(make_study())
    area = plot.get_window_extent()
    assert names
    for name, box in names.items():
        assert area.x0 <= box.x0 < box.x1 <= area.x1
        assert area.y0 <= box.y0 < box.y1 <= area.y1
        assert not [other for other, there in names.items() if other != name and there.overlaps(box)]


@pytest.mark.parametrize("make_study", _STUDIES)
def test_names_cover_no_point(make_study: Callable[[], Study]) -> None:
    plot, names = drawn(make_study())
    points = [plot.transData.transform(offset) for series in plot.collections for offset in series.get_offsets()]
    assert not [name for name, box in names.items() for x, y in points if box.contains(x, y)]


def test_the_picture_says_how_many_trials_lie_outside() -> None:
    plot, _ = drawn(outlier_study())
    assert "2 trials lie outside" in {text.get_text() for text in plot.texts}


def test_a_logarithmic_axis_has_plain_numbers() -> None:
    plot, _ = drawn(estimated_study())
    assert plot.get_xscale() == "log"
    labels = [label.get_text() for label in plot.get_xticklabels()]
    assert labels == ["50", "100", "200", "500", "1000"]
    assert plot.get_xlabel() == "p90 latency, ms, logarithmic"


def test_a_study_without_trials_has_a_picture() -> None:
    plot, names = drawn(empty_study())
    assert names == {}
    assert plot.get_title(loc="left") == "minilm-text-encoder"
