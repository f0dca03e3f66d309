import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner.measuring.confidence.share import ERROR, combine, decide, queries_needed
from tuner.trial import Verdict


def test_a_p90_needs_33_spotless_queries_and_a_p99_338():
    assert queries_needed(0.10) == 33
    assert queries_needed(0.01) == 338


def test_no_query_decides_nothing():
    assert decide(0, 0, 0.1) is Verdict.UNDECIDED


def test_a_few_late_queries_in_a_row_are_clear_evidence():
    assert decide(3, 3, 0.1) is Verdict.INFEASIBLE


@given(st.integers(1, 400), st.integers(0, 400), st.sampled_from([0.5, 0.1, 0.05, 0.01]))
def test_more_late_queries_never_look_better(queries, late, share):
    order = [Verdict.FEASIBLE, Verdict.UNDECIDED, Verdict.INFEASIBLE]
    late = min(late, queries - 1)
    assert order.index(decide(queries, late, share)) <= order.index(decide(queries, late + 1, share))


@pytest.mark.parametrize(("true_share", "wrong"), [(0.1, Verdict.FEASIBLE), (0.1, Verdict.INFEASIBLE)])
def test_looking_after_every_query_errs_no_more_often_than_stated(true_share, wrong):
    generator = random.Random(1)
    studies, errors = 600, 0
    for _ in range(studies):
        late = 0
        for query in range(1, 201):
            late += generator.random() < true_share
            verdict = decide(query, late, 0.1)
            if verdict is not Verdict.UNDECIDED:
                errors += verdict is wrong
                break
    # Three standard errors above the bound: a correct test fails this about once in a thousand seeds.
    assert errors / studies <= ERROR + 3 * math.sqrt(ERROR * (1 - ERROR) / studies)


def test_a_clearly_feasible_configuration_is_recognised():
    assert decide(300, 10, 0.1) is Verdict.FEASIBLE


def test_one_broken_slo_makes_the_whole_infeasible():
    assert combine([Verdict.FEASIBLE, Verdict.INFEASIBLE]) is Verdict.INFEASIBLE
    assert combine([Verdict.FEASIBLE, Verdict.UNDECIDED]) is Verdict.UNDECIDED
    assert combine([Verdict.FEASIBLE, Verdict.FEASIBLE]) is Verdict.FEASIBLE
