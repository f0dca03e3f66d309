"""Sources of power and energy turned into joules that can be relied on.

    sampler = Sampler()                                 # one for all meters of a process
    source = PowerSource(SourceFacts(id="gpu.power", …), read=lambda: microwatts() / 1e6)
    meter = SampledMeter(source, sampler)               # a knobs.contract.Meter; readings are joules

A driver's ``find_…`` takes the sampler as an argument. Nothing is read and no thread runs before the first sample.
"""

from knobs.meters.sampling.meter import SampledMeter
from knobs.meters.sampling.sampler import Sampler
from knobs.meters.sampling.source import CounterSource, PowerSource, Source, SourceFacts

__all__ = ["CounterSource", "PowerSource", "SampledMeter", "Sampler", "Source", "SourceFacts"]
