"""``wattune account``: which layer, which operator and which tensor shape uses the energy."""

from __future__ import annotations

import argparse
import math
from pathlib import Path

from tuner.cli.account_sources import account_of, account_of_trace
from tuner.cli.arguments import add_places, positive_integer, positive_number
from tuner.cli.terminal import print_json, remark, show
from tuner.errors import BadInputError

_DURATION_S = 10.0
_LEAST_SHARE = 0.02


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the verb's options."""
    parser.add_argument(
        "model",
        nargs="?",
        metavar="MODEL",
        help="what is run: a workload's file (*.toml, adapter torch_module), a factory package.module:function, or an "
        "example such as bert-base (see 'wattune predict'); or an account in a file (*.json)",
    )
    parser.add_argument("--trace", type=Path, metavar="FILE", help="account for a recorded trace (Chrome, Kineto)")
    parser.add_argument("--power", type=Path, metavar="FILE", help="its power: CSV with time_s, cpu_w, gpu0_w …")
    parser.add_argument(
        "--clock-offset",
        type=_finite_number,
        metavar="S",
        help="how far the clock of --power is ahead of that of --trace (default: found out)",
    )
    parser.add_argument("--compare", nargs=2, metavar=("A", "B"), help="two models, or accounts in files (*.json)")
    parser.add_argument(
        "--batch-size", type=positive_integer, nargs="+", metavar="N", help="items a batch; two sizes are compared"
    )
    parser.add_argument("--train", action="store_true", help="compute gradients too")
    parser.add_argument(
        "--duration",
        type=positive_number,
        default=_DURATION_S,
        metavar="S",
        help="about how long batches are repeated (default %(default)g)",
    )
    parser.add_argument("--repetitions", type=positive_integer, metavar="N", help="batches, in place of a duration")
    parser.add_argument("--meter", metavar="ID", help="the meter (default: the best one; see wattune probe)")
    parser.add_argument(
        "--least-share",
        type=positive_number,
        default=_LEAST_SHARE,
        metavar="SHARE",
        help="show places that use this much or more (default %(default)g)",
    )
    parser.add_argument(
        "--output",
        type=Path,
        metavar="DIR",
        help="write a page with flame graph and treemap, JSON, and profiles for speedscope and pprof there",
    )
    add_places(parser)


def run(arguments: argparse.Namespace) -> int:
    """Accounts, or compares two accounts, and returns the exit status.

    Raises:
        BadInputError: An argument, a model or a file cannot be used, or a library is missing.
    """
    _check(arguments)
    if arguments.compare is not None or _is_of_two_sizes(arguments):
        return _compare(arguments)
    account = (
        account_of_trace(arguments) if arguments.trace else account_of(arguments.model, arguments, _sizes(arguments)[0])
    )
    if arguments.output is not None:
        from tuner.report.accounting.writer import write_account

        _say_written(write_account(account, arguments.output))
    if arguments.json:
        print_json(account)
    else:
        from tuner.report.accounting.terminal import account_view

        show(account_view(account, arguments.least_share))
    return 0


def _compare(arguments: argparse.Namespace) -> int:
    first, second = arguments.compare or (arguments.model, arguments.model)
    sizes = _sizes(arguments)
    accounts = account_of(first, arguments, sizes[0]), account_of(second, arguments, sizes[-1])
    from tuner.energy_model.accounting.comparison import compare

    comparison = compare(*accounts)
    if arguments.output is not None:
        from tuner.report.accounting.writer import write_comparison

        _say_written(write_comparison(comparison, arguments.output))
    if arguments.json:
        print_json(comparison)
    else:
        from tuner.report.accounting.comparison_view import comparison_view

        show(comparison_view(comparison, arguments.least_share))
    return 0


def _say_written(paths: list[Path]) -> None:
    for path in paths:
        remark(f"Written: {path}")


def _check(arguments: argparse.Namespace) -> None:
    named = [arguments.model, arguments.trace, arguments.compare]
    if sum(one is not None for one in named) != 1:
        raise BadInputError("Name one of three things: MODEL, or --trace FILE, or --compare A B.")
    if (arguments.trace is None) != (arguments.power is None):
        raise BadInputError("A trace needs its power, and the other way round: --trace FILE --power FILE.")
    if arguments.clock_offset is not None and arguments.trace is None:
        raise BadInputError("--clock-offset belongs to --trace and --power.")
    sizes = arguments.batch_size or []
    if len(sizes) > 2 or (len(sizes) == 2 and arguments.trace is not None):
        raise BadInputError("Name one batch size, or two of a model to compare.")


def _is_of_two_sizes(arguments: argparse.Namespace) -> bool:
    return len(_sizes(arguments)) == 2


def _sizes(arguments: argparse.Namespace) -> list[int | None]:
    return arguments.batch_size or [None]


def _finite_number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise argparse.ArgumentTypeError(f"'{text}' is no finite number")
    return number
