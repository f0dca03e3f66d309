"""Which tasks may learn from which: every ordered pair of a task and an earlier one, by what tells the two apart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from tuner.configuration import ConfigurationSpace, Parameter
from tuner.replay.scoring import is_worth_scoring
from tuner.replay.task import ReplayTask


class Kinship(StrEnum):
    """What an earlier study is to a task."""

    WORKLOAD = "another workload"
    """On the same device: another network, another size of its input, another fan."""
    SLO = "another SLO"
    """On the same device with the same workload."""
    DEVICE = "another device"
    """In the same table, so that parameters have the same names."""
    TABLE = "another table"
    """Whose parameters are of the same kinds: renamed, an operator's mistake."""
    SHUFFLED = "shuffled"
    """The task's own earlier study, its energies and its latencies dealt to its configurations at random."""

    @property
    def is_related(self) -> bool:
        """Whether a study may start from it as the documentation has it; from any other it starts by mistake."""
        return self in (Kinship.WORKLOAD, Kinship.SLO)


@dataclass(frozen=True)
class Pair:
    """A task, and one that was searched before.

    Attributes:
        kinship: What the earlier one is to it.
        task: What is searched.
        earlier: What was searched before.
        names: The task's parameter for each of the earlier one's.
    """

    kinship: Kinship
    task: ReplayTask
    earlier: ReplayTask
    names: Mapping[str, str]


def pairs_of(tasks: Sequence[ReplayTask]) -> list[Pair]:
    """Returns every ordered pair, task by task; what cannot tell searches apart may only be an earlier task."""
    return [
        pair for task in tasks if is_worth_scoring(task) for earlier in tasks for pair in _pairs_between(task, earlier)
    ]


def _pairs_between(task: ReplayTask, earlier: ReplayTask) -> Iterator[Pair]:
    """Yields the pair, if there is one."""
    kinship = _kinship(task, earlier)
    names = _renaming(earlier.space, task.space)
    if kinship is not None and names is not None:
        yield Pair(kinship, task, earlier, names)


def _kinship(task: ReplayTask, earlier: ReplayTask) -> Kinship | None:
    dataset, device, workload, slo = task.key
    is_same_device = (dataset, device) == earlier.key[:2]
    if is_same_device and workload == earlier.table.workload:
        return Kinship.SHUFFLED if slo == earlier.slo else Kinship.SLO
    if slo != earlier.slo:
        return None
    if is_same_device:
        return Kinship.WORKLOAD
    return Kinship.DEVICE if dataset == earlier.table.dataset.name else Kinship.TABLE


def _renaming(earlier: ConfigurationSpace, later: ConfigurationSpace) -> dict[str, str] | None:
    """Returns the later name of each parameter: its own where there is such, else that of the next one of its kind.

    None unless the spaces have as many parameters of each kind.
    """
    left = {parameter.id: parameter for parameter in later.parameters}
    names: dict[str, str] = {}
    for parameter in sorted(earlier.parameters, key=lambda one: one.id not in left):
        partner = _partner(parameter, left)
        if partner is None:
            return None
        names[parameter.id] = partner
        del left[partner]
    return None if left else names


def _partner(parameter: Parameter, left: Mapping[str, Parameter]) -> str | None:
    of_its_kind = [name for name, other in left.items() if other.kind is parameter.kind]
    return parameter.id if parameter.id in of_its_kind else next(iter(of_its_kind), None)
