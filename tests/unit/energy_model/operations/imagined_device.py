"""Devices whose prices are known, and runs on them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tuner.energy_model.operations.demand import Demand

PRICES_J: Mapping[str, float] = {
    "16-bit MAC": 1e-12,
    "32-bit MAC": 1e-11,
    "16-bit attention bytes": 1e-9,
    "32-bit attention bytes": 2e-9,
    "activation bytes": 5e-10,
    "weight bytes": 3e-10,
    "launches": 5e-4,
}


def energies_of(demands: Sequence[Demand], prices_j: Mapping[str, float] = PRICES_J, noise: float = 0.0) -> Any:
    """Joules of runs, with so much relative noise."""
    exact = np.array([sum(price * demand.get(term, 0.0) for term, price in prices_j.items()) for demand in demands])
    return exact * np.exp(noise * np.random.default_rng(0).standard_normal(len(exact)))


def specs() -> list[dict[str, Any]]:
    """Runs of several transformers, as the published files name them."""
    phases = {"GPT-2": "prefill decode", "DistilGPT2": "prefill decode", "BERT-base": "encode", "T5-small": "encode"}
    kinds = {"GPT": "decoder_only", "Distil": "decoder_only", "BERT": "encoder_only", "T5": "encoder_decoder"}
    return [
        {
            "model": model,
            "arch": next(kind for part, kind in kinds.items() if model.startswith(part)),
            "phase": phase,
            "precision": precision,
            "attn_kind": "flash",
            "seq_len": tokens,
            "tgt_len": 1,
            "tgt_ctx": tokens,
            "decode_tokens": 64,
            "batch_size": 1,
        }
        for model, names in phases.items()
        for phase in names.split()
        for precision in ("fp16", "fp32")
        for tokens in (128, 512, 2048)
    ]


def write_points(path: Path, energies_j: Sequence[float], iterations: int = 10) -> None:
    """Writes measurements of :func:`specs` in the published form."""
    lines = [
        {"spec": spec, "ok": True, "inner_iters": iterations, "per_execution_median_j": {"B": energy_j * iterations}}
        for spec, energy_j in zip(specs(), energies_j, strict=True)
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
