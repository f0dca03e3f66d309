"""``wattune predict change OLD NEW``: how far a model's cost moved, and what that asks of the tuned configuration."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import TYPE_CHECKING

from rich.text import Text

from tuner.cli.arguments import add_socket, positive_number
from tuner.cli.model_argument import add_batch_size, add_model, load_network
from tuner.cli.terminal import print_json, show
from tuner.errors import BadInputError
from tuner.report.plain_table import plain_table

if TYPE_CHECKING:
    from tuner.energy_model.model_change import ModelChange
    from tuner.study_record import Study

_MOST_MODULES = 12


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the action's options."""
    add_model(parser, "old")
    add_model(parser, "new")
    add_batch_size(parser)
    parser.add_argument("--study", metavar="STUDY", help="the study that tuned OLD: its latency and SLO are looked at")
    parser.add_argument(
        "--verify-within",
        type=positive_number,
        default=0.1,
        metavar="SHARE",
        help="up to which change the configuration is only to be measured again (default 0.1)",
    )
    add_socket(parser)


def run(arguments: argparse.Namespace) -> int:
    """Compares the models and says what to do."""
    latency_share = _latency_share(arguments) if arguments.study else None
    change = _compare(arguments)
    advice, why = change.advise(latency_share, arguments.verify_within)
    if arguments.json:
        print_json({"advice": advice.value, "why": why, "latency_share": latency_share, **asdict(change)})
        return 0
    _show_ratios(change)
    _show_modules(change)
    show(Text(f"{advice.value}: {why}", "bold"))
    if advice.value != "keep" and arguments.study:
        budget = " --max-trials 2" if advice.value == "verify" else ""
        show(Text(f"wattune retune {arguments.study}{budget}"))
    return 0


def _compare(arguments: argparse.Namespace) -> ModelChange:
    from tuner.energy_model.model_change import compare

    old = load_network(arguments.old, arguments.batch_size)
    return compare(old, load_network(arguments.new, arguments.batch_size))


def _latency_share(arguments: argparse.Namespace) -> float:
    """Returns latency over bound of the configuration that a study recommends, at its tightest SLO."""
    from tuner.cli.daemon import to_ask

    with to_ask(arguments) as client:
        study: Study = client.get_study(arguments.study)
    if study.recommendation is None:
        raise BadInputError(f"The study {study.id} recommends nothing: name one that is done.")
    trial = next(trial for trial in study.trials if trial.number == study.recommendation.trial)
    assert trial.measurement is not None, "what is recommended was measured"
    slo, latency_s = study.objective.tightest(trial.measurement.slo_latencies_s)
    return latency_s / slo.bound_s


def _show_ratios(change: ModelChange) -> None:
    table = plain_table("Work of one batch, new over old", "kind")
    table.add_column("ratio", justify="right")
    for kind, ratio in {**change.ratios, "index of operations": change.index_ratio}.items():
        table.add_row(kind, f"{ratio:.3f}")
    show(table)


def _show_modules(change: ModelChange) -> None:
    if not change.changed_modules:
        return
    table = plain_table("Modules whose own work differs", "module")
    table.add_column("ratio", justify="right")
    for path, ratio in list(change.changed_modules.items())[:_MOST_MODULES]:
        table.add_row(path or "(the model itself)", _ratio_text(ratio))
    show(table)
    if len(change.changed_modules) > _MOST_MODULES:
        show(Text(f"and {len(change.changed_modules) - _MOST_MODULES} more: see --json"))


def _ratio_text(ratio: float) -> str:
    return "new" if ratio == float("inf") else "gone" if ratio == 0 else f"{ratio:.3f}"
