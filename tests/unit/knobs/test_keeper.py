import errno
from dataclasses import replace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from knobs import durable
from knobs.contract import DeviceError, KnobError, RefusedError
from knobs.inventory import Inventory
from knobs.journal import Journal
from knobs.keeper.desired import Desired
from knobs.keeper.keeper import Keeper
from knobs.keeper.restore import restore_all
from tests.unit.knobs.file_knob import FAN, MAX, MIN, ORIGINAL, VALUES, FileKnob, file_knobs, in_hardware, writes


class Bench:
    """A machine in a folder, and keepers that come and go."""

    def __init__(self, folder, bounds=None):
        self.folder = folder
        self.hardware = folder / "hardware"
        self.knobs = {knob.spec.id: knob for knob in file_knobs(self.hardware)}
        self.bounds = bounds
        self.keeper = self.new_keeper()

    def new_keeper(self):
        inventory = Inventory(self.knobs.values(), ())
        return Keeper(inventory, Journal(self.folder / "run"), Desired(self.folder / "state"), self.bounds)

    def crash(self):
        """The keeper is killed and started again."""
        self.keeper = self.new_keeper()
        return self.keeper.start()

    def now(self):
        return in_hardware(self.hardware)

    def journalled(self):
        return {entry.knob_id for entry in Journal(self.folder / "run").entries()}


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path)


def test_trial_values_are_set_and_taken_back(bench):
    assert bench.keeper.apply({MAX: 200, FAN: 300}) == {MAX: 200, FAN: 300}
    assert bench.now() == {MAX: 200, MIN: 100, FAN: 300}
    assert dict(bench.keeper.state().trial) == {MAX: 200, FAN: 300}
    report = bench.keeper.take_back()
    assert sorted(report.restored) == [MAX, FAN]
    assert bench.now() == ORIGINAL
    assert bench.journalled() == set()


@pytest.mark.parametrize(
    "values",
    [{"no.such": 1}, {MAX: 150}, {MAX: 200, "no.such": 1}, {MAX: 100, MIN: 200}, {MAX: "200"}, {FAN: True}],
)
def test_a_wrong_configuration_changes_nothing(bench, values):
    with pytest.raises(RefusedError):
        bench.keeper.apply(values)
    assert writes(bench.hardware) == []
    assert bench.journalled() == set()


def test_values_outside_of_the_operators_bounds_are_refused_and_not_offered(tmp_path):
    bench = Bench(tmp_path, bounds={MAX: (300, 400), FAN: ()})
    offered = {spec.id: spec.values for spec in bench.keeper.inventory().knobs}
    assert offered == {MIN: VALUES, MAX: (300, 400)}
    assert [absence.id for absence in bench.keeper.inventory().absent] == [FAN]
    with pytest.raises(RefusedError, match="choose one of 300, 400"):
        bench.keeper.apply({MAX: 200})


def test_the_journal_holds_the_originals_before_the_first_write(bench):
    seen = []
    write = FileKnob.write

    def spy(knob, value):
        seen.append({entry.knob_id: entry.original for entry in Journal(bench.folder / "run").entries()})
        write(knob, value)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FileKnob, "write", spy)
        bench.keeper.apply({MAX: 300, FAN: 300})
    assert seen == [{MAX: 400, FAN: 200}] * 2


def test_where_the_journal_cannot_be_written_no_knob_is(bench, monkeypatch):
    def read_only(_):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(durable.os, "fsync", read_only)
    with pytest.raises(KnobError, match="Read-only file system"):
        bench.keeper.apply({MAX: 200})
    assert writes(bench.hardware) == []
    assert bench.keeper.state().trial == ()


def test_a_knob_that_fails_takes_the_others_back_with_it(bench):
    bench.knobs[MAX].broken.touch()
    with pytest.raises(DeviceError, match="does not answer"):
        bench.keeper.apply({FAN: 300, MIN: 200, MAX: 300})
    bench.knobs[MAX].broken.unlink()
    assert bench.now() == ORIGINAL
    bench.keeper.take_back()
    assert bench.journalled() == set()


def test_a_value_must_go_with_those_that_stay_in_force(bench):
    bench.keeper.apply({MIN: 300})
    bench.keeper.confirm()
    with pytest.raises(RefusedError, match=rf"{MIN} = 300 must not exceed"):
        bench.keeper.apply({MAX: 200})
    bench.keeper.apply({MAX: 200, MIN: 200})
    with pytest.raises(RefusedError):
        bench.keeper.apply({MIN: 300})
    assert bench.now() == {**ORIGINAL, MAX: 200, MIN: 200}


