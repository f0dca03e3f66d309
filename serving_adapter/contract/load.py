"""Load that is generated, and what became of it. Every instant is one of the device's monotonic clock."""

from dataclasses import dataclass
from typing import Optional, Tuple

from serving_adapter.contract.traffic import Traffic


@dataclass(frozen=True)
class Load:
    """The load to generate.

    Attributes:
        scenario: ``single-stream``, ``multi-stream``, ``offline``, ``server`` or ``live``.
        batch_size: Items a batch (the most, under ``server``).
        rate_hz: Requests (items) per second, for ``server`` only.
        seed: Seed of the arrival times.
        batch_wait_s: How long a batch that is not full waits for more items, for ``server`` only. The wait is part
            of their latency.
    """

    scenario: str
    batch_size: int
    rate_hz: Optional[float] = None
    seed: int = 0
    batch_wait_s: float = 0.0


@dataclass(frozen=True)
class Tokens:
    """What a language model's answer consisted of.

    Attributes:
        first_s: When its first token came.
        count: Tokens of the answer, as the server counts them.
    """

    first_s: float
    count: int


@dataclass(frozen=True)
class Completion:
    """One batch that came to its end.

    Attributes:
        arrivals_s: Scheduled arrival of each item of the batch.
        start_s: When the batch was handed to the adapter.
        finish_s: When it was complete, or had failed.
        failure: Why it failed, in one sentence; empty if it did not. A batch that failed counts as late.
        tokens: What a language model answered, if it is one.
    """

    arrivals_s: Tuple[float, ...]
    start_s: float
    finish_s: float
    failure: str = ""
    tokens: Optional[Tokens] = None


@dataclass(frozen=True)
class Slice:
    """A stretch of load.

    Attributes:
        start_s: Its begin.
        end_s: Its end.
        completions: The batches that came to their end within it, in the order in which they did.
        traffic: What the server counted within it, under ``live``; then there are no completions.
        under_way_since_s: When the earliest of the batches was begun that are still under way at its end; None if
            none is.
    """

    start_s: float
    end_s: float
    completions: Tuple[Completion, ...]
    traffic: Optional[Traffic] = None
    under_way_since_s: Optional[float] = None
