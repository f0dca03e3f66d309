"""How far the shares of operators differ from run to run, each in a process of its own."""

from __future__ import annotations

import argparse
import subprocess
import sys
from itertools import combinations
from statistics import fmean, median

from benchmarks.accounting.networks import add_models
from tuner.energy_model.accounting.account import Account, OperatorRow, read_account

_LEAST_SHARE = 0.01

_Shares = dict[tuple[str, str, str], float]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describes the arguments."""
    add_models(parser)
    parser.add_argument("--runs", type=int, default=6)
    parser.add_argument("--duration", type=float, default=10.0, help="seconds a run (%(default)g)")


def run(arguments: argparse.Namespace) -> None:
    """Prints two rows a network: relative differences of shares between every two runs, of what is above 1 %."""
    print(
        "| network | J/batch | share | operators | median difference | 90th percentile | with shapes | median | 90th |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for name in arguments.models:
        accounts = [_account(name, arguments) for _ in range(arguments.runs)]
        energy_j = fmean(account.energy_j / account.repetitions for account in accounts)
        for kind, share in (("of the whole run", _whole), ("typical", _typical)):
            cells = [
                cell
                for rows in ([account.operators for account in accounts], [account.shapes for account in accounts])
                for cell in _differences(
                    [share(account, of_account) for account, of_account in zip(accounts, rows, strict=True)]
                )
            ]
            print(f"| {name} | {energy_j:.3g} | {kind} | {' | '.join(cells)} |", flush=True)


def _account(name: str, arguments: argparse.Namespace) -> Account:
    command = [sys.executable, "-m", "tuner.cli.main", "account", name, "--json"]
    options = ["--batch-size", str(arguments.batch_size), "--duration", str(arguments.duration)]
    return read_account(subprocess.run([*command, *options], capture_output=True, check=True).stdout, name)


def _differences(tables: list[_Shares]) -> tuple[str, str, str]:
    keys = {key for table in tables for key in table}
    large = [key for key in keys if fmean(table.get(key, 0.0) for table in tables) >= _LEAST_SHARE]
    found = sorted(
        abs(one.get(key, 0.0) - other.get(key, 0.0)) / fmean((one.get(key, 0.0), other.get(key, 0.0)))
        for key in large
        for one, other in combinations(tables, 2)
    )
    return str(len(large)), f"{median(found):.1%}", f"{found[int(0.9 * (len(found) - 1))]:.1%}"


def _whole(account: Account, rows: tuple[OperatorRow, ...]) -> _Shares:
    return {(row.name, row.detail, row.phase): row.energy_j / account.active_j for row in rows}


def _typical(_: Account, rows: tuple[OperatorRow, ...]) -> _Shares:
    return {(row.name, row.detail, row.phase): row.typical_share for row in rows}
