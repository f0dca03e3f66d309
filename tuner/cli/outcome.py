"""From the end of a study to the screen, the report and the exit status."""

from __future__ import annotations

import argparse
from pathlib import Path

from rich.console import Console

from tuner.cli.progress import Progress, follow
from tuner.cli.terminal import print_json, remark, show, terminal_width
from tuner.client import Client
from tuner.errors import InfeasibleError
from tuner.report.tables import result_view
from tuner.report.writer import write_report
from tuner.study_record import Study, StudyState

_EXIT_STATUSES = {
    StudyState.DONE: 0,
    StudyState.INFEASIBLE: InfeasibleError.exit_status,
    StudyState.CANCELLED: 1,
    StudyState.FAILED: 1,
    StudyState.RUNNING: 1,
}


def follow_to_the_end(client: Client, study_id: str, arguments: argparse.Namespace) -> int:
    """Shows a study that was just started until it ends, then its result; Ctrl-C cancels it.

    Args:
        client: May change something.
        study_id: The study.
        arguments: ``json``, and where the report goes, if anywhere.

    Returns:
        The exit status.
    """
    try:
        progress = Progress(client.get_study(study_id))
        follow(progress, client.watch(study_id), Console(stderr=True, highlight=False))
    except KeyboardInterrupt:
        remark(f"Cancelling study {study_id}: its trial values are being taken back.")
        client.cancel_study(study_id)
    return present(client.get_study(study_id), as_json=arguments.json, report=arguments.report)


def present(study: Study, *, as_json: bool, report: Path | None = None) -> int:
    """Shows how a study stands, writes the report if wanted, and returns the exit status."""
    if as_json:
        print_json(study)
    else:
        show(result_view(study, terminal_width()))
    if report is not None:
        write_report(study, report)
        remark(f"Report: {report / 'index.html'}")
    if study.reason and study.state is not StudyState.INFEASIBLE:
        remark(f"Study {study.id} is {study.state}: {study.reason}")
    return _EXIT_STATUSES[study.state]
