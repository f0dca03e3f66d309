"""How far a model's cost moved: bounds that hold on every device, and what they ask of the operator."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tuner.energy_model.model_change import Advice, ModelChange, compare
from tuner.energy_model.network.extraction import extract
from tuner.energy_model.network.records import Network
from tuner.trial import Interval


def network(width: int = 16, depth: int = 2, activation: type[torch.nn.Module] = torch.nn.ReLU) -> Network:
    layers = [
        torch.nn.Sequential(torch.nn.Linear(width, width), activation(), torch.nn.LayerNorm(width))
        for _ in range(depth)
    ]
    return extract(torch.nn.Sequential(*layers), (torch.randn(4, width),), "mlp")


def change(low: float, high: float, *, is_same_work: bool = False) -> ModelChange:
    return ModelChange(is_same_work, high, {"a": low, "b": high}, Interval(low, high), {})


class TestComparison:
    def test_other_weights_are_the_same_work(self) -> None:
        found = compare(network(), network())
        assert found.is_same_work
        assert found.index_ratio == 1.0
        assert found.bounds == Interval(1.0, 1.0)
        assert not found.changed_modules

    def test_a_layer_more_counts_in_proportion_and_is_named(self) -> None:
        found = compare(network(depth=2), network(depth=3))
        assert not found.is_same_work
        assert found.index_ratio == pytest.approx(1.5)
        assert found.bounds.low == pytest.approx(1.5)
        assert found.bounds.high == pytest.approx(1.5)
        assert set(found.changed_modules) == {"2.0", "2.1", "2.2"}

    def test_another_activation_moves_non_linear_work_alone(self) -> None:
        found = compare(network(), network(activation=torch.nn.GELU))
        assert not found.is_same_work
        assert found.ratios["non-linear work"] > 1.5
        assert found.ratios["multiply_accumulates"] == 1.0
        assert found.bounds == Interval(1.0, found.ratios["non-linear work"])
        assert set(found.changed_modules) == {"0.1", "1.1"}

    def test_wider_layers_move_arithmetic_more_than_activations_and_launches_not_at_all(self) -> None:
        ratios = compare(network(width=16), network(width=32)).ratios
        assert ratios["multiply_accumulates"] == pytest.approx(4.0)
        assert ratios["launches"] == 1.0
        assert ratios["activations, on chip"] == pytest.approx(2.0)

    @given(
        st.integers(8, 24),
        st.integers(8, 24),
        st.integers(1, 3),
        st.integers(1, 3),
        st.lists(st.floats(0, 1e6), min_size=5, max_size=5),
    )
    def test_no_device_lies_outside_the_bounds(
        self, width: int, wider: int, depth: int, deeper: int, prices: list[float]
    ) -> None:
        old, new = NETWORKS[width % 3, depth], NETWORKS[wider % 3, deeper]
        found = compare(old, new)
        before = sum(price * amount for price, amount in zip(prices, amounts(old), strict=True))
        after = sum(price * amount for price, amount in zip(prices, amounts(new), strict=True))
        if before > 0:
            slack = 0.02 * after  # what is left out as too little to matter
            assert found.bounds.low * before - slack <= after <= found.bounds.high * before + slack


NETWORKS = {(width, depth): network(8 * (width + 1), depth) for width in range(3) for depth in range(1, 4)}


def amounts(one: Network) -> list[float]:
    work = one.root.work
    weights = sum(operation.parameter_bytes_read for operation in one.operations)
    moved = sum(operation.bytes_moved for operation in one.operations) - weights
    return [work.multiply_accumulates, weights, moved, 0.0, one.root.launches]


class TestAdvice:
    @pytest.mark.parametrize(
        ("low", "high", "advice"),
        [
            (0.99, 1.01, Advice.KEEP),
            (1.0, 1.05, Advice.VERIFY),
            (0.93, 1.0, Advice.VERIFY),
            (1.0, 1.2, Advice.RETUNE),
            (0.5, 1.0, Advice.RETUNE),
        ],
    )
    def test_it_follows_what_moved_furthest(self, low: float, high: float, advice: Advice) -> None:
        found, why = change(low, high).advise()
        assert found is advice
        assert f"{high - 1:+.1%}" in why

    def test_the_same_work_is_kept_whatever_the_slo(self) -> None:
        assert change(1.0, 1.0, is_same_work=True).advise(latency_share=0.99)[0] is Advice.KEEP

    def test_a_latency_that_may_break_its_slo_is_tuned_again(self) -> None:
        assert change(1.0, 1.05).advise(latency_share=0.97)[0] is Advice.RETUNE
        assert change(1.0, 1.05).advise(latency_share=0.90)[0] is Advice.VERIFY

    def test_how_much_is_verified_is_the_operators_choice(self) -> None:
        assert change(1.0, 1.2).advise(verify_within=0.3)[0] is Advice.VERIFY
