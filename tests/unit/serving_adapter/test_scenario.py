"""Which generator a load gets, and which loads are refused."""

import math

import pytest

from serving_adapter.contract import AdapterError, Load
from serving_adapter.scenario import CallersThread, Lanes, LiveTraffic, LoadGenerator, load_generator
from tests.unit.serving_adapter.scenario_adapters import BareAdapter


@pytest.mark.parametrize(
    ("concurrency", "load", "kind"),
    [
        (1, Load("single-stream", 1), CallersThread),
        (1, Load("multi-stream", 8), CallersThread),
        (1, Load("offline", 8), CallersThread),
        (1, Load("server", 8, 10.0), CallersThread),
        (1, Load("live", 1), LiveTraffic),
        (4, Load("single-stream", 1), Lanes),
        (4, Load("multi-stream", 8), Lanes),
        (4, Load("offline", 8), Lanes),
        (4, Load("server", 8, 10.0), Lanes),
        (4, Load("live", 1), LiveTraffic),
    ],
)
def test_threads_are_used_where_an_adapter_takes_several_batches_at_once(
    concurrency: int, load: Load, kind: type[LoadGenerator]
) -> None:
    assert type(load_generator(BareAdapter(concurrency), load)) is kind


@pytest.mark.parametrize(
    ("load", "kind"),
    [
        (Load("single-stream", 1), CallersThread),
        (Load("multi-stream", 8), CallersThread),
        (Load("offline", 8), CallersThread),
        (Load("server", 8, 10.0), Lanes),
        (Load("live", 1), LiveTraffic),
    ],
)
def test_arrivals_go_on_between_slices_where_an_adapter_is_not_bound_to_a_thread(
    load: Load, kind: type[LoadGenerator]
) -> None:
    assert type(load_generator(BareAdapter(1, is_thread_bound=False), load)) is kind


@pytest.mark.parametrize("scenario", ["offline", "server", "live"])
def test_a_load_that_was_ended_does_not_flow_again(scenario: str) -> None:
    generator = load_generator(BareAdapter(), Load(scenario, 1, 10.0 if scenario == "server" else None))
    generator.stop()
    generator.stop()
    with pytest.raises(AdapterError, match="'bare' was ended: start it again"):
        generator.run(0.01)


@pytest.mark.parametrize(
    ("load", "message"),
    [
        (Load("tidal", 1), "'tidal' is unknown: use single-stream, multi-stream, offline, server, live"),
        (Load("single-stream", 4), "one item a query"),
        (Load("offline", 0), "at least one"),
        (Load("server", 1), "arrival rate above zero"),
        (Load("server", 1, 0.0), "arrival rate above zero"),
        (Load("server", 1, math.inf), "arrival rate above zero"),
        (Load("server", 1, math.nan), "arrival rate above zero"),
        (Load("server", 4, 1.0, batch_wait_s=-0.1), "zero or more seconds"),
        (Load("server", 4, 1.0, batch_wait_s=math.inf), "zero or more seconds"),
        (Load("server", 4, 1.0, batch_wait_s=math.nan), "zero or more seconds"),
    ],
)
def test_a_load_that_means_nothing_is_refused_in_one_sentence(load: Load, message: str) -> None:
    with pytest.raises(AdapterError, match=message) as refusal:
        load_generator(BareAdapter(), load)
    assert str(refusal.value).endswith(".")
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("duration_s", [0.0, -1.0, math.inf, math.nan])
@pytest.mark.parametrize("concurrency", [1, 2])
@pytest.mark.parametrize("scenario", ["offline", "live"])
def test_a_duration_that_means_nothing_is_refused(duration_s: float, concurrency: int, scenario: str) -> None:
    with pytest.raises(AdapterError, match="above zero"):
        load_generator(BareAdapter(concurrency), Load(scenario, 1)).run(duration_s)
