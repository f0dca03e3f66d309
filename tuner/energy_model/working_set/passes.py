"""What one batch needs and touches, in inference and in training, of any network.

The backward pass is not recorded; it follows from the forward pass. Each operation, last first, reads the gradients of
its outputs, its inputs and its parameters, and writes the gradients of its inputs and of its parameters; at the end
every parameter is read, together with its gradient, and written. What an optimizer keeps besides is not counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from tuner.energy_model.working_set.batched import BatchedNetwork
from tuner.energy_model.working_set.levels import MemoryHierarchy
from tuner.energy_model.working_set.load import Load
from tuner.energy_model.working_set.sets import NOTHING, Extent, WorkingSets
from tuner.energy_model.working_set.touches import Step, Touch, in_blocks, peak_bytes
from tuner.energy_model.working_set.traffic import served_bytes

_BACKWARD_FLOPS = 2
"""A product has two inputs, and the gradient of each is another product of the same size."""


def working_sets(network: BatchedNetwork, batch: int, *, training: bool = False) -> WorkingSets:
    """Returns the working sets of a batch.

    The activations on which one layer works are those that are live at the same time, at most: in a chain of layers the
    largest sum of a layer's inputs and outputs, as in the paper, and more where branches keep others alive.

    Args:
        network: The network.
        batch: Items a batch.
        training: Whether a backward pass follows.
    """
    steps = network.steps(batch)
    inter_layer = peak_bytes(steps)
    parameters = Extent(replicated_bytes=sum(_parameters(steps).values()))
    activations = sum(_activations(steps).values())
    data = sum(n_bytes for storage, n_bytes in _activations(steps).items() if storage in network.inputs)
    return WorkingSets(
        inter_layer=Extent(distributed_bytes=inter_layer),
        parameters=parameters,
        kept=Extent(distributed_bytes=max(0, activations - inter_layer)) if training else NOTHING,
        gradients=parameters if training else NOTHING,
        data=Extent(distributed_bytes=data + _output_bytes(steps)),
    )


def load(network: BatchedNetwork, batch: int, hierarchy: MemoryHierarchy, *, training: bool = False) -> Load:
    """Returns the work and the traffic of a batch, when batches follow each other.

    Args:
        network: The network.
        batch: Items a batch.
        hierarchy: The levels that serve the cores at work.
        training: Whether a backward pass and an update of the parameters follow.
    """
    steps = network.steps(batch)
    flops = network.flops(batch)
    if training:
        parameters = _parameters(steps)
        flops += _BACKWARD_FLOPS * flops + sum(parameters.values()) // 2
        steps = (*steps, *_backward(steps, network.inputs), *_update(parameters))
    return Load(len(steps), flops, served_bytes(in_blocks(steps), hierarchy))


def _backward(steps: Sequence[Step], inputs: frozenset[str]) -> Sequence[Step]:
    seen: set[str] = set()
    backward = []
    for step in steps:
        read = tuple(touch for touch in step if touch.is_replicated or touch.storage in seen or touch.storage in inputs)
        written = tuple(touch for touch in step if touch not in read)
        seen |= {touch.storage for touch in step}
        backward.append((*map(_gradient, written), *read, *(_gradient(t) for t in read if t.storage not in inputs)))
    return backward[::-1]


def _update(parameters: dict[str, int]) -> Sequence[Step]:
    stored = [Touch(storage, n_bytes, True, True) for storage, n_bytes in parameters.items()]
    return [(_gradient(parameter), parameter, parameter) for parameter in stored]


def _gradient(touch: Touch) -> Touch:
    return replace(touch, storage=f"gradient of {touch.storage}")


def _parameters(steps: Sequence[Step]) -> dict[str, int]:
    """Returns the bytes of each parameter that is read, however often it is."""
    return _largest(touch for step in steps for touch in step if touch.is_replicated)


def _activations(steps: Sequence[Step]) -> dict[str, int]:
    return _largest(touch for step in steps for touch in step if not touch.is_replicated)


def _largest(touches: Iterable[Touch]) -> dict[str, int]:
    found: dict[str, int] = {}
    for touch in touches:
        found[touch.storage] = max(found.get(touch.storage, 0), touch.n_bytes)
    return found


def _output_bytes(steps: Sequence[Step]) -> int:
    """Returns the bytes of what the last operation writes."""
    return steps[-1][-1].n_bytes if steps else 0
