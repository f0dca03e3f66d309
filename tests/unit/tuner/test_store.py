import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import replace

import pytest

from tests.unit.tuner.effects import effect
from tests.unit.tuner.records import study, trial
from tuner.errors import BadInputError, NotFoundError
from tuner.serialization import decode, encode, to_builtins
from tuner.store import Store, StoreError
from tuner.study_record import Study, StudyState


@pytest.fixture
def store(tmp_path):
    opened = Store(tmp_path / "studies.sqlite")
    yield opened
    opened.close()


def test_a_study_comes_back_as_it_was_put_in(store):
    original = study(trial(0, 2.0), trial(1, None), trial(2, 1.0))
    store.create(replace(original, trials=()))
    for number, made in enumerate(original.trials, start=1):
        store.add_trial(original.id, made, float(number))
    assert store.get(original.id) == original


def test_a_finished_study_says_how_it_ended(store):
    store.create(study())
    store.finish("study-1", StudyState.INFEASIBLE, "Nothing holds.", None, 7.0)
    found = store.get("study-1")
    assert (found.state, found.reason, found.duration_s) == (StudyState.INFEASIBLE, "Nothing holds.", 7.0)
    assert store.running() == []


def test_effects_are_kept_and_left_out_of_summaries(store):
    store.create(study())
    effects = (effect("gpu.core.max_mhz", (500, 1000, 1500), (2.0, 1.2, 1.0)), effect("governor", ("a", "b")))
    store.keep_effects("study-1", effects)
    store.finish("study-1", StudyState.DONE, "", None, 7.0)
    assert store.get("study-1").effects == effects
    assert store.summaries()[0].effects == ()


def test_a_study_of_a_version_that_knew_no_effects_is_read():
    older = to_builtins(study())
    del older["effects"]
    assert decode(encode(older), Study) == study()


def test_summaries_are_newest_first_and_running_oldest_first(store):
    for name in ("b", "a", "c"):
        store.create(study(study_id=name))
    assert [found.id for found in store.summaries()] == ["c", "a", "b"]
    store.finish("a", StudyState.DONE, "", None, 1.0)
    assert [found.id for found in store.running()] == ["b", "c"]


def test_the_same_key_finds_the_first_study(store):
    store.create(study(key="k"))
    assert store.find_by_key("k") == "study-1"
    assert store.find_by_key("other") is None
    with pytest.raises(BadInputError):
        store.create(study(study_id="study-2", key="k"))


def test_an_unknown_study_is_named(store):
    with pytest.raises(NotFoundError, match="nowhere"):
        store.get("nowhere")


def test_the_same_trial_twice_is_refused_and_nothing_is_lost(store):
    store.create(study())
    store.add_trial("study-1", trial(0, 2.0), 1.0)
    with pytest.raises(StoreError):
        store.add_trial("study-1", trial(0, 9.0), 2.0)
    assert store.get("study-1").trials == (trial(0, 2.0),)


def test_a_store_of_a_newer_wattune_is_left_alone(tmp_path):
    path = tmp_path / "studies.sqlite"
    Store(path).close()
    import sqlite3

    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version = 99")
    with pytest.raises(StoreError, match="newer"):
        Store(path)


def test_what_is_no_store_is_refused_in_one_sentence(tmp_path):
    path = tmp_path / "studies.sqlite"
    path.write_bytes(b"not a database, but long enough to be taken for one" * 100)
    with pytest.raises(StoreError, match=r"studies\.sqlite"):
        Store(path)
    assert path.read_bytes().startswith(b"not a database")


def test_a_missing_directory_is_refused_in_one_sentence(tmp_path):
    with pytest.raises(StoreError, match="make sure"):
        Store(tmp_path / "nowhere" / "studies.sqlite")


@contextmanager
def _small_disk(directory, size="256k", options=""):
    directory.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}{options}", "none", directory], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("mounting a small file system needs root")
    try:
        yield directory
    finally:
        subprocess.run(["umount", directory], check=True)


def test_a_full_disk_loses_no_stored_trial(tmp_path):
    with _small_disk(tmp_path / "disk") as directory:
        store = Store(directory / "studies.sqlite")
        store.create(study())
        store.add_trial("study-1", trial(0, 2.0), 1.0)
        (directory / "ballast").write_bytes(b"x" * (shutil.disk_usage(directory).free // 4096 * 4096))
        with pytest.raises(StoreError, match="room"):
            for number in range(1, 200):
                store.add_trial("study-1", trial(number, 1.0), 1.0)
        stored = len(store.get("study-1").trials)
        (directory / "ballast").unlink()
        store.add_trial("study-1", trial(stored, 1.0), 1.0)
        assert len(store.get("study-1").trials) == stored + 1
        store.close()


def test_a_read_only_disk_is_refused_at_the_start(tmp_path):
    with _small_disk(tmp_path / "disk") as directory:
        Store(directory / "studies.sqlite").close()
        subprocess.run(["mount", "-o", "remount,ro", directory], check=True)
        with pytest.raises(StoreError, match="writable"):
            Store(directory / "studies.sqlite")


WRITER = """
import sys
from pathlib import Path
from tests.unit.tuner.records import study, trial
from tuner.store import Store
store = Store(Path(sys.argv[1]))
store.create(study())
for number in range(100_000):
    store.add_trial("study-1", trial(number, 1.0), float(number))
    print(number, flush=True)
"""


def test_every_trial_that_was_acknowledged_survives_a_kill(tmp_path):
    for round_number in range(5):
        path = tmp_path / f"{round_number}.sqlite"
        writer = subprocess.Popen([sys.executable, "-c", WRITER, path], stdout=subprocess.PIPE, text=True)
        time.sleep(0.4 + 0.13 * round_number)
        os.kill(writer.pid, signal.SIGKILL)
        acknowledged = [int(line) for line in writer.stdout.read().split("\n")[:-1]]
        writer.wait()
        if not acknowledged:
            continue
        store = Store(path)
        stored = [found.number for found in store.get("study-1").trials]
        store.close()
        assert stored == list(range(len(stored)))
        assert len(stored) >= len(acknowledged)
