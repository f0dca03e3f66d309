"""Kills the processes of a household in mid-study, again and again, and looks after each time at what is left."""

from __future__ import annotations

import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from random import Random

import psutil

from tests.chaos.follower import Follower
from tests.chaos.household import Household, has_ended, wait_until
from tests.chaos.tally import Tally
from tuner.store import Store
from tuner.study_record import StudyState
from tuner.trial import Trial

LEASE_LIMIT_S = 2.0
"""How soon the keeper takes trial values back once the daemon is dead."""
KEEPER_START_LIMIT_S = 5.0
"""How soon the daemon has another keeper, which restores before it does anything else."""
MARGIN_S = 10.0
"""What a loaded machine may add to any limit."""
_MOST_WAIT_S = 1.0
_SHARE_DISPLACED = 0.5
"""So many kills wait until knobs are away from their original values,"""
_SHARE_AMID_WRITE = 0.25
"""half of those then until the keeper writes again;"""
_SHARE_MEASURED = 0.35
"""and so many until one more trial is done; the rest come at once, as after a loss."""
_LATEST_EVENT_S = 60.0
_LONGEST_PROPOSAL_S = 20.0
_LONGEST_WRITE_S = 0.02


VICTIMS = ("daemon", "keeper", "worker", "runner", "daemon and keeper")


