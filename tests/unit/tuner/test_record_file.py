"""Records in files: whole or refused, written whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from tuner.errors import BadInputError, WattuneError
from tuner.record_file import read_record, write_record
from tuner.trial import Interval

RECORD = Interval(1.0, 2.0)


def read(path: Path) -> Interval:
    return read_record(path, Interval, "interval", "wattune nothing")


def test_what_was_written_is_read(tmp_path: Path) -> None:
    write_record(tmp_path / "a.json", RECORD)
    assert read(tmp_path / "a.json") == RECORD
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b'{"low": 1}', b'{"low": "x", "high": 2}', b"\xff\xfe"])
def test_another_file_is_refused_in_one_sentence_that_names_it(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "a.json").write_bytes(text)
    with pytest.raises(BadInputError, match=r"a\.json is no interval of 'wattune nothing'"):
        read(tmp_path / "a.json")


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"The interval .*a\.json cannot be read: No such file"):
        read(tmp_path / "a.json")


def test_what_cannot_be_written_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_record(tmp_path / "a.json", RECORD)
    before = (tmp_path / "a.json").read_bytes()

    def full(_path: Path, _data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(WattuneError, match="cannot be written: No space left"):
        write_record(tmp_path / "a.json", Interval(3.0, 4.0))
    assert (tmp_path / "a.json").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]
