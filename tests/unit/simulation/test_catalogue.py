"""The catalogue: the devices' lists, and the sizes of the spaces that follow from them."""

import json
import os
from pathlib import Path

import pytest

from knobs.contract import KnobSpec, Provenance, RefusedError, RestoreClass
from simulation.catalogue import DEVICES, device_model, device_names
from simulation.knobs import virtual_knobs
from simulation.model import DeviceModel
from tuner.configuration import ConfigurationSpace, OrderConstraint, Owner, Parameter, ParameterKind

SHARED = Path(os.environ.get("WATTUNE_SHARED", Path(__file__).resolve().parents[4] / "shared"))
BATCH_SIZES = (1, 2, 4, 8, 16)


def space_of(specs: list[KnobSpec]) -> ConfigurationSpace:
    parameters = [Parameter(spec.id, spec.unit, ParameterKind(spec.kind), spec.values, Owner.KNOB) for spec in specs]
    batch = Parameter("serving.batch_size", "items", ParameterKind.BATCH, BATCH_SIZES, Owner.STUDY_ONLY)
    constraints = [
        OrderConstraint(spec.id, spec.not_above.limit, spec.not_above.factor) for spec in specs if spec.not_above
    ]
    return ConfigurationSpace((*parameters, batch), tuple(constraints))


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("virtual:tx2", 5005),
        ("virtual:agx-orin-paper", 1820),
        ("virtual:agx-orin", 66 * 4 * 8 * 5),
    ],
)
def test_the_default_space_has_the_size_of_the_papers_grid(name: str, size: int, tmp_path: Path) -> None:
    space = space_of([knob.spec for knob in virtual_knobs(name, tmp_path)])
    assert len(set(space)) == size


@pytest.mark.parametrize("name", device_names())
def test_every_knob_says_that_it_is_simulated(name: str, tmp_path: Path) -> None:
    for knob in virtual_knobs(name, tmp_path):
        assert knob.spec.provenance is Provenance.SIMULATED
        assert knob.spec.restore_class is RestoreClass.EXACT
        assert knob.spec.device == name
        assert knob.spec.note


@pytest.mark.parametrize("name", device_names())
def test_a_fresh_device_has_its_whole_range_open(name: str, tmp_path: Path) -> None:
    knobs = {knob.spec.id: knob for knob in virtual_knobs(name, tmp_path)}
    assert knobs["gpu.core.min_mhz"].read() == knobs["gpu.core.min_mhz"].spec.values[0]
    for knob_id in knobs.keys() - {"gpu.core.min_mhz"}:
        assert knobs[knob_id].read() == knobs[knob_id].spec.values[-1]


def test_whole_clocks_are_int_and_others_float(tmp_path: Path) -> None:
    values = next(knob.spec.values for knob in virtual_knobs("virtual:agx-orin", tmp_path))
    assert [type(value) for value in (values[0], values[-1])] == [int, float]


@pytest.mark.parametrize("name", ["virtual:toaster", "agx-orin", ""])
def test_an_unknown_name_is_refused_with_the_names_that_exist(name: str) -> None:
    with pytest.raises(RefusedError, match="virtual:agx-orin, virtual:agx-orin-paper, virtual:tx2"):
        device_model(name)


@pytest.mark.parametrize("model", DEVICES, ids=lambda model: model.name)
def test_all_lists_ascend(model: DeviceModel) -> None:
    for clocks_mhz in (model.core_clocks_mhz, model.memory_clocks_mhz, model.cpu_clocks_mhz):
        assert list(clocks_mhz) == sorted(set(clocks_mhz))


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared folder with the boards' real trees is not here")
@pytest.mark.parametrize(("name", "board"), [("virtual:agx-orin", "agx_orin"), ("virtual:tx2", "tx2")])
def test_clocks_are_those_that_the_real_board_reports(name: str, board: str) -> None:
    tree = json.loads((SHARED / "data/hardware/jetson_trees.json").read_text())[board]
    model = device_model(name)
    assert list(model.core_clocks_mhz) == [hz / 1e6 for hz in tree["gpu"]]
    assert list(model.memory_clocks_mhz) == [hz / 1e6 for hz in tree["emc"]]
    assert set(model.cpu_clocks_mhz) <= {khz / 1e3 for khz in tree["cpu"]}
