"""Adapters of the standard library only, for a runner of any interpreter. Read by Python 3.8."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

from serving_adapter.contract import AdapterError, ServingAdapter, ServingParameter
from serving_adapter.scenario import lanes


class SleepingAdapter(ServingAdapter):
    """Each batch sleeps for ``service_s``; the batch size is its only parameter."""

    def open(self):
        self.batch_size = 1

    def parameters(self):
        return [ServingParameter("serving.batch_size", "items", "batch", (1, 2, 4))]

    def configure(self, values):
        value = values.get("serving.batch_size", self.batch_size)
        if value not in (1, 2, 4):
            raise AdapterError(f"serving.batch_size cannot be {value}.")
        self.batch_size = value

    def current(self):
        return {"serving.batch_size": self.batch_size}

    def infer(self, items):
        time.sleep(self.workload.options.get("service_s", 0.001))

    def close(self):
        pass


class SlowlyLoadingAdapter(SleepingAdapter):
    """Takes its time to load the model, and to load it anew."""

    def open(self):
        super().open()
        time.sleep(self.workload.options["load_s"])

    def configure(self, values):
        super().configure(values)
        time.sleep(self.workload.options["load_s"])


class ChattyAdapter(SleepingAdapter):
    """Prints wherever it can, and reads its input."""

    def infer(self, items):
        print('{"id": 1, "result": "printed by the model"}', flush=True)
        os.write(1, b"written to descriptor 1\n")
        subprocess.run([sys.executable, "-c", "print('printed by a child')"], check=True)
        if sys.stdin.read() != "":
            raise AdapterError("The model could read the protocol.")


class FailingAdapter(SleepingAdapter):
    """Raises what a careless model raises."""

    def infer(self, items):
        if self.workload.options["failure"] == "exception":
            raise ValueError("the tensor is upside down\nand a second line")
        if self.workload.options["failure"] == "exit":
            sys.exit("the model has had enough")
        if self.workload.options["failure"] == "crash":
            sys.stderr.write("the model overwrote its own memory\n")
            sys.stderr.flush()
            os.abort()


class ChildKeepingAdapter(SleepingAdapter):
    """Starts a process of its own and tells its id as a parameter."""

    def open(self):
        super().open()
        self.child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])

    def current(self):
        return {"child": self.child.pid}


class HalfOpenAdapter(SleepingAdapter):
    """Fails to open, and notes in a file that it was closed."""

    def open(self):
        raise AdapterError("The server does not answer.")

    def close(self):
        Path(self.workload.options["note"]).write_text("closed")


class NotingAdapter(SleepingAdapter):
    """Says what its definition tells it to."""

    def notes(self):
        return self.workload.options["notes"]


class HangingAdapter(SleepingAdapter):
    """Two batches at once, which hang until somebody idles; nobody waits for them for long."""

    concurrency = 2

    def open(self):
        super().open()
        lanes._STOP_TIMEOUT_S = 0.05
        self.end = threading.Event()

    def infer(self, items):
        self.end.wait()

    def idle(self, seconds):
        # The load generator idles in slices: only the call idle(0) ends the batches.
        if seconds:
            super().idle(seconds)
        else:
            self.end.set()

    def close(self):
        if "note" in self.workload.options:
            Path(self.workload.options["note"]).write_text("closed")


class EchoAdapter(SleepingAdapter):
    """Returns how long its definition's text is."""

    def current(self):
        return {"characters": len(self.workload.options["text"]), "text": self.workload.options["text"]}


class NotAnAdapter:
    def __init__(self, workload):
        pass
