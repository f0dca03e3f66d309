"""A closed loop of batches on an emulated GPU: somebody's serving process."""

from __future__ import annotations

import threading

from knobs.contract import DeviceError
from tests.emulated.nvml.device import NvidiaDevice
from tests.emulated.nvml.physics import CLASSIFIER


class Load:
    """Works on batch after batch until it is stopped or the GPU is lost."""

    def __init__(self, device: NvidiaDevice, workload: str = CLASSIFIER, items: int = 8) -> None:
        """Starts."""
        self.batches = 0
        self._device = device
        self._workload = workload
        self._items = items
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def __enter__(self) -> Load:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Stops after the batch that is being worked on."""
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopped.is_set():
            try:
                self._device.infer(self._workload, self._items)
            except DeviceError:
                return
            self.batches += 1
