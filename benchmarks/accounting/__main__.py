"""``python -m benchmarks.accounting``: one benchmark of the accounting, printed as a table."""

from __future__ import annotations

import argparse

from benchmarks.accounting import events, overhead, stability

_BENCHMARKS = {"events": events, "overhead": overhead, "stability": stability}


def main() -> None:
    """Runs one benchmark."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.accounting", description="Measures the accounting.")
    benchmarks = parser.add_subparsers(dest="benchmark", required=True)
    for name, module in _BENCHMARKS.items():
        module.add_arguments(benchmarks.add_parser(name, help=module.__doc__))
    arguments = parser.parse_args()
    _BENCHMARKS[arguments.benchmark].run(arguments)


if __name__ == "__main__":
    main()
