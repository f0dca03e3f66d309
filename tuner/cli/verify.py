"""``wattune verify``: reads back whether the confirmed configuration is in force."""

from __future__ import annotations

import argparse

from tuner.cli.arguments import add_socket
from tuner.cli.daemon import to_ask
from tuner.cli.terminal import print_json, remark


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the verb's options."""
    add_socket(parser)


def run(arguments: argparse.Namespace) -> int:
    """Verifies; a value that is not in force makes the exit status 1."""
    with to_ask(arguments) as client:
        verification = client.verify()
    if arguments.json:
        print_json(verification)
    elif not verification.confirmed:
        print("Nothing is confirmed.")
    elif not verification.mismatches:
        print(f"In force: {verification.confirmed}")
    if not arguments.json:
        for mismatch in verification.mismatches:
            found = "cannot be read" if mismatch.found is None else f"is {mismatch.found}"
            remark(f"wattune: {mismatch.id} {found}, confirmed is {mismatch.wanted}: did another program move it?")
    return 1 if verification.mismatches else 0
