"""Working sets and operations of fully-connected networks, from their widths alone.

The formulas of Tripp et al. (arXiv 2403.08151, supplementary notebook ``3_standardize``), with ``B`` items a batch,
widths ``w_0`` (inputs) to ``w_L`` (outputs), and ``P`` parameters::

    operations forward   B sum(w_i w_{i+1} + w_{i+1})
    operations backward  B sum(2 w_{i+1} + w_i w_{i+1} + [i > 0] w_i w_{i+1}) + P (1 + B)
    inter-layer l        4 B max(w_i + w_{i+1})                            distributed
    forward f            l + 4 P                                           P replicated
    backward b           l + 8 P + 4 B sum(w) - l                          P replicated, activations distributed
    data d               b + 4 n (w_0 + w_L) of a data set of n items      distributed
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from tuner.energy_model.working_set.sets import Extent, WorkingSets
from tuner.errors import BadInputError

BYTES_PER_NUMBER = 4
"""Numbers of single precision."""


@dataclass(frozen=True)
class DenseNetwork:
    """A fully-connected network.

    Attributes:
        widths: Inputs, units of each layer, outputs: one more than there are layers.
        with_bias: Whether every unit has a bias.
    """

    widths: tuple[int, ...]
    with_bias: bool = True

    def __post_init__(self) -> None:
        """Refuses what is no network.

        Raises:
            BadInputError: There is no layer, or one without units.
        """
        if len(self.widths) < 2 or min(self.widths) < 1:
            raise BadInputError("A network has inputs and outputs, and at least one unit in every layer.")

    @property
    def layers(self) -> int:
        """Number of layers."""
        return len(self.widths) - 1

    @property
    def parameters(self) -> int:
        """Number of weights and biases."""
        return sum(first * second + self.with_bias * second for first, second in pairwise(self.widths))

    def forward_operations(self, batch: int) -> int:
        """Returns multiply-accumulates and activations of the forward pass."""
        return batch * sum(first * second + second for first, second in pairwise(self.widths))

    def backward_operations(self, batch: int) -> int:
        """Returns those of the backward pass and of the update of the parameters."""
        layers = enumerate(pairwise(self.widths))
        of_item = sum(2 * second + first * second * (1 + (number > 0)) for number, (first, second) in layers)
        return batch * of_item + self.parameters * (1 + batch)

    def working_sets(self, batch: int, *, training: bool = False, items: int | None = None) -> WorkingSets:
        """Returns the working sets of a batch.

        Args:
            batch: Items a batch.
            training: Whether a backward pass follows.
            items: Items of the data set that is gone through; those of the batch if not given.
        """
        number = BYTES_PER_NUMBER
        inter_layer = number * batch * max(first + second for first, second in pairwise(self.widths))
        activations = number * batch * sum(self.widths)
        parameters = Extent(replicated_bytes=number * self.parameters)
        data = number * (batch if items is None else items) * (self.widths[0] + self.widths[-1])
        return WorkingSets(
            inter_layer=Extent(distributed_bytes=inter_layer),
            parameters=parameters,
            kept=Extent(distributed_bytes=activations - inter_layer) if training else Extent(),
            gradients=parameters if training else Extent(),
            data=Extent(distributed_bytes=data),
        )
