import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.measuring.streams import Lognormal, Switching
from tuner.measuring.confidence import SloTest, spotless_queries
from tuner.measuring.confidence.share import queries_needed
from tuner.trial import Verdict

TRIALS = 200
CAP = 1200


def verdict_on(latencies_s, bound_s, late_share):
    """The first verdict, looked for after every query."""
    test = SloTest(late_share)
    for latency_s in latencies_s:
        test.add(latency_s > bound_s, latency_s)
        if test.verdict is not Verdict.UNDECIDED:
            break
    return test.verdict


def verdicts(stream, late_share, factor, seed=3):
    bound_s = stream.quantile_s(late_share) * factor
    drawn = stream.draw(np.random.default_rng(seed), TRIALS, CAP).tolist()
    return [verdict_on(latencies_s, bound_s, late_share) for latencies_s in drawn]


INDEPENDENT = Lognormal("independent")
DEPENDENT = Lognormal("autocorrelated", correlation=0.5)
BURSTY = Switching("bursty", slow_share=0.25, slowdown=math.exp(0.5), stretch=5.0)


def test_a_verdict_at_one_percent_needs_so_many_spotless_queries():
    assert [spotless_queries(share) for share in (0.1, 0.05, 0.01)] == [70, 127, 542]


@pytest.mark.parametrize("share", [0.1, 0.05, 0.01])
def test_allowing_for_unseen_dependence_costs_at_most_forty_queries(share):
    without = queries_needed(share, error=0.01)
    assert without < spotless_queries(share) <= without + 40


@pytest.mark.parametrize("stream", [INDEPENDENT, DEPENDENT, BURSTY], ids=lambda stream: stream.name)
@pytest.mark.parametrize(("factor", "wrong"), [(1 / 1.2, Verdict.FEASIBLE), (1.2, Verdict.INFEASIBLE)])
def test_away_from_the_limit_hardly_a_verdict_is_wrong_and_most_are_found(stream, factor, wrong):
    found = verdicts(stream, 0.1, factor)
    assert found.count(wrong) <= 0.02 * TRIALS
    assert found.count(Verdict.UNDECIDED) <= 0.1 * TRIALS


@pytest.mark.parametrize("stream", [INDEPENDENT, DEPENDENT, BURSTY], ids=lambda stream: stream.name)
def test_at_the_limit_itself_either_verdict_is_rare(stream):
    found = verdicts(stream, 0.1, 1.0)
    assert found.count(Verdict.FEASIBLE) <= 0.06 * TRIALS
    assert found.count(Verdict.INFEASIBLE) <= 0.03 * TRIALS


def test_a_burst_at_the_very_start_is_no_evidence_yet():
    test = SloTest(0.1)
    for _ in range(7):
        test.add(late=True, latency_s=1.0)
    assert test.verdict is Verdict.UNDECIDED


def test_a_configuration_that_is_always_late_is_recognised_within_ten_queries():
    test = SloTest(0.1)
    for _ in range(10):
        test.add(late=True, latency_s=1.0)
    assert test.verdict is Verdict.INFEASIBLE


def test_clustered_late_queries_weigh_less_than_scattered_ones():
    scattered, clustered = SloTest(0.1), SloTest(0.1)
    for query in range(400):
        scattered.add(query % 6 == 0, 1.0)
        clustered.add(query % 120 < 20, 1.0)
    assert scattered.late == pytest.approx(clustered.late, abs=15)
    assert clustered.inflation > 5.0 > 1.2 > scattered.inflation
    assert (scattered.verdict, clustered.verdict) == (Verdict.INFEASIBLE, Verdict.UNDECIDED)


def test_slow_stretches_are_seen_before_a_query_is_late():
    test = SloTest(0.1)
    for query in range(100):
        test.add(late=False, latency_s=1.5 if query % 30 < 6 else 1.0 + 0.001 * (query % 7))
    assert test.inflation > 2.0
    assert test.verdict is Verdict.UNDECIDED


def test_counts_decide_as_queries_do_once_there_are_many_stretches():
    test = SloTest(0.01)
    for _ in range(30):
        test.add_counts(queries=100, surely_late=0, perhaps_late=0)
    assert test.verdict is Verdict.FEASIBLE


def test_a_doubtful_bucket_speaks_against_either_verdict():
    held, broken = SloTest(0.1), SloTest(0.1)
    for _ in range(20):
        held.add_counts(queries=100, surely_late=1, perhaps_late=20)
        broken.add_counts(queries=100, surely_late=5, perhaps_late=60)
    assert held.verdict is Verdict.UNDECIDED
    assert broken.verdict is Verdict.UNDECIDED


def test_counts_of_stretches_that_scatter_more_than_chance_are_discounted():
    even, uneven = SloTest(0.1), SloTest(0.1)
    for stretch in range(24):
        even.add_counts(100, 15, 15)
        uneven.add_counts(100, 90 if stretch % 6 == 0 else 0, 90 if stretch % 6 == 0 else 0)
    assert even.late == uneven.late
    assert (even.verdict, uneven.verdict) == (Verdict.INFEASIBLE, Verdict.UNDECIDED)


def test_a_single_stretch_of_many_queries_is_not_yet_a_verdict():
    test = SloTest(0.1)
    test.add_counts(100, 0, 0)
    assert test.verdict is Verdict.UNDECIDED


def test_no_traffic_changes_nothing():
    test = SloTest(0.1)
    test.add_counts(0, 0, 0)
    assert test.verdict is Verdict.UNDECIDED
    assert test.inflation == 1.0


@pytest.mark.parametrize("counts", [(10, 11, 11), (10, 5, 4), (10, -1, 0), (math.nan, 0, 0), (math.inf, 0, 0)])
def test_counts_that_contradict_each_other_are_refused(counts):
    with pytest.raises(ValueError, match="late"):
        SloTest(0.1).add_counts(*counts)


@pytest.mark.parametrize(("share", "error"), [(0.0, 0.01), (1.0, 0.01), (0.1, 0.0), (0.1, 1.0)])
def test_what_cannot_be_tested_is_refused(share, error):
    with pytest.raises(ValueError, match="can be tested"):
        SloTest(share, error)


@given(st.lists(st.booleans(), max_size=300), st.sampled_from([0.5, 0.1, 0.01]))
def test_a_stricter_test_says_no_more_than_a_laxer_one(lateness, share):
    strict, lax = SloTest(share, error=0.001), SloTest(share, error=0.05)
    for is_late in lateness:
        strict.add(is_late, float(is_late))
        lax.add(is_late, float(is_late))
        assert strict.verdict in (lax.verdict, Verdict.UNDECIDED)


@given(st.lists(st.floats(0.0, 1e6), min_size=1, max_size=200))
def test_dependence_never_makes_evidence_heavier(latencies_s):
    test = SloTest(0.1)
    for latency_s in latencies_s:
        test.add(latency_s > 1.0, latency_s)
        assert test.inflation >= 1.0