class Campaign:
    """Many kills of many victims on one stage."""

    def __init__(self, household: Household, random: Random) -> None:
        self.tallies = {victim: Tally() for victim in VICTIMS}
        self.endings: Counter[str] = Counter()
        """How the studies ended."""
        self._household = household
        self._random = random
        self._follower: Follower | None = None
        self._victim = VICTIMS[0]
        self._strikes_amid_write = False
        self._strikes: dict[str, Callable[[], None]] = {
            "daemon": self._kill_daemon,
            "keeper": self._kill_keeper,
            "worker": self._kill_worker,
            "runner": self._kill_runner,
            "daemon and keeper": self._kill_daemon_and_keeper,
        }

    def run(self, victims: Sequence[str], kills: int) -> None:
        """Kills each victim so often, in any order, then ends study and daemon, and finds the machine as it was."""
        order = [*victims] * kills
        self._random.shuffle(order)
        for self._victim in order:
            self._wait_for_a_moment()
            self._strikes[self._victim]()
        self._end_study()
        self._stop()

    @property
    def moment(self) -> str:
        """Where the campaign stands, for whoever must find out why it failed."""
        count = sum(tally.phases.total() for tally in self.tallies.values())
        phase = self._follower.phase if self._follower else "none"
        return f"kill {count} ({self._victim}), phase '{phase}'; the log: {self._household.log()}"

    @property
    def _tally(self) -> Tally:
        return self.tallies[self._victim]

    # The moment ------------------------------------------------------------------------------------

    def _wait_for_a_moment(self) -> None:
        """Waits at random: mostly until the study has moved on, then for about a trial's time."""
        self._household.serve()
        self._household.wait_for_daemon()
        follower = self._running_study()
        mood = self._random.random()
        self._strikes_amid_write = mood < _SHARE_AMID_WRITE
        if mood < _SHARE_DISPLACED:
            wait_until(
                lambda: bool(self._household.signs()) or follower.has_ended,
                lambda: f"a configuration is applied; {self.moment}",
            )
        elif mood < _SHARE_DISPLACED + _SHARE_MEASURED:
            self._wait_for_measurement(follower)
        time.sleep(self._random.uniform(0.0, _MOST_WAIT_S))

    def _wait_for_measurement(self, follower: Follower) -> None:
        """Waits for one more trial that counts: the study goes on."""
        seen = len(follower.measurements())
        wait_until(
            lambda: len(follower.measurements()) > seen or follower.has_ended,
            lambda: f"the study goes on; {self.moment}",
        )

    def _running_study(self) -> Follower:
        follower = self._follower
        if follower is not None and follower.has_ended:
            self._check_ending(follower)
            follower = None
        if follower is None:
            follower = self._follower = Follower(self._household, self._random.randrange(2**31))
        return follower

    def _check_ending(self, follower: Follower) -> None:
        last = follower.last
        assert follower.failure is None, follower.failure
        assert last is not None
        assert last.state.is_final, last
        if last.state is StudyState.FAILED:
            assert_is_one_sentence(last.reason)
        for refusal in follower.refusals:
            assert_is_one_sentence(refusal)
        self.endings[last.state.value] += 1

    def _target(self, kind: str) -> psutil.Process:
        """Waits until there is exactly one process of a kind; a study that ends meanwhile is followed by another."""
        found: list[psutil.Process] = []

        def is_there() -> bool:
            self._running_study()
            found[:] = self._household.processes(kind)
            return len(found) == 1

        wait_until(is_there, lambda: f"there is one {kind}, not {found}; {self.moment}")
        return found[0]

    def _wait_for_write(self) -> None:
        """Waits until the keeper begins to write: the journal goes first, and milliseconds later the knobs."""
        if self._strikes_amid_write:
            before, deadline_s = self._household.journal_stamp(), time.monotonic() + _LONGEST_PROPOSAL_S
            while self._household.journal_stamp() == before and time.monotonic() < deadline_s:
                time.sleep(0.0005)
            self._tally.amid_write += self._household.journal_stamp() != before
            time.sleep(self._random.uniform(0.0, _LONGEST_WRITE_S))

    def _streamed(self) -> list[Trial]:
        """Notes what the victim is about to interrupt; returns the trials that were streamed by now."""
        assert self._follower is not None
        self._tally.phases[self._follower.phase] += 1
        self._tally.displaced += bool(self._household.signs())
        return self._follower.trials()

    # The kills -------------------------------------------------------------------------------------

    def _kill_daemon(self) -> None:
        """The keeper takes everything back, nobody stays, and nothing that was streamed is lost."""
        streamed = self._kill(self._household.daemon)
        self._wait_for_originals(LEASE_LIMIT_S + MARGIN_S)
        self._wait_for_empty_house()
        self._check_store(streamed)

    def _kill_keeper(self) -> None:
        """The daemon's next keeper restores; or ``wattune restore``, while the daemon cannot do anything."""
        keeper = self._target("keeper")
        if self._random.random() < 0.5:
            streamed = self._streamed()
            self._wait_for_write()
            with self._frozen_daemon():
                self._household.kill(keeper)
                self._household.restore()
                assert self._household.displaced() == []
        else:
            streamed = self._kill(keeper)
            # The study begins again with new processes: seconds pass before it applies anything.
            self._wait_for_originals(KEEPER_START_LIMIT_S + MARGIN_S)
        self._check_streamed(streamed)

    def _kill_worker(self) -> None:
        self._check_streamed(self._kill(self._target("worker")))

    def _kill_runner(self) -> None:
        """Its control group goes with it, and its journal entries."""
        runner = self._target("runner")
        streamed = self._kill(runner)
        wait_until(
            lambda: not self._household.left_of(runner),
            lambda: f"nothing is left of {runner}, but {self._household.left_of(runner)}; {self.moment}",
        )
        self._check_streamed(streamed)

    def _kill_daemon_and_keeper(self) -> None:
        """The other processes end by themselves; then ``wattune restore`` finds the way back alone."""
        victims = [self._household.daemon, self._target("keeper")]
        self._random.shuffle(victims)
        streamed = self._kill(victims[0])
        time.sleep(self._random.uniform(0.0, 0.3))
        if not has_ended(victims[1]):
            self._household.kill(victims[1])
        self._wait_for_empty_house()
        self._household.restore()
        assert self._household.displaced() == []
        self._check_store(streamed)

    def _kill(self, victim: psutil.Process) -> list[Trial]:
        streamed = self._streamed()
        self._wait_for_write()
        if not has_ended(victim):
            self._household.kill(victim)
        return streamed

    @contextmanager
    def _frozen_daemon(self) -> Iterator[None]:
        daemon = self._household.daemon
        daemon.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            daemon.send_signal(signal.SIGCONT)

    # What is left ----------------------------------------------------------------------------------

    def _wait_for_originals(self, limit_s: float) -> None:
        took_s = wait_until(
            lambda: not self._household.displaced(),
            lambda: f"knobs have their original values, but {self._household.displaced()}; {self.moment}",
            limit_s,
        )
        self._tally.slowest_s = max(self._tally.slowest_s, took_s)

    def _wait_for_empty_house(self) -> None:
        wait_until(
            lambda: not self._household.processes(),
            lambda: f"every process ends, but {self._household.processes()} run; {self.moment}",
            LEASE_LIMIT_S + MARGIN_S,
        )

    def _check_store(self, streamed: list[Trial]) -> None:
        """The store of a dead daemon opens, and holds every trial that was streamed."""
        assert self._follower is not None
        if self._follower.study_id is None or not streamed:
            return
        store = Store(self._household.state_dir / "studies.sqlite")
        try:
            stored = store.get(self._follower.study_id).trials
        finally:
            store.close()
        assert list(stored[: len(streamed)]) == streamed

    def _check_streamed(self, streamed: list[Trial]) -> None:
        assert self._follower is not None
        if self._follower.study_id is None or not streamed:
            return
        with self._household.client() as client:
            stored = client.get_study(self._follower.study_id).trials
        assert list(stored[: len(streamed)]) == streamed

    # The end ---------------------------------------------------------------------------------------

    def _end_study(self) -> None:
        """Lets the study take one more step after the last kill, cancels it, and finds every knob at home."""
        self._household.serve()
        self._household.wait_for_daemon()
        follower = self._running_study()
        self._wait_for_measurement(follower)
        if not follower.has_ended:
            assert follower.study_id is not None
            with self._household.client() as client:
                client.cancel_study(follower.study_id)
            wait_until(lambda: follower.has_ended, lambda: "the stream ends", _LATEST_EVENT_S)
        self._check_ending(follower)
        self._wait_for_originals(MARGIN_S)

    def _stop(self) -> None:
        assert self._household.stop() == 0
        self._wait_for_empty_house()
        self._household.restore()
        assert self._household.displaced() == []


def assert_is_one_sentence(text: str) -> None:
    assert text.endswith((".", "!")), text
    assert "\n" not in text, text
    assert "unexpectedly" not in text, text
