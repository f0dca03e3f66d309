"""A network as a tree of costs: primitives are leaves, modules stand above them, the model is the root."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property
from hashlib import blake2b


class Level(StrEnum):
    """Where a node stands in its tree."""

    LEAF = "leaf"
    MODULE = "module"
    MODEL = "model"


@dataclass(frozen=True)
class Measured:
    """What one execution of a node cost when it ran.

    Attributes:
        energy_j: Joules of the scope that is to be predicted.
        time_s: Seconds.
        device_energy_j: Joules of a narrower meter, such as the GPU's own; None if there was none.
        utilization: Other figures that were observed meanwhile, in an order that is the same for all nodes.
    """

    energy_j: float
    time_s: float
    device_energy_j: float | None = None
    utilization: tuple[float, ...] = ()


@dataclass(frozen=True, eq=False)
class CostNode:
    """A primitive, a module, or a whole model. What is below is part of it.

    Attributes:
        name: Its path in the model, or the model's name.
        kind: The operator of a primitive, the class of a module.
        level: Leaf, module or model.
        flops: Arithmetic of one execution, everything below included.
        n_bytes: Bytes that it moves, likewise.
        sizes: What else tells it from others of its kind: batch size and sequence length, or the shapes of its tensors.
        children: What it runs.
        measured: What it cost; None if it never ran.
    """

    name: str
    kind: str
    level: Level
    flops: float
    n_bytes: float
    sizes: tuple[float, ...] = ()
    children: tuple[CostNode, ...] = ()
    measured: Measured | None = field(default=None, repr=False)

    def walk(self) -> Iterator[CostNode]:
        """Yields this node and all below, parents first."""
        yield self
        for child in self.children:
            yield from child.walk()

    def without_measurements(self) -> CostNode:
        """Returns the same tree as it is known before it runs."""
        children = tuple(child.without_measurements() for child in self.children)
        return replace(self, children=children, measured=None)

    @property
    def own_flops(self) -> float:
        """Arithmetic that none of its children does."""
        return max(0.0, self.flops - sum(child.flops for child in self.children))

    @property
    def own_bytes(self) -> float:
        """Bytes that none of its children moves."""
        return max(0.0, self.n_bytes - sum(child.n_bytes for child in self.children))

    @cached_property
    def structure(self) -> str:
        """A fingerprint of all that can be known without running it: nodes that share it are predicted alike."""
        below = [child.structure for child in self.children]
        return _fingerprint(self.kind, self.flops, self.n_bytes, self.sizes, below)

    @cached_property
    def identity(self) -> str:
        """A fingerprint of the work that it does, whatever it is called.

        Two modules are the same work if they run the same primitives and as much beside them: the layers of BERT and
        of RoBERTa are, though their classes have different names. Of a primitive it is operator and sizes.
        """
        if not self.children:
            return _fingerprint(self.kind, self.flops, self.n_bytes, self.sizes)
        return _fingerprint(self.flops, self.n_bytes, sorted(self.leaf_counts.items()))

    @cached_property
    def leaf_counts(self) -> Counter[str]:
        """How often it runs each primitive, by the primitive's identity."""
        if not self.children:
            return Counter((self.identity,))
        counts: Counter[str] = Counter()
        for child, times in self.groups:
            counts.update({identity: times * count for identity, count in child.leaf_counts.items()})
        return counts

    @cached_property
    def groups(self) -> tuple[tuple[CostNode, int], ...]:
        """Its children, those of equal structure once, and how many there are of each."""
        counts = Counter(child.structure for child in self.children)
        firsts = {child.structure: child for child in reversed(self.children)}
        return tuple((firsts[structure], count) for structure, count in counts.items())


def _fingerprint(*facts: object) -> str:
    return blake2b(repr(facts).encode(), digest_size=12).hexdigest()
