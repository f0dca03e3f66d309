"""``wattune retune``: a study for a fine-tuned model that starts from an earlier study."""

from __future__ import annotations

import argparse
import secrets

from tuner.cli.arguments import add_budget, add_socket
from tuner.cli.daemon import to_change
from tuner.cli.outcome import follow_to_the_end


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the verb's options."""
    parser.add_argument("study", metavar="STUDY", help="the earlier study")
    add_budget(parser)
    add_socket(parser)


def run(arguments: argparse.Namespace) -> int:
    """Tunes again."""
    with to_change(arguments) as client:
        study_id = client.retune(
            arguments.study,
            dry_run=arguments.dry_run,
            max_trials=arguments.max_trials,
            max_duration_s=arguments.max_duration,
            seed=arguments.seed,
            idempotency_key=secrets.token_hex(16),
        )
        return follow_to_the_end(client, study_id, arguments)
