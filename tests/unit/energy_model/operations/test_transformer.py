"""What is written down from dimensions is what PyTorch runs."""

from __future__ import annotations

import pytest
import torch

from tests.unit.energy_model.operations.plain_transformer import Decoder
from tuner.energy_model.network.extraction import extract
from tuner.energy_model.network.recorded import recorded
from tuner.energy_model.operations.demand import RUN, Demand, demand_of
from tuner.energy_model.operations.transformer import Architecture, Tape

PLAIN = Architecture(layers=2, width=16, inner_width=40, heads=4, vocabulary=50, head_width=4)
GATED = Architecture(2, 16, 40, 4, 50, "silu", is_gated=True, shared_heads=2, head_width=8)


def prefill(of: Architecture, tokens: int, dtype: str = "float32", *, is_fused: bool = True) -> Demand:
    tape = Tape(of, dtype, is_attention_fused=is_fused)
    tape.embed(tokens)
    tape.layers(tokens)
    tape.head(of.vocabulary)
    return demand_of(tape.operations)


def decode(of: Architecture, cached: int) -> Demand:
    tape = Tape(of, "float32", is_attention_fused=True)
    tape.embed(1)
    tape.layers(1, cached=cached)
    tape.head(of.vocabulary)
    return demand_of(tape.operations)


@pytest.mark.parametrize("of", [PLAIN, GATED])
@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_a_prompt(of: Architecture, dtype: str) -> None:
    model = Decoder(of).to(getattr(torch, dtype))
    seen = demand_of(extract(model, (torch.zeros(1, 7, dtype=torch.long),)).operations)
    assert prefill(of, 7, dtype) == pytest.approx(seen)


@pytest.mark.parametrize("of", [PLAIN, GATED])
def test_a_token_after_others_in_a_cache_that_grows(of: Architecture) -> None:
    cache = [(torch.zeros(1, of.key_heads, 9, of.head_width),) * 2] * of.layers
    network = extract(Decoder(of), (torch.zeros(1, 1, dtype=torch.long), cache))
    assert decode(of, cached=9) == pytest.approx(demand_of(network.operations))


@pytest.mark.parametrize(("dtype", "width"), [("float32", 4), ("float16", 2)])
def test_attention_without_a_fused_kernel_is_computed_in_32_bits(dtype: str, width: int) -> None:
    model = Decoder(PLAIN, is_fused=False).to(getattr(torch, dtype)).eval()
    operations, _ = recorded(model, (torch.zeros(1, 7, dtype=torch.long),), {})
    seen = demand_of(operation for _, operation in operations)
    written = prefill(PLAIN, 7, dtype, is_fused=False)
    scores = 4 * 7 * 7
    assert written["32-bit MAC"] == pytest.approx(seen["32-bit MAC"])
    assert written.get("16-bit MAC", 0.0) == pytest.approx(seen.get("16-bit MAC", 0.0))
    assert (written["32-bit MAC"] == 2 * 2 * scores * 4) == (width == 2)
    # PyTorch also makes the causal mask, which is as wide as one head's scores.
    assert written["activation bytes"] == pytest.approx(seen["activation bytes"], rel=0.1)
    assert written.get("copied bytes", 0.0) <= seen["copied bytes"]


def test_a_decoder_that_attends_to_an_encoder() -> None:
    own, both = (Tape(PLAIN, "float32", is_attention_fused=True) for _ in range(2))
    own.layers(5)
    both.layers_with_encoder(5, source=11)
    extra = {term: amount - demand_of(own.operations)[term] for term, amount in demand_of(both.operations).items()}
    assert extra["32-bit attention MAC"] == 2 * (2 * 4 * 5 * 11 * 4)
    assert extra["32-bit MAC"] == 2 * (2 * 5 * 16 * 16)
    assert extra[RUN] == 0


def test_what_is_repeated_demands_so_much_more() -> None:
    once, thrice = (Tape(PLAIN, "float32", is_attention_fused=True) for _ in range(2))
    once.layers(1, cached=4)
    thrice.layers(1, cached=4, times=3)
    expected = {term: amount * (1 if term == RUN else 3) for term, amount in demand_of(once.operations).items()}
    assert demand_of(thrice.operations) == pytest.approx(expected)
