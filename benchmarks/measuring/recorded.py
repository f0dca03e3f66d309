"""Latencies of a real network on this machine's CPU."""

from __future__ import annotations

import time

import numpy as np
import torch

from benchmarks.measuring.streams import Latencies

_WARM_UP = 50


def record(queries: int = 4000) -> Latencies:
    """Runs a small convolutional network again and again.

    Args:
        queries: How often.

    Returns:
        Seconds a query, of shape ``(queries,)``.
    """
    torch.manual_seed(1)
    torch.set_num_threads(1)
    network = torch.nn.Sequential(
        torch.nn.Conv2d(3, 8, 3, stride=2), torch.nn.ReLU(), torch.nn.Conv2d(8, 16, 3, stride=2), torch.nn.Flatten()
    ).eval()
    image = torch.randn(1, 3, 48, 48)
    latencies_s = []
    with torch.inference_mode():
        for _ in range(_WARM_UP + queries):
            start_s = time.perf_counter()
            network(image)
            latencies_s.append(time.perf_counter() - start_s)
    return np.array(latencies_s[_WARM_UP:])
