"""A small convolutional network that takes about 5 ms on one core, with inputs, as a factory."""

from __future__ import annotations

import itertools
from typing import Any

import torch

_WIDTHS = (3, 32, 64, 128, 256)
_PIXELS = 128


def small_network() -> tuple[Any, Any]:
    """Returns a module, and the function that makes its inputs."""
    layers: list[Any] = []
    for narrow, wide in itertools.pairwise(_WIDTHS):
        layers += [torch.nn.Conv2d(narrow, wide, kernel_size=3, stride=2, padding=1), torch.nn.ReLU()]
        layers += [torch.nn.Conv2d(wide, wide, kernel_size=3, padding=1), torch.nn.ReLU()]
    module = torch.nn.Sequential(*layers, torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(256, 10))
    return module, lambda items: (torch.ones(items, 3, _PIXELS, _PIXELS),)
