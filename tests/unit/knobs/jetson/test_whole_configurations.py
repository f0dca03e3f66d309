"""Through the keeper: whole configurations or none, and the first values back, whatever crashes or refuses."""

import errno
from functools import partial

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from knobs.contract import KnobError
from knobs.drivers.jetson import find_jetson
from knobs.found import Wishes
from knobs.inventory import Inventory
from knobs.journal import Journal
from knobs.keeper.desired import Desired
from knobs.keeper.keeper import Keeper
from knobs.meters.sampling import Sampler
from tests.contract.test_jetson import SETTINGS
from tests.emulated.sysfs.kernel.generation import Generation
from tests.emulated.sysfs.machines.jetson import orin_nano, tx2

MAXIMUM, MINIMUM, MEMORY, RAILGATE = "gpu.core.max_mhz", "gpu.core.min_mhz", "memory.max_mhz", "gpu.railgate"


class Bench:
    """A board, and keepers that come and go."""

    def __init__(self, board, folder):
        self.board = board
        self.folder = folder
        self.start()

    def start(self):
        found = find_jetson(self.board.files(), Wishes(), Sampler())
        inventory = Inventory(found.knobs, (), reopen=found.reopen)
        self.keeper = Keeper(inventory, Journal(self.folder / "run"), Desired(self.folder / "state"))
        return self.keeper.start()

    def configuration(self, indices):
        """Names the lowest clock wherever the highest one moves and the lowest one is set already, as studies do."""
        values = {spec.id: spec.values for spec in self.keeper.inventory().knobs}
        state = self.keeper.state()
        if MAXIMUM in indices and MINIMUM in dict((*state.trial, *state.confirmed)):
            indices = {MINIMUM: 0, **indices}
        return {name: values[name][min(index, len(values[name]) - 1)] for name, index in indices.items()}

    def settings(self):
        files = self.board.files()
        return {path: files.read_text(path) for pattern in SETTINGS for path in files.glob(pattern)}


def pinned(board):
    """As jetson_clocks leaves a board: the GPU's lowest clock is its highest, and it is not railgated."""
    files = board.files()
    folder = f"/sys/class/devfreq/{board.gpu.name}"
    files.write_text(f"{folder}/min_freq", files.read_text(f"{folder}/max_freq"))
    files.write_text(f"{folder}/device/railgate_enable", "0")
    return board


@pytest.fixture(params=[tx2, partial(orin_nano, super_mode=True)], ids=["kernel 4.9", "kernel 5.15"])
def make(request):
    return request.param


def test_a_confirmed_clock_hides_the_pinned_one_over_a_restart_and_all_comes_back(make, tmp_path):
    bench = Bench(pinned(make()), tmp_path)
    before = bench.settings()
    low = bench.keeper.inventory().knobs[0].values[1]
    bench.keeper.apply({MAXIMUM: low})
    bench.keeper.confirm()
    bench.start()
    bench.keeper.apply({MINIMUM: bench.keeper.inventory().knobs[1].values[0]})
    bench.start()
    assert bench.keeper.read([MAXIMUM, MINIMUM]) == {MAXIMUM: low, MINIMUM: low}
    assert bench.keeper.withdraw().failed == ()
    assert bench.settings() == before


@pytest.mark.parametrize("number", [errno.EINVAL, errno.EIO, errno.EBUSY])
@pytest.mark.parametrize("name", ["max_freq", "min_freq", "device/railgate_enable"])
def test_a_configuration_that_the_kernel_refuses_half_way_is_taken_back_whole(make, tmp_path, name, number):
    bench = Bench(pinned(make()), tmp_path)
    before = bench.settings()
    specs = {spec.id: spec.values for spec in bench.keeper.inventory().knobs}
    path = f"/sys/class/devfreq/{bench.board.gpu.name}/{name}"
    wanted = {MAXIMUM: specs[MAXIMUM][-2], MINIMUM: specs[MINIMUM][0], MEMORY: specs[MEMORY][0], RAILGATE: "on"}
    with bench.board.failing(path, number, reads=False), pytest.raises(KnobError):
        bench.keeper.apply(wanted)
    bench.keeper.retry_owed()
    assert bench.settings() == before


_STEPS = st.lists(
    st.one_of(
        st.tuples(
            st.just("apply"), st.dictionaries(st.sampled_from([MAXIMUM, MINIMUM, MEMORY, RAILGATE]), st.integers(0, 7))
        ),
        st.tuples(st.sampled_from(["confirm", "crash", "take back"]), st.none()),
    ),
    max_size=8,
)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=_STEPS, is_pinned=st.booleans(), generation=st.sampled_from([None, Generation.K5_10, Generation.K5_15]))
def test_whatever_happens_the_first_values_come_back(tmp_path_factory, steps, is_pinned, generation):
    board = tx2() if generation is None else orin_nano(generation=generation)
    bench = Bench(pinned(board) if is_pinned else board, tmp_path_factory.mktemp("keeper"))
    before = bench.settings()
    for step, indices in steps:
        try:
            if step == "apply":
                bench.keeper.apply(bench.configuration(indices))
            elif step == "confirm":
                bench.keeper.confirm()
            elif step == "crash":
                assert bench.start().failed == ()
            else:
                bench.keeper.take_back()
        except KnobError:
            continue  # refused as a whole: a lowest clock above the highest one, or nothing to confirm
    assert bench.keeper.withdraw().failed == ()
    assert bench.settings() == before