def test_knobs_that_others_wait_for_are_put_back_before_them(tmp_path):
    """A preference is refused under one governor: going back, the governor goes first as well."""
    knobs = {knob.spec.id: knob for knob in file_knobs(tmp_path / "hardware")}
    knobs[FAN]._spec = replace(knobs[FAN].spec, after=(MAX,))
    knobs[MIN]._spec = replace(knobs[MIN].spec, not_above=None, after=(FAN,))
    keeper = Keeper(Inventory(knobs.values(), ()), Journal(tmp_path / "run"), Desired(tmp_path / "state"))
    knobs[MIN].broken.touch()
    with pytest.raises(DeviceError):
        keeper.apply({MAX: 300, FAN: 200, MIN: 200})
    assert [write.partition("=")[0] for write in writes(tmp_path / "hardware")] == [MAX, FAN, MAX, FAN]


def test_a_value_that_the_device_clamps_is_no_success(bench):
    bench.knobs[FAN].clamped.write_text("300")
    with pytest.raises(DeviceError, match="was set to 400 but reads 300"):
        bench.keeper.apply({FAN: 400})


def test_a_failed_trial_returns_to_the_trial_before(bench):
    bench.keeper.apply({MAX: 300, FAN: 300})
    bench.knobs[FAN].clamped.write_text("300")
    with pytest.raises(DeviceError):
        bench.keeper.apply({MAX: 200, FAN: 400})
    assert bench.now() == {MAX: 300, MIN: 100, FAN: 300}
    assert dict(bench.keeper.state().trial) == {MAX: 300, FAN: 300}


def test_confirmed_values_outlive_the_lease_and_the_keeper(bench):
    bench.keeper.apply({MAX: 200, FAN: 300})
    assert bench.keeper.confirm() == {MAX: 200, FAN: 300}
    bench.keeper.apply({MAX: 300})
    bench.keeper.take_back()
    assert bench.now() == {MAX: 200, MIN: 100, FAN: 300}
    assert bench.crash().failed == ()
    assert bench.now() == {MAX: 200, MIN: 100, FAN: 300}


def test_confirmed_values_return_after_a_reboot_which_loses_the_runtime_folder(bench):
    bench.keeper.apply({MAX: 200, MIN: 200})
    bench.keeper.confirm()
    for path in (bench.folder / "run").iterdir():
        path.unlink()
    for knob_id, value in ORIGINAL.items():
        (bench.hardware / knob_id).write_text(str(value))
    bench.crash()
    assert bench.now() == {MAX: 200, MIN: 200, FAN: 200}
    bench.keeper.withdraw()
    assert bench.now() == ORIGINAL


def test_a_deliberate_stop_restores_all_but_remembers_what_was_confirmed(bench):
    bench.keeper.apply({MAX: 200})
    bench.keeper.confirm()
    bench.keeper.take_back_all()
    assert bench.now() == ORIGINAL
    bench.crash()
    assert bench.now()[MAX] == 200


def test_withdrawing_forgets_what_was_confirmed(bench):
    bench.keeper.apply({MAX: 200})
    bench.keeper.confirm()
    bench.keeper.withdraw()
    bench.crash()
    assert bench.now() == ORIGINAL
    assert bench.keeper.state().confirmed == ()


def test_a_confirmed_value_that_is_no_longer_allowed_gives_way_to_the_original(bench):
    bench.keeper.apply({MAX: 200})
    bench.keeper.confirm()
    bench.bounds = {MAX: (300, 400)}
    report = bench.crash()
    assert bench.now() == ORIGINAL
    assert "confirmed value cannot be brought into force" in dict(report.notes)[MAX]


def test_nothing_on_trial_is_nothing_to_confirm(bench):
    with pytest.raises(RefusedError, match="no trial values"):
        bench.keeper.confirm()


def test_a_restore_that_fails_is_loud_keeps_its_entry_and_is_tried_again(bench):
    bench.keeper.apply({MAX: 200, FAN: 300})
    bench.knobs[MAX].broken.touch()
    report = bench.keeper.take_back()
    assert [knob_id for knob_id, _ in report.failed] == [MAX]
    assert report.restored == (FAN,)
    assert bench.journalled() == {MAX}
    assert bench.keeper.owes
    bench.knobs[MAX].broken.unlink()
    assert bench.keeper.retry_owed().restored == (MAX,)
    assert bench.now() == ORIGINAL
    assert not bench.keeper.owes


def test_a_restore_under_a_foreign_cap_is_pending_until_the_cap_is_gone(bench):
    bench.keeper.apply({MAX: 200})
    bench.knobs[MAX].capped.touch()
    assert bench.keeper.take_back().pending == (MAX,)
    assert bench.journalled() == {MAX}
    bench.knobs[MAX].capped.unlink()
    assert bench.keeper.retry_owed().restored == (MAX,)
    assert bench.journalled() == set()


def test_another_program_that_moved_a_knob_is_reported_and_the_original_still_restored(bench):
    bench.keeper.apply({MAX: 200})
    (bench.hardware / MAX).write_text("300")
    report = bench.keeper.take_back()
    assert "another program" in dict(report.notes)[MAX]
    assert bench.now() == ORIGINAL


