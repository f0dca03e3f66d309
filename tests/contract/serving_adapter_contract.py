"""What every serving adapter must do: subclass this with a fixture ``adapter`` that is not open yet."""

import time
from collections.abc import Iterator

import pytest

from serving_adapter.contract import AdapterError, Load, ServingAdapter, Slice
from serving_adapter.scenario import load_generator

SLICE_S = 0.05
LONGEST_WAIT_S = 30.0
"""Only a test that fails waits so long."""


def _largest_batch(adapter: ServingAdapter) -> int:
    sizes = [parameter.values[-1] for parameter in adapter.parameters() if parameter.kind == "batch"]
    return int(sizes[0]) if sizes else 1


def _slices_until_a_completion(adapter: ServingAdapter, load: Load) -> list[Slice]:
    generator = load_generator(adapter, load)
    slices: list[Slice] = []
    deadline_s = time.monotonic() + LONGEST_WAIT_S
    try:
        while not (slices and slices[-1].completions):
            assert time.monotonic() < deadline_s, f"nothing was completed within {LONGEST_WAIT_S:g} s"
            slices.append(generator.run(SLICE_S))
    finally:
        generator.stop()
    return slices


class ServingAdapterContract:
    """The promises of :class:`serving_adapter.contract.ServingAdapter`."""

    @pytest.fixture
    def opened(self, adapter: ServingAdapter) -> Iterator[ServingAdapter]:
        adapter.open()
        yield adapter
        adapter.close()

    def test_parameters_have_distinct_ids_and_ascending_values(self, opened: ServingAdapter) -> None:
        parameters = opened.parameters()
        assert len({parameter.id for parameter in parameters}) == len(parameters)
        for parameter in parameters:
            assert parameter.values
            assert parameter.kind in {"batch", "threads", "instances", "category"}
            if parameter.kind != "category":
                assert list(parameter.values) == sorted(set(parameter.values))

    def test_what_is_in_force_after_opening_is_admissible(self, opened: ServingAdapter) -> None:
        current = opened.current()
        assert current.keys() == {parameter.id for parameter in opened.parameters()}
        for parameter in opened.parameters():
            assert current[parameter.id] in parameter.values

    def test_every_value_that_is_configured_reads_back(self, opened: ServingAdapter) -> None:
        for parameter in opened.parameters():
            for value in parameter.values:
                before = opened.current()
                opened.configure({parameter.id: value})
                assert opened.current() == {**before, parameter.id: value}

    def test_configuring_nothing_changes_nothing(self, opened: ServingAdapter) -> None:
        before = opened.current()
        opened.configure({})
        assert opened.current() == before

    def test_an_inadmissible_value_is_refused_and_nothing_changes(self, opened: ServingAdapter) -> None:
        parameters = opened.parameters()
        last_values = {parameter.id: parameter.values[-1] for parameter in parameters}
        for parameter in parameters:
            opened.configure({other.id: other.values[0] for other in parameters})
            before = opened.current()
            for wrong in (-1, 0, 10**9, "a value that nobody admits"):
                with pytest.raises(AdapterError, match=parameter.id):
                    opened.configure({**last_values, parameter.id: wrong})
                assert opened.current() == before

    def test_an_unknown_parameter_is_refused_and_nothing_changes(self, opened: ServingAdapter) -> None:
        parameters = opened.parameters()
        opened.configure({parameter.id: parameter.values[0] for parameter in parameters})
        before = opened.current()
        last_values = {parameter.id: parameter.values[-1] for parameter in parameters}
        with pytest.raises(AdapterError, match=r"serving\.nonsense"):
            opened.configure({**last_values, "serving.nonsense": 1})
        assert opened.current() == before

    def test_every_batch_up_to_the_largest_takes_time_on_the_devices_clock(self, opened: ServingAdapter) -> None:
        for items in range(1, _largest_batch(opened) + 1):
            before_s = opened.now_s()
            opened.infer(items)
            assert opened.now_s() > before_s

    def test_a_batch_larger_than_the_largest_is_refused(self, opened: ServingAdapter) -> None:
        with pytest.raises(AdapterError):
            opened.infer(_largest_batch(opened) + 1)

    def test_a_batch_of_no_items_is_refused(self, opened: ServingAdapter) -> None:
        with pytest.raises(AdapterError):
            opened.infer(0)

    def test_the_devices_clock_never_runs_backwards(self, opened: ServingAdapter) -> None:
        instants_s = []
        for _ in range(5):
            instants_s.append(opened.now_s())
            opened.infer(1)
            opened.idle(0.001)
        assert instants_s == sorted(instants_s)

    @pytest.mark.parametrize("seconds", [0.0, 0.001, 0.05])
    def test_idling_passes_at_least_that_time_on_the_devices_clock(
        self, opened: ServingAdapter, seconds: float
    ) -> None:
        before_s = opened.now_s()
        opened.idle(seconds)
        # Adding seconds to a large instant rounds, so that a simulated clock may miss by one step of a float.
        assert opened.now_s() - before_s >= seconds - 1e-9

    @pytest.mark.parametrize("scenario", ["single-stream", "multi-stream", "offline", "server"])
    def test_every_scenario_runs_on_it(self, opened: ServingAdapter, scenario: str) -> None:
        batch_size = 1 if scenario == "single-stream" else _largest_batch(opened)
        rate_hz = 20.0 if scenario == "server" else None
        slices = _slices_until_a_completion(opened, Load(scenario, batch_size, rate_hz))
        assert all(stretch.end_s - stretch.start_s >= SLICE_S - 1e-9 for stretch in slices)
        for batch in slices[-1].completions:
            assert not batch.failure
            assert 1 <= len(batch.arrivals_s) <= batch_size
            assert max(batch.arrivals_s) <= batch.start_s < batch.finish_s
            if batch.tokens is not None:
                assert batch.start_s < batch.tokens.first_s <= batch.finish_s
                assert batch.tokens.count >= 1

    def test_what_the_operator_must_know_is_told_in_sentences(self, opened: ServingAdapter) -> None:
        for note in opened.notes():
            assert note.endswith(".")
            assert note.isprintable()

    def test_inferring_before_opening_is_refused(self, adapter: ServingAdapter) -> None:
        with pytest.raises(AdapterError):
            adapter.infer(1)

    def test_inferring_after_closing_is_refused(self, opened: ServingAdapter) -> None:
        opened.close()
        with pytest.raises(AdapterError):
            opened.infer(1)

    def test_closing_twice_is_the_same_as_closing_once(self, opened: ServingAdapter) -> None:
        opened.close()
        opened.close()

    def test_closing_what_was_never_opened_is_harmless(self, adapter: ServingAdapter) -> None:
        adapter.close()

    def test_what_was_closed_can_be_opened_again(self, opened: ServingAdapter) -> None:
        opened.close()
        opened.open()
        opened.infer(1)
