"""Runs a command several times, once more to warm up, and prints its wall and CPU times in seconds as JSON.

It is a program of its own because a machine that does not exist is entered by a process, and entering takes time.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time


def main() -> None:
    """Takes the number of runs, then the command."""
    runs, command = int(sys.argv[1]), sys.argv[2:]
    print(json.dumps([_wall_and_cpu_s(command) for _ in range(runs + 1)][1:]))


def _wall_and_cpu_s(command: list[str]) -> tuple[float, float]:
    start_s, before = time.monotonic(), os.times()
    ended = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
    wall_s, after = time.monotonic() - start_s, os.times()
    cpu_s = after.children_user + after.children_system - before.children_user - before.children_system
    if ended.returncode != 0:
        sys.exit(ended.stderr)
    return wall_s, cpu_s


if __name__ == "__main__":
    main()
