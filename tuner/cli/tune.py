"""``wattune tune``: starts a study, shows it while it runs, and shows its result."""

from __future__ import annotations

import argparse
import secrets

from tuner.cli import tune_predict
from tuner.cli.arguments import add_budget, add_socket
from tuner.cli.daemon import to_change
from tuner.cli.outcome import follow_to_the_end
from tuner.objective import Slo
from tuner.study_record import StudyRequest


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the verb's options."""
    parser.add_argument("workload", metavar="WORKLOAD", help="a workload of the configuration")
    parser.add_argument("--slo", action="append", default=[], metavar="'p99 <= 50 ms'", help="in place of its SLOs")
    add_budget(parser)
    add_socket(parser)
    tune_predict.add_arguments(parser)


def run(arguments: argparse.Namespace) -> int:
    """Tunes a workload, or predicts what tuning it would find."""
    for text in arguments.slo:
        Slo.parse(text)
    if arguments.predict:
        return tune_predict.run(arguments)
    request = StudyRequest(
        workload=arguments.workload,
        slos=tuple(arguments.slo),
        dry_run=arguments.dry_run,
        max_trials=arguments.max_trials,
        max_duration_s=arguments.max_duration,
        seed=arguments.seed,
        idempotency_key=secrets.token_hex(16),
    )
    with to_change(arguments) as client:
        return follow_to_the_end(client, client.start_study(request), arguments)
