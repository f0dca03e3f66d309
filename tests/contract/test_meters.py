"""The contract suite over every kind of meter: counters fast and slow, powers, processors, plugs."""

import math
import time

import pytest

from knobs.contract import Calibration, Scope
from knobs.found import Wishes
from knobs.meters.calibrated import CalibratedMeter
from knobs.meters.plug import find_plugs
from knobs.meters.rapl import MEMORY_METER_ID, METER_ID, PLATFORM_METER_ID, find_rapl
from knobs.meters.sampling import CounterSource, PowerSource, SampledMeter, Sampler, SourceFacts
from tests.contract.meter_contract import MeterContract
from tests.unit.knobs.meters.plug.fake_plugs import documents, gen1_meter, gen2_status, served, tasmota_status_8
from tests.unit.knobs.meters.sampling.bench import Bench
from tests.unit.knobs.meters.sampling.profiles import Sine
from tests.unit.knobs.meters.zones import Zones


class TestSampled(MeterContract):
    """On a clock that is told what time it is."""

    @pytest.fixture(params=["counter", "power"])
    def kind(self, request):
        return request.param

    @pytest.fixture(params=[0.001, 0.007, 0.02, 0.1, 1.0, 30.0])
    def meter(self, kind, request):
        self.bench = Bench(Sine(100.0, 60.0, 0.3), kind, request.param)
        return self.bench.meter

    def advance(self, meter):
        self.bench.run(2.0 * meter.spec.update_period_s)


class TestWrapping(MeterContract):
    @pytest.fixture
    def meter(self):
        self.bench = Bench(Sine(100.0, 60.0, 0.3), "counter", 0.001, range_j=50.0, longest_interval_s=0.1)
        return self.bench.meter

    def advance(self, meter):
        self.bench.run(0.6)


class TestSampledByTheThread(MeterContract):
    """On the real clock, with the real thread."""

    @pytest.fixture(params=["counter", "power"])
    def meter(self, request):
        facts = SourceFacts("gpu.energy", Scope.GPU, "gpu0", update_period_s=0.02, resolution=0.001)
        if request.param == "power":
            return SampledMeter(PowerSource(facts, lambda: 100.0 + 10.0 * math.sin(time.monotonic())), Sampler())
        return SampledMeter(CounterSource(facts, lambda: 5.0 * (time.monotonic() // 0.02)), Sampler())

    def advance(self, meter):
        time.sleep(0.06)


class TestCalibrated(MeterContract):
    @pytest.fixture(params=["counter", "power"])
    def meter(self, request):
        self.bench = Bench(Sine(100.0, 60.0, 0.3), request.param, 0.1)
        calibration = Calibration(self.bench.meter.spec.id, Scope.WALL, factor=1.06, base_w=97.0, error=0.005)
        return CalibratedMeter(self.bench.meter, calibration)

    def advance(self, meter):
        self.bench.run(2.0 * meter.spec.update_period_s)


class TestRapl(MeterContract):
    @pytest.fixture(params=[METER_ID, MEMORY_METER_ID, PLATFORM_METER_ID])
    def meter(self, request):
        self.zones = Zones()
        self.zones.add("intel-rapl:0", "package-0", 40.0, first_uj=900_000, range_uj=50_000_000)
        self.zones.add("intel-rapl:0:0", "dram", 8.0)
        self.zones.add("intel-rapl:1", "psys", 70.0)
        found = find_rapl(self.zones.files(), Sampler(self.zones.clock))
        return next(meter for meter in found.meters if meter.spec.id == request.param)

    def advance(self, meter):
        self.zones.now_s += 0.7


PLUGS = {
    "shelly://{}": {"/rpc/Switch.GetStatus?id=0": gen2_status},
    "shelly://{}?generation=1": {"/meter/0": gen1_meter},
    "tasmota://{}": {"/cm?cmnd=Status%208": tasmota_status_8},
}


class TestPlug(MeterContract):
    """Against a server that answers as documented, on a clock that is told what time it is."""

    @pytest.fixture(params=PLUGS)
    def meter(self, request):
        self.now_s = 100.0
        pages = {path: lambda page=page: page(50.0 + self.now_s % 7.0) for path, page in PLUGS[request.param].items()}
        with served(documents(pages)) as (place, _):
            found = find_plugs(Wishes(plugs={"wall.plug": request.param.format(place)}), lambda: Unhurried(self))
            yield found.meters[0]

    def advance(self, meter):
        for _ in range(4):
            self.now_s += 0.5
            meter.poll()


class Unhurried(Sampler):
    """Polls nothing by itself."""

    def __init__(self, test):
        super().__init__(lambda: test.now_s)

    def use(self, polled, due_s):
        pass