def test_another_program_is_noticed_after_a_crash_too(bench):
    bench.keeper.apply({MAX: 200})
    (bench.hardware / MAX).write_text("300")
    assert MAX in dict(bench.crash().notes)
    assert bench.now() == ORIGINAL


def test_a_damaged_journal_is_a_failure_of_the_restore(bench):
    bench.keeper.apply({MAX: 200, FAN: 300})
    path = bench.folder / "run" / "journal.jsonl"
    path.write_text(path.read_text()[:-20])
    report = restore_all(
        Inventory(bench.knobs.values(), ()), bench.folder / "run", bench.folder / "state", confirmed=False
    )
    assert "damaged" in dict(report.failed)["journal"]
    assert len(report.restored) == 1


def test_a_damaged_file_of_confirmed_values_is_set_aside(bench):
    bench.keeper.apply({MAX: 200})
    bench.keeper.confirm()
    (bench.folder / "state" / "desired.json").write_text("{")
    report = bench.crash()
    assert "confirm the wanted configuration again" in dict(report.failed)["journal"]
    assert bench.now() == ORIGINAL


def test_a_crash_between_any_two_writes_of_the_hardware_leaves_no_trial_value(bench):
    for survivors in range(3):
        crash_after(bench, survivors)
        assert bench.crash().failed == ()
        assert bench.now() == ORIGINAL


def crash_after(bench, survivors):
    """Kills the keeper in a transaction of three writes after so many of them."""
    done = []
    write = FileKnob.write

    def die(knob, value):
        if len(done) == survivors:
            raise KeyboardInterrupt
        done.append(knob.spec.id)
        write(knob, value)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FileKnob, "write", die)
        with pytest.raises(KeyboardInterrupt):
            bench.keeper.apply({MAX: 200, MIN: 200, FAN: 300})


class KeeperMachine(RuleBasedStateMachine):
    """Whatever happens, every knob is at its trial, confirmed or original value, as the history says."""

    @initialize()
    def set_up(self):
        self.bench = Bench(self.new_folder())
        self.trial, self.confirmed = {}, {}

    @staticmethod
    def new_folder():
        raise NotImplementedError

    values = st.dictionaries(st.sampled_from([MAX, MIN, FAN]), st.sampled_from(VALUES), min_size=1)

    @rule(values=values)
    def apply(self, values):
        state = self.bench.now()
        together = {**self.confirmed, **self.trial, **values}
        legal = not ({MAX, MIN} <= together.keys() and together[MIN] > together[MAX])
        try:
            self.bench.keeper.apply(values)
        except RefusedError:
            assert not legal
            assert self.bench.now() == state
        else:
            self.trial |= values

    @rule(values=values, knob=st.sampled_from([MAX, MIN, FAN]))
    def apply_fails(self, values, knob):
        before = self.bench.now()
        self.bench.knobs[knob].broken.touch()
        try:
            self.bench.keeper.apply(values)
        except KnobError:
            self.bench.knobs[knob].broken.unlink()
            if self.bench.keeper.owes:
                self.bench.keeper.retry_owed()
                self.trial = dict(self.bench.keeper.state().trial)
            else:
                assert self.bench.now() == before
        else:
            self.bench.knobs[knob].broken.unlink()
            self.trial |= values

    @precondition(lambda self: self.trial)
    @rule()
    def confirm(self):
        self.confirmed |= self.trial
        self.trial = {}
        assert self.bench.keeper.confirm() == self.confirmed

    @rule()
    def take_back(self):
        self.bench.keeper.take_back()
        self.trial = {}

    @rule()
    def crash(self):
        assert self.bench.crash().failed == ()
        self.trial = {}

    @rule()
    def stop_and_start(self):
        self.bench.keeper.take_back_all()
        assert self.bench.now() == ORIGINAL
        assert self.bench.journalled() == set()
        self.bench.crash()
        self.trial = {}

    @rule()
    def withdraw(self):
        self.bench.keeper.withdraw()
        self.trial, self.confirmed = {}, {}
        assert self.bench.now() == ORIGINAL

    @invariant()
    def every_knob_is_where_it_should_be(self):
        assert self.bench.now() == {**ORIGINAL, **self.confirmed, **self.trial}
        assert dict(self.bench.keeper.state().trial) == self.trial
        assert self.bench.journalled() == {*self.confirmed, *self.trial}


def test_any_sequence_of_events_leaves_every_knob_where_it_should_be(tmp_path):
    folders = (tmp_path / str(number) for number in range(1_000_000))

    class Machine(KeeperMachine):
        new_folder = staticmethod(lambda: next(folders))

    Machine.TestCase.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
    Machine.TestCase("runTest").runTest()
