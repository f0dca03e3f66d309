"""``wattune apply``: sets knobs for a while; ``wattune confirm`` keeps them."""

from __future__ import annotations

import argparse

from tuner.cli.arguments import add_socket, positive_number
from tuner.cli.daemon import to_change
from tuner.cli.terminal import print_json, remark
from tuner.configuration import Value
from tuner.errors import BadInputError
from tuner.report.vocabulary import duration_text

_HOLD_S = 300.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the verb's options."""
    parser.add_argument("values", nargs="*", metavar="KNOB=VALUE", help="knobs and their values")
    parser.add_argument("--study", metavar="ID", help="what this study recommends, in place of values")
    parser.add_argument(
        "--rate", type=positive_number, metavar="HZ", help="the arrival rate, if the study has a configuration for each"
    )
    parser.add_argument(
        "--hold", type=positive_number, default=_HOLD_S, metavar="S", help=f"seconds until taken back ({_HOLD_S:g})"
    )
    add_socket(parser)


def run(arguments: argparse.Namespace) -> int:
    """Applies a configuration."""
    if bool(arguments.values) == bool(arguments.study):
        raise BadInputError("Name what to apply: either knobs as KNOB=VALUE, or a study with --study ID.")
    if arguments.rate is not None and not arguments.study:
        raise BadInputError("An arrival rate chooses among what a study recommends: name the study with --study ID.")
    values = dict(map(_assignment, arguments.values))
    with to_change(arguments) as client:
        if arguments.study:
            applied = client.apply_study(arguments.study, arguments.hold, arguments.rate)
        else:
            applied = client.apply_values(values, arguments.hold)
    if arguments.json:
        print_json(applied)
        return 0
    print(f"Applied: {applied.applied}")
    if applied.warning:
        remark(applied.warning)
    remark(f"Taken back in {duration_text(arguments.hold)} unless you run 'wattune confirm'.")
    if applied.study_only:
        remark(f"Nobody keeps these, set them in the server yourself: {', '.join(applied.study_only)}.")
    return 0


def _assignment(text: str) -> tuple[str, Value]:
    knob_id, separator, value = text.partition("=")
    if not (knob_id and separator and value):
        raise BadInputError(f"'{text}' sets nothing: write KNOB=VALUE, like gpu.core.max_mhz=816.")
    return knob_id, _value(value)


def _value(text: str) -> Value:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
