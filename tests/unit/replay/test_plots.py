"""Regret against trials: the curves' values, and that both forms draw them."""

from __future__ import annotations

import json
import math
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from matplotlib.figure import Figure

from tests.unit.replay.tables import row
from tuner.errors import BadInputError
from tuner.replay.curves import Curve, curves_by_group
from tuner.replay.look import look_of
from tuner.replay.methods import REPLAY_METHODS
from tuner.replay.picture import draw_panel
from tuner.replay.plot import write_plot
from tuner.replay.search_run import TRIAL_CAP

FOUR_RUNS = [
    row(seed=0, regrets=(0.4, 0.1)),
    row(seed=1, regrets=(None, 0.3, 0.0)),
    row(seed=2, regrets=(0.8, 0.8, 0.2)),
    row(seed=3, regrets=(None, None, None, 0.5)),
]


def curve() -> Curve:
    (only,) = curves_by_group(FOUR_RUNS)["inference"]
    return only


class TestCurves:
    def test_quartiles_over_the_runs_after_each_trial(self) -> None:
        assert curve().low[:4] == (0.4, 0.1, 0.0, 0.0)
        assert curve().middle[:4] == (0.8, 0.3, 0.1, 0.1)
        assert curve().high[:4] == (math.inf, 0.8, 0.2, 0.2)

    def test_a_run_that_has_ended_keeps_its_regret_up_to_the_cap(self) -> None:
        assert len(curve().middle) == TRIAL_CAP
        assert set(curve().middle[3:]) == {0.1}

    def test_groups_and_methods_apart(self) -> None:
        rows = [row("stress", "random"), row("inference", "random"), row("inference", "wattune")]
        names = {group: [one.method for one in curves] for group, curves in curves_by_group(rows).items()}
        assert names == {"inference": ["wattune", "random"], "stress": ["random"]}


class TestPicture:
    def test_a_line_and_a_band_a_method_and_a_line_at_nearly_optimal(self) -> None:
        panel: Any = Figure().subplots()
        draw_panel(panel, "inference", [curve()])
        line, threshold = (one for one in panel.get_lines() if one.get_label() == "random"), panel.get_lines()[0]
        assert list(next(line).get_ydata())[:3] == pytest.approx([80.0, 30.0, 10.0])
        assert list(threshold.get_ydata()) == [5.0, 5.0]
        assert len(panel.collections) == 1

    def test_what_is_infinite_is_drawn_above_the_panel(self) -> None:
        panel: Any = Figure().subplots()
        draw_panel(panel, "inference", [curve()])
        (band,) = panel.collections
        highest = max(y for _, y in band.get_paths()[0].vertices)
        assert panel.get_ylim()[1] < highest < math.inf

    def test_every_method_has_a_look_of_its_own(self) -> None:
        looks = [look_of(method) for method in REPLAY_METHODS.names]
        assert len({look.colour for look in looks}) == len(looks)
        assert len({look.dash for look in looks}) == len(looks)


class TestFiles:
    def test_a_png(self, tmp_path: Path) -> None:
        write_plot(tmp_path / "regret.png", [*FOUR_RUNS, row("stress")])
        assert (tmp_path / "regret.png").read_bytes().startswith(b"\x89PNG")

    def test_a_page_holds_the_medians(self, tmp_path: Path) -> None:
        write_plot(tmp_path / "regret.html", FOUR_RUNS)
        page = (tmp_path / "regret.html").read_text()
        drawn = [json.loads(text) for text in re.findall(r'"y":(\[[^\]]*\])', page)]
        assert [None if value is None else round(value, 6) for value in drawn[-1][:4]] == [80, 30, 10, 10]

    def test_what_draws_it_may_be_missing(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "matplotlib", None)
        with pytest.raises(BadInputError, match=r"wattune\[report\]"):
            write_plot(tmp_path / "regret.png", FOUR_RUNS)
