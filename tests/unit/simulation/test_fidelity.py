"""The virtual AGX Orin agrees with the measured one: with a few figures, and with the whole table where it is here."""

import os
import statistics
from pathlib import Path

import pytest

from simulation.catalogue import device_model
from simulation.physics import Clocks, batch_activity, batch_timing, steady_power

SHARED = Path(os.environ.get("WATTUNE_SHARED", Path(__file__).resolve().parents[4] / "shared"))
TABLE = SHARED / "data/replay/energyllm-agx-orin"
ORIN = device_model("virtual:agx-orin")

MEASURED = {
    (306, 1): (5.724, 1.269),
    (306, 32): (9.648, 0.0644),
    (612, 1): (4.541, 1.096),
    (612, 16): (4.604, 0.0789),
    (714, 32): (4.745, 0.0458),
    (1020, 8): (4.413, 0.158),
    (1300.5, 1): (4.364, 1.267),
    (1300.5, 32): (4.477, 0.0528),
}
"""By GPU clock in MHz and batch: seconds a batch of 100-token completions, and joules a token."""


@pytest.mark.parametrize(("core_mhz", "items"), MEASURED)
def test_measured_figures_are_met_within_five_percent(core_mhz: float, items: int) -> None:
    latency_s, energy_j = MEASURED[core_mhz, items]
    profile = ORIN.profiles[0]
    clocks = Clocks(core_mhz, ORIN.memory_clocks_mhz[-1], cpu_ratio=1.0)
    timing = batch_timing(ORIN, profile, items, clocks)
    drawn, _ = steady_power(ORIN, clocks, batch_activity(profile, items, timing))
    assert timing.total_s == pytest.approx(latency_s, rel=0.05)
    assert drawn.board_w * timing.total_s / (items * profile.steps) == pytest.approx(energy_j, rel=0.05)


@pytest.mark.skipif(not TABLE.is_dir(), reason="the measured table of the AGX Orin is not here")
def test_the_whole_table_is_met() -> None:
    pytest.importorskip("scipy", reason="the calibration needs scipy")
    from benchmarks import virtual_device_fidelity as fidelity

    measured = fidelity.measured_surface(TABLE)
    modelled = fidelity.steady_surface(ORIN, measured)
    assert len(measured) == 11 * 32
    latency_errors = [abs(modelled[cell].latency_s / measured[cell].latency_s - 1) for cell in measured]
    energy_errors = [abs(modelled[cell].energy_j / measured[cell].energy_j - 1) for cell in measured]
    assert statistics.median(latency_errors) < 0.006
    assert statistics.quantiles(latency_errors, n=10)[-1] < 0.015
    assert statistics.median(energy_errors) < 0.010
    assert statistics.quantiles(energy_errors, n=10)[-1] < 0.022
    clocks = list(ORIN.core_clocks_mhz)
    for items in range(1, 33):
        (measured_mhz, measured_saving) = fidelity.optimum(measured, items)
        (modelled_mhz, modelled_saving) = fidelity.optimum(modelled, items)
        assert abs(clocks.index(measured_mhz) - clocks.index(modelled_mhz)) <= 1
        assert modelled_saving == pytest.approx(measured_saving, abs=0.013)
