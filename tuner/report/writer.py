"""The report as files. A report is whole or it is not there: everything is rendered before anything is moved."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec

from tuner.errors import BadInputError
from tuner.report.page.document import page
from tuner.report.page.markup import Markup
from tuner.report.picture import pareto_png
from tuner.report.spreadsheet import trials_csv
from tuner.serialization import encode
from tuner.study_record import Study

REPORT_FILES = ("index.html", "pareto.png", "trials.csv", "study.json")


def write_report(study: Study, directory: Path, inserted: Sequence[Markup] = ()) -> None:
    """Writes ``index.html``, ``pareto.png``, ``trials.csv`` and ``study.json``.

    A new or empty directory appears in one step. In a directory that holds something already, the four files
    are replaced one by one, each in one step; everything else in it stays.

    Args:
        study: The study, running or ended.
        directory: Where the files go; created if missing.
        inserted: Sections of the page beyond what the study itself says.

    Raises:
        BadInputError: The directory cannot be written, or plotly or matplotlib is not installed.
    """
    rendered = (
        page(study, inserted).encode(),
        pareto_png(study),
        trials_csv(study).encode(),
        msgspec.json.format(encode(study), indent=2) + b"\n",
    )
    contents = dict(zip(REPORT_FILES, rendered, strict=True))
    try:
        _publish(contents, directory)
    except OSError as error:
        raise BadInputError(f"The report cannot be written to {directory}: {error.strerror}.") from error


def _publish(contents: dict[str, bytes], directory: Path) -> None:
    # Resolved, so that a link to a directory is written through and never replaced.
    target = directory.resolve()
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists() and not target.is_dir():
        raise NotADirectoryError(0, "it is not a directory")
    populated = target.is_dir() and any(target.iterdir())
    staging = Path(tempfile.mkdtemp(prefix=".wattune-report-", dir=target if populated else target.parent))
    try:
        for name, content in contents.items():
            (staging / name).write_bytes(content)
        if populated:
            for name in contents:
                (staging / name).replace(target / name)
        else:
            # A temporary directory is private; the report is as readable as any new directory.
            staging.chmod(0o755)
            staging.rename(target)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
