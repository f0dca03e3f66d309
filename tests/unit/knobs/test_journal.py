import errno
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from knobs import durable
from knobs.contract import KnobError
from knobs.journal import JOURNAL_NAME, Journal, JournalEntry, KnobKey

ROOT = Path(__file__).parents[3]


def entry(knob_id="a", original=1, expected=(1, 2), process=""):
    return JournalEntry(knob_id, process, {"value": original}, original, tuple(expected))


def test_what_was_recorded_is_there_for_the_next_keeper(tmp_path):
    Journal(tmp_path).record([entry("a"), entry("a", process="12-34"), entry("b", original="powersave")])
    again = Journal(tmp_path)
    assert [found.key for found in again.entries()] == [KnobKey("a"), KnobKey("a", "12-34"), KnobKey("b")]
    assert again.get(KnobKey("b")).original == "powersave"
    assert again.damage == []


def test_an_original_is_never_overwritten(tmp_path):
    Journal(tmp_path).record([entry(original=1)])
    journal = Journal(tmp_path)
    journal.record([entry(original=99, expected=(2, 3))])
    assert Journal(tmp_path).get(KnobKey("a")) == entry(original=1, expected=(2, 3))


def test_what_is_forgotten_is_gone(tmp_path):
    journal = Journal(tmp_path)
    journal.record([entry("a"), entry("b")])
    journal.forget([KnobKey("a"), KnobKey("never there")])
    assert [found.knob_id for found in Journal(tmp_path).entries()] == ["b"]


def test_only_its_owner_may_read_it(tmp_path):
    Journal(tmp_path).record([entry()])
    assert (tmp_path / JOURNAL_NAME).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("garbage", ['{"knob_id": "b", "proc', "null", '{"knob_id": "b"}', '["a"]', "\x00\x00"])
def test_a_damaged_line_costs_that_knob_only_and_is_loud(tmp_path, garbage, caplog):
    Journal(tmp_path).record([entry("a")])
    with (tmp_path / JOURNAL_NAME).open("a") as file:
        file.write(garbage)
    journal = Journal(tmp_path)
    assert [found.knob_id for found in journal.entries()] == ["a"]
    assert len(journal.damage) == 1
    assert "damaged" in caplog.text
    aside = list(tmp_path.glob("*-invalid-*"))
    assert len(aside) == 1
    assert garbage in aside[0].read_text()
    assert Journal(tmp_path).damage == []
    assert [found.knob_id for found in Journal(tmp_path).entries()] == ["a"]


def test_a_link_in_place_of_the_journal_is_not_followed(tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("")
    run = tmp_path / "run"
    run.mkdir()
    (run / JOURNAL_NAME).symlink_to(elsewhere)
    journal = Journal(run)
    assert journal.damage
    journal.record([entry()])
    assert elsewhere.read_text() == ""
    assert not (run / JOURNAL_NAME).is_symlink()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_journal_of_somebody_else_is_not_believed(tmp_path):
    Journal(tmp_path).record([entry()])
    os.chown(tmp_path / JOURNAL_NAME, 65534, 65534)
    journal = Journal(tmp_path)
    assert journal.entries() == ()
    assert journal.damage


def test_a_folder_to_which_anybody_may_write_is_refused(tmp_path):
    tmp_path.chmod(0o777)
    with pytest.raises(KnobError, match="chmod"):
        Journal(tmp_path)


def test_a_full_disk_leaves_the_journal_as_it_was(tmp_path, monkeypatch):
    journal = Journal(tmp_path)
    journal.record([entry("a")])

    def no_space(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(durable.os, "fsync", no_space)
    with pytest.raises(KnobError, match="No space left"):
        journal.record([entry("b")])
    monkeypatch.undo()
    assert [found.knob_id for found in journal.entries()] == ["a"]
    assert [found.knob_id for found in Journal(tmp_path).entries()] == ["a"]


FILLED_UP = """
import resource, sys
from pathlib import Path
from knobs.contract import KnobError
from knobs.journal import Journal, JournalEntry
journal = Journal(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (40, 40))
try:
    journal.record([JournalEntry("b", "", {"value": 1}, 1, (1, 2))])
except KnobError as error:
    print(error)
"""


def test_a_file_that_really_cannot_grow_is_one_sentence_and_costs_no_entry(tmp_path):
    Journal(tmp_path).record([entry("a")])
    child = subprocess.run([sys.executable, "-c", FILLED_UP, str(tmp_path)], capture_output=True, text=True, cwd=ROOT)
    assert "Cannot write" in child.stdout
    assert "File too large" in child.stdout
    assert [found.knob_id for found in Journal(tmp_path).entries()] == ["a"]


def test_a_folder_that_is_no_folder_is_one_sentence(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(KnobError, match="Cannot use the folder"):
        Journal(tmp_path / "file")


WRITER = """
import sys
from pathlib import Path
from knobs.journal import Journal, JournalEntry, KnobKey
journal = Journal(Path(sys.argv[1]))
print("ready", flush=True)
number = 0
while True:
    number += 1
    journal.record([JournalEntry(f"knob{number % 7}", "", {"value": number % 7}, number % 7, (number % 7, number))])
    if number % 11 == 0:
        journal.forget([KnobKey(f"knob{number % 5}")])
"""


def test_it_survives_kill_at_any_instant(tmp_path):
    dice = random.Random(1)
    for _ in range(20):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, cwd=ROOT)
        writer.stdout.readline()
        time.sleep(dice.uniform(0, 0.03))
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        writer.stdout.close()
        journal = Journal(tmp_path)
        assert journal.damage == []
        assert all(found.captured["value"] == int(found.knob_id[-1]) for found in journal.entries())
    assert json.loads((tmp_path / JOURNAL_NAME).read_text().splitlines()[0])
