"""What to do about batches that fail."""

import math
import threading
from typing import Optional

from serving_adapter.contract import AdapterError, Completion

_FUTILE = 20
_FUTILE_S = 1.0
"""So many failures in a row, from the first batch on and for so long, are no accident, and not only too much load."""
_FIRST_PAUSE_S = 0.001
_LONGEST_PAUSE_S = 0.25
_LONGEST_ROW = 64


class FailureGuard:
    """Counts failures in a row, from as many threads as there are."""

    def __init__(self, workload_name: str) -> None:
        """Nothing has failed yet.

        Args:
            workload_name: The workload, as errors name it.
        """
        self._workload_name = workload_name
        self._lock = threading.Lock()
        self._in_a_row = 0
        self._has_succeeded = False
        self._begin_s: Optional[float] = None
        self._resume_s = -math.inf

    def count(self, completion: Completion) -> None:
        """Counts a batch.

        Raises:
            AdapterError: Everything has failed so far, often enough and for long enough.
        """
        with self._lock:
            if not completion.failure:
                self._in_a_row = 0
                self._resume_s = -math.inf
                self._has_succeeded = True
                return
            self._in_a_row += 1
            self._resume_s = completion.finish_s + _pause_s(self._in_a_row)
            if self._begin_s is None:
                self._begin_s = completion.start_s
            lasted_s = completion.finish_s - self._begin_s
            if self._in_a_row >= _FUTILE and lasted_s >= _FUTILE_S and not self._has_succeeded:
                raise AdapterError(
                    f"Each of the first {self._in_a_row} batches of the workload '{self._workload_name}' failed, "
                    f"the last one for this reason: {completion.failure}"
                )

    @property
    def resume_s(self) -> float:
        """From when on a server that fails may be asked again: an instant on the device's clock, long ago if it works.

        The pause doubles with every failure in a row. Because it ends at an instant it outlasts slices of load, however
        short they are.
        """
        return self._resume_s


def _pause_s(failures_in_a_row: int) -> float:
    return min(_FIRST_PAUSE_S * 2.0 ** min(failures_in_a_row - 1, _LONGEST_ROW), _LONGEST_PAUSE_S)
