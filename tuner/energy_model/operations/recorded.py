"""Reads measured energies of transformers: lines of JSON of the schema ``tomltransformers.sweep.point``.

They are those of TOML (Syed et al., FLAIRS-39, 2026): a GPU's energy above idle, while one phase of a transformer with
random weights ran again and again. The file names the model; its dimensions, which are public, stand here.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tuner.energy_model.operations.demand import Demand, demand_of
from tuner.energy_model.operations.index import index_of
from tuner.energy_model.operations.transformer import Architecture, Tape
from tuner.errors import BadInputError

_COUNTER = "B"
"""The GPU's own energy counter, of the instruments that a point may have."""

_DTYPES = {"fp32": "float32", "fp16": "float16"}
_IMAGE_TOKENS = 197
_PATCHES, _PATCH_NUMBERS, _CLASSES = 196, 768, 1000

_GPT2_WORDS, _BERT_WORDS, _T5_WORDS, _BART_WORDS, _LLAMA_WORDS = 50257, 30522, 32128, 50265, 32000

ARCHITECTURES: Mapping[str, Architecture] = {
    "DistilGPT2": Architecture(6, 768, 3072, 12, _GPT2_WORDS),
    "GPT-2": Architecture(12, 768, 3072, 12, _GPT2_WORDS),
    "GPT-2-medium": Architecture(24, 1024, 4096, 16, _GPT2_WORDS),
    "GPT-2-large": Architecture(36, 1280, 5120, 20, _GPT2_WORDS),
    "GPT-2-XL": Architecture(48, 1600, 6400, 25, _GPT2_WORDS),
    "DistilBERT": Architecture(6, 768, 3072, 12, _BERT_WORDS),
    "BERT-base": Architecture(12, 768, 3072, 12, _BERT_WORDS),
    "BERT-large": Architecture(24, 1024, 4096, 16, _BERT_WORDS),
    "ViT-B/16": Architecture(12, 768, 3072, 12, 0),
    "ViT-L/16": Architecture(24, 1024, 4096, 16, 0),
    "T5-small": Architecture(6, 512, 2048, 8, _T5_WORDS, "relu"),
    "T5-base": Architecture(12, 768, 3072, 12, _T5_WORDS, "relu"),
    "BART-base": Architecture(6, 768, 3072, 12, _BART_WORDS),
    "BART-large": Architecture(12, 1024, 4096, 16, _BART_WORDS),
    "LLaMA-7B": Architecture(32, 4096, 11008, 32, _LLAMA_WORDS, "silu", is_gated=True, head_width=128),
    "Mistral-7B": Architecture(
        32, 4096, 14336, 32, _LLAMA_WORDS, "silu", is_gated=True, shared_heads=8, head_width=128
    ),
}
"""As published with each model."""

_FAMILIES = {"GPT": "GPT-2", "BERT": "BERT", "ViT": "ViT", "T5": "T5", "BART": "BART"}


@dataclass(frozen=True)
class Point:
    """One measured run.

    Attributes:
        model: The model's name.
        family: Models of one design in several sizes share it.
        phase: What ran: ``prefill``, ``decode``, ``encode`` or ``decoder_prefill``.
        precision: The type of its numbers.
        energy_j: Joules above idle.
        demand: What it demanded of the device, from shapes alone.
        index_to: Its index of operations, in TO.
    """

    model: str
    family: str
    phase: str
    precision: str
    energy_j: float
    demand: Demand
    index_to: float


