"""The guard that notices a server that fails everything."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving_adapter.contract import AdapterError, Completion, Load, RequestFailedError
from serving_adapter.scenario import load_generator
from serving_adapter.scenario.failures import FailureGuard
from tests.unit.serving_adapter.scripted_adapter import ScriptedAdapter


def batch(finish_s: float, failure: str = "") -> Completion:
    return Completion((finish_s,), finish_s, finish_s, failure)


class Refusing(ScriptedAdapter):
    def infer(self, items: int) -> None:
        super().infer(items)
        raise RequestFailedError(f"The server refused request {len(self.batches)}.")


@pytest.mark.parametrize("load", [Load("offline", 1), Load("server", 1, 50.0)])
def test_a_server_that_fails_everything_from_the_start_on_ends_the_load_with_the_last_reason(load: Load) -> None:
    reason = r"Each of the first (\d+) batches of the workload 'scripted' failed, .*refused request \1\.$"
    with pytest.raises(AdapterError, match=reason) as end:
        load_generator(Refusing([0.01]), load).run(60.0)
    assert not isinstance(end.value, RequestFailedError)


@given(st.lists(st.booleans(), max_size=60), st.floats(0.0, 0.3))
def test_nothing_is_raised_once_something_has_succeeded(succeeds: list[bool], step_s: float) -> None:
    guard = FailureGuard("tested")
    for number, success in enumerate([True, *succeeds]):
        guard.count(batch(number * step_s, "" if success else "It failed."))


def test_a_burst_of_refusals_is_not_yet_the_end() -> None:
    guard = FailureGuard("tested")
    for _ in range(200):
        guard.count(batch(5.0, "Too many requests."))
    with pytest.raises(AdapterError, match="first 201 batches"):
        guard.count(batch(6.0, "Too many requests."))


def test_a_few_failures_are_not_yet_the_end_however_long_they_take() -> None:
    guard = FailureGuard("tested")
    for number in range(19):
        guard.count(batch(60.0 * number, "The server did not answer."))
    with pytest.raises(AdapterError, match="first 20 batches"):
        guard.count(batch(60.0 * 20, "The server did not answer."))


@given(st.integers(1, 5000))
def test_the_pause_never_shrinks_while_batches_fail_and_is_bounded(failures: int) -> None:
    guard = FailureGuard("tested")
    guard.count(batch(0.0))
    assert guard.resume_s < 0.0
    pauses_s = []
    for _ in range(failures):
        guard.count(batch(1.0, "It failed."))
        pauses_s.append(guard.resume_s - 1.0)
    assert pauses_s == sorted(pauses_s)
    assert 0.0 < pauses_s[0] <= pauses_s[-1] <= 0.25
    guard.count(batch(2.0))
    assert guard.resume_s < 0.0


@given(st.floats(0.001, 1.0), st.floats(0.0, 0.1))
def test_the_pause_goes_on_over_slices_however_short_they_are(slice_s: float, gap_s: float) -> None:
    class Flapping(ScriptedAdapter):
        """Works once, fails twelve times and works again; failing takes no time."""

        def infer(self, items: int) -> None:
            attempts_s.append(self.now_s())
            if 1 < len(attempts_s) <= 13:
                raise RequestFailedError("The server is busy.")
            super().infer(items)

    attempts_s: list[float] = []
    adapter = Flapping([0.01])
    generator = load_generator(adapter, Load("offline", 1))
    while len(attempts_s) < 15 and adapter.now_s() < 100.0:
        generator.run(slice_s)
        adapter.idle(gap_s)
    pauses_s = [after_s - before_s for before_s, after_s in itertools.pairwise(attempts_s[1:14])]
    wanted_s = [0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.25, 0.25, 0.25, 0.25]
    assert len(pauses_s) == len(wanted_s)
    for pause_s, least_s in zip(pauses_s, wanted_s, strict=True):
        assert least_s - 1e-9 <= pause_s <= least_s + gap_s + 1e-9
