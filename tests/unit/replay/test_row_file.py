"""The file of rows: what is written is read again."""

from __future__ import annotations

import gzip
from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.replay.tables import row
from tuner.errors import BadInputError, WattuneError
from tuner.replay.disturbance import UNDISTURBED, Disturbance
from tuner.replay.row import Row
from tuner.replay.row_file import RowFile, read_rows

NOISY = Disturbance(0.03, outliers=True)


def test_rows_are_read_as_they_were_written(tmp_path: Path) -> None:
    file = RowFile(tmp_path / "rows.jsonl", Row, UNDISTURBED)
    rows = [row(seed=seed, regrets=(None, 1 / 3, 0.0)) for seed in range(3)]
    for one in rows:
        file.append(one)
    assert read_rows(tmp_path / "rows.jsonl") == rows
    assert list(RowFile(tmp_path / "rows.jsonl", Row, UNDISTURBED).rows) == rows


def test_the_noise_is_written_down_only_where_there_is_some(tmp_path: Path) -> None:
    noisy = replace(row(), noise=0.03, outliers=True)
    assert b"noise" not in row().encode()
    RowFile(tmp_path / "rows.jsonl", Row, NOISY).append(noisy)
    assert read_rows(tmp_path / "rows.jsonl") == [noisy]


def test_compressed_rows_are_read_too(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl.gz"
    path.write_bytes(gzip.compress(row(seed=1).encode() + row(seed=2).encode()))
    assert [one.seed for one in read_rows(path)] == [1, 2]


def test_a_torn_last_line_is_dropped_and_written_again(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(row(seed=1).encode() + row(seed=2).encode()[:-1])
    file = RowFile(path, Row, UNDISTURBED)
    assert [one.seed for one in file.rows] == [1]
    file.append(row(seed=2))
    assert [one.seed for one in read_rows(path)] == [1, 2]


def test_a_broken_line_in_the_midst_is_named_and_nothing_is_changed(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    content = row().encode() + b"{}\n" + row().encode()[:20]
    path.write_bytes(content)
    with pytest.raises(BadInputError, match="line 2, is no row"):
        RowFile(path, Row, UNDISTURBED)
    assert path.read_bytes() == content


def test_rows_that_were_made_otherwise_are_not_mixed(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    RowFile(path, Row, UNDISTURBED).append(row())
    with pytest.raises(BadInputError, match="name another file"):
        RowFile(path, Row, NOISY)


def test_what_cannot_be_read_or_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"rows\.jsonl cannot be read"):
        read_rows(tmp_path / "rows.jsonl")
    (tmp_path / "rows.jsonl.gz").write_bytes(b"not compressed")
    with pytest.raises(BadInputError, match=r"rows\.jsonl\.gz cannot be read"):
        read_rows(tmp_path / "rows.jsonl.gz")
    with pytest.raises(WattuneError, match="cannot be written"):
        RowFile(tmp_path / "nowhere" / "rows.jsonl", Row, UNDISTURBED)
