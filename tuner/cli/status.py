"""``wattune status``: what the daemon does, what is in force, and the latest studies."""

from __future__ import annotations

import argparse

from rich.table import Table
from rich.text import Text

from tuner.cli.arguments import add_socket
from tuner.cli.daemon import to_ask
from tuner.cli.terminal import print_json, show
from tuner.daemon_record import DaemonStatus
from tuner.report.cost_sentences import break_even_text
from tuner.report.plain_table import plain_table
from tuner.report.rates import saving_text
from tuner.report.vocabulary import origin_text, quantity_text
from tuner.study_record import Study

_LATEST = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the verb's options."""
    add_socket(parser)


def run(arguments: argparse.Namespace) -> int:
    """Shows the status."""
    with to_ask(arguments) as client:
        status, studies = client.status(), client.list_studies()[:_LATEST]
    if arguments.json:
        print_json({"status": status, "studies": studies})
        return 0
    show(_facts(status))
    if studies:
        show("")
        show(_studies(studies))
    return 0


def _facts(status: DaemonStatus) -> Table:
    facts = {
        "daemon": f"wattune {status.version}, device {status.device}",
        "workloads": ", ".join(status.workloads) or "none",
        "study": f"{status.running_study}: {status.phase}" if status.running_study else "none is running",
        "trial values": str(status.trial) or "none",
        "confirmed": str(status.confirmed) or "none",
    }
    table = Table.grid(padding=(0, 2))
    for name, fact in facts.items():
        table.add_row(Text(name, style="dim"), Text(fact))
    return table


def _studies(studies: tuple[Study, ...]) -> Table:
    table = plain_table("", "study", "workload", "state", "saving", "cost", "paid for after", "joules are")
    for study in studies:
        break_even = study.recommendation.break_even if study.recommendation else None
        cells = (
            study.id,
            study.request.workload,
            study.state.value,
            saving_text(study.recommendation),
            quantity_text(break_even.cost_j, "J") if break_even else "",
            break_even_text(break_even) if break_even else "",
            origin_text(study.machine.provenance, study.objective.scope),
        )
        table.add_row(*map(Text, cells))
    return table
