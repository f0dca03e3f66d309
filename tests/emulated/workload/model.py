"""The model that a workload's definition names: ``tests.emulated.workload.model:classifier``."""

from __future__ import annotations

import os

import torch

from tests.emulated.workload.server import SOCKET_VARIABLE, WorkClient


class EmulatedModel(torch.nn.Module):
    """Takes as long as the emulated device needs for so many items; computes nothing."""

    def __init__(self) -> None:
        super().__init__()
        self._client = WorkClient(os.environ[SOCKET_VARIABLE])

    def forward(self, items: torch.Tensor) -> torch.Tensor:
        self._client.run(len(items))
        return items


def classifier() -> tuple[torch.nn.Module, object]:
    """Returns the module and how its inputs are made."""
    return EmulatedModel(), lambda items: (torch.zeros(items, 1),)
