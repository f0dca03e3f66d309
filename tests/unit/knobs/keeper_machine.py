"""A machine in a folder: hardware that is files, a real keeper process, and real clients of it."""

import json
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

from knobs.drivers.process import ProcessDriver
from knobs.inventory import Inventory
from knobs.keeper.client import KeeperClient
from knobs.keeper.restore import restore_all
from knobs.sysfs import KernelFiles
from tests.unit.knobs.file_knob import file_knobs, in_hardware

ROOT = Path(__file__).parents[3]
CORES, QUOTA = "workload.cpu.cores", "workload.cpu.quota_percent"

CLIENT = """
import sys, time
from pathlib import Path
from knobs.keeper.client import KeeperClient
client = KeeperClient(Path(sys.argv[1]))
client.acquire_lease()
client.apply({"core.max_mhz": 200, "fan.level": 300})
print("applied", flush=True)
values = (100, 200, 300, 400)
number = 0
while len(sys.argv) > 2:
    number += 1
    client.apply({"core.max_mhz": values[number % 4], "fan.level": values[number % 3]})
time.sleep(600)
"""


class Machine:
    """A folder with hardware, a keeper process and its clients."""

    def __init__(self, folder):
        self.folder = folder
        self.socket = folder / "keeper.sock"
        self.hardware = folder / "hardware"
        self.processes = []
        self.greeting = {}

    def start_keeper(self, pass_fds=(), env=None, **options):
        command = [sys.executable, "-m", "tests.unit.knobs.keeper_program", str(self.folder), json.dumps(options)]
        keeper = self._start(command, pass_fds=pass_fds, env=env)
        line = keeper.stdout.readline()
        assert line, "the keeper did not start"
        self.greeting = json.loads(line)
        return keeper

    def start_client(self, *arguments):
        client = self._start([sys.executable, "-c", CLIENT, str(self.socket), *arguments])
        assert client.stdout.readline() == b"applied\n"
        return client

    def start_workload(self):
        return self._start([sys.executable, "-c", "import time; time.sleep(600)"])

    def _start(self, command, **options):
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, **options)
        self.processes.append(process)
        return process

    def connect(self):
        return KeeperClient(self.socket)

    def now(self):
        return in_hardware(self.hardware)

    def restore_all(self, confirmed=False):
        inventory = Inventory(file_knobs(self.hardware), (), (), (ProcessDriver(KernelFiles()),))
        return restore_all(inventory, self.folder / "run", self.folder / "state", confirmed)

    def journal_is_empty(self):
        journal = self.folder / "run" / "journal.jsonl"
        return not journal.exists() or not journal.read_text()

    def end(self):
        for process in self.processes:
            process.kill()
            process.wait()
            process.stdout.close()


def until(condition, limit_s):
    deadline_s = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline_s, "it did not happen in time"
        time.sleep(0.01)


def kill(process):
    process.send_signal(signal.SIGKILL)
    process.wait()


@contextmanager
def leased(machine):
    with machine.connect() as client:
        client.acquire_lease()
        yield client