def read_points(path: Path) -> list[Point]:
    """Reads the points of one device.

    Raises:
        BadInputError: The file cannot be read, holds no point, or holds one that is none.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise BadInputError(f"The measurements {path} cannot be read: {reason}.") from error
    points = []
    for number, line in enumerate(lines, start=1):
        try:
            record = json.loads(line)
            points += [_point(record)] if record.get("ok", True) else []
        except (ValueError, KeyError, TypeError, AttributeError, ArithmeticError) as error:
            raise BadInputError(
                f"Line {number} of {path} is no measured point ({type(error).__name__}: {error}): expected JSON with "
                "spec, inner_iters and per_execution_median_j."
            ) from error
    if not points:
        raise BadInputError(f"{path} holds no measured point.")
    return points


def _point(record: Mapping[str, Any]) -> Point:
    spec = record["spec"]
    name = spec["model"]
    if name not in ARCHITECTURES:
        raise ValueError(f"the dimensions of the model '{name}' are not known")
    if spec.get("batch_size", 1) != 1:
        raise ValueError("the batch has more than one item")
    energy_j = float(record["per_execution_median_j"][_COUNTER]) / int(record["inner_iters"])
    if not (energy_j > 0 and math.isfinite(energy_j)):
        raise ValueError(f"its energy is {energy_j} J")
    dtype = _DTYPES[spec["precision"]]
    tape = Tape(ARCHITECTURES[name], dtype, is_attention_fused=spec["attn_kind"] != "eager")
    _RUNS[(spec["arch"], spec["phase"])](tape, ARCHITECTURES[name], spec)
    index_to = sum(index_of([each.operation]).total_to * each.times for each in tape.operations)
    return Point(name, _family(name), spec["phase"], dtype, energy_j, demand_of(tape.operations), index_to)


def _family(model: str) -> str:
    return next((family for part, family in _FAMILIES.items() if part in model), model)


def _prefill(tape: Tape, of: Architecture, spec: Mapping[str, Any]) -> None:
    tape.embed(spec["seq_len"])
    tape.layers(spec["seq_len"])
    tape.head(of.vocabulary)


def _decode(tape: Tape, of: Architecture, spec: Mapping[str, Any]) -> None:
    """A prompt that fills the cache, then one token after another; the cache is as long as on average."""
    prompt, tokens = spec["seq_len"], spec["decode_tokens"]
    tape.embed(prompt)
    tape.layers(prompt)
    tape.layers(1, cached=prompt + tokens // 2, times=tokens)
    tape.head(of.vocabulary, tokens)


def _encode(tape: Tape, of: Architecture, spec: Mapping[str, Any]) -> None:
    if of.vocabulary:
        tape.embed(spec["seq_len"])
        tape.layers(spec["seq_len"])
        tape.head(of.width)
    else:
        tape.linear(_PATCHES, _PATCH_NUMBERS, of.width)
        tape.layers(_IMAGE_TOKENS)
        tape.head(_CLASSES)


def _encode_source(tape: Tape, _: Architecture, spec: Mapping[str, Any]) -> None:
    tape.embed(spec["seq_len"])
    tape.layers(spec["seq_len"])


def _decoder_prefill(tape: Tape, of: Architecture, spec: Mapping[str, Any], rows: int = 0) -> None:
    rows = rows or spec["tgt_len"]
    tape.project_source(spec["seq_len"])
    tape.embed(rows)
    tape.layers_with_encoder(rows, spec["seq_len"])
    tape.head(of.vocabulary)


def _decode_from_source(tape: Tape, of: Architecture, spec: Mapping[str, Any]) -> None:
    prompt, tokens = spec["tgt_ctx"], spec["decode_tokens"]
    _decoder_prefill(tape, of, spec, prompt)
    tape.layers_with_encoder(1, spec["seq_len"], cached=prompt + tokens // 2, times=tokens)
    tape.head(of.vocabulary, tokens)


_RUNS: Mapping[tuple[str, str], Callable[[Tape, Architecture, Mapping[str, Any]], None]] = {
    ("decoder_only", "prefill"): _prefill,
    ("decoder_only", "decode"): _decode,
    ("encoder_only", "encode"): _encode,
    ("encoder_decoder", "encode"): _encode_source,
    ("encoder_decoder", "decoder_prefill"): _decoder_prefill,
    ("encoder_decoder", "decode"): _decode_from_source,
}
"""What a phase runs, by kind of transformer."""
