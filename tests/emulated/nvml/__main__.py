"""Runs an emulated driver as a process: ``python -m tests.emulated.nvml --machine a100 --socket S --control C``."""

from __future__ import annotations

import argparse
import json
import signal
from pathlib import Path

from tests.emulated.nvml import MACHINES, start_driver


def main() -> None:
    parser = argparse.ArgumentParser(description="Serves emulated NVIDIA GPUs until it is interrupted or terminated.")
    parser.add_argument("--machine", choices=MACHINES, default="a100")
    parser.add_argument("--socket", type=Path, required=True, help="where the library connects (FAKE_NVML_SOCKET)")
    parser.add_argument("--control", type=Path, required=True, help="where the test connects")
    parser.add_argument("--persistence", action="store_true", help="with persistence mode on")
    parser.add_argument("--branch", type=int, help="branch of the driver, as 535")
    arguments = parser.parse_args()
    stops = {signal.SIGINT, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, stops)
    driver = start_driver(
        arguments.machine, arguments.socket, arguments.control, arguments.persistence, arguments.branch
    )
    print(json.dumps({"environment": driver.environment, "control": str(driver.control_path)}), flush=True)
    signal.sigwait(stops)
    driver.close()


if __name__ == "__main__":
    main()
