"""Studies on disk (SQLite): every trial is durable the moment it is done."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from tuner.errors import BadInputError, NotFoundError, WattuneError
from tuner.parameter_effect import ParameterEffect
from tuner.serialization import decode, encode
from tuner.study_record import Recommendation, Study, StudyState
from tuner.trial import Trial

_SCHEMA_VERSION = 1
_SCHEMA = """
CREATE TABLE study (
    id TEXT PRIMARY KEY,
    position INTEGER NOT NULL UNIQUE,
    idempotency_key TEXT UNIQUE,
    state TEXT NOT NULL,
    record TEXT NOT NULL
) STRICT;
CREATE TABLE trial (
    study_id TEXT NOT NULL REFERENCES study (id),
    number INTEGER NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (study_id, number)
) STRICT;
"""


class StoreError(WattuneError):
    """The store cannot be read or written."""


class Store:
    """All studies of one daemon. Safe to use from several threads."""

    def __init__(self, path: Path) -> None:
        """Opens the store, and creates it on first use.

        Args:
            path: The database file; its directory must exist and be writable.

        Raises:
            StoreError: The file cannot be opened or written, or was written by a newer Wattune.
        """
        self._path = path
        self._lock = threading.RLock()
        with self._explained("open"):
            # Transactions are written out below, so that none is ever left open by accident.
            self._database = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        try:
            self._prepare()
        except BaseException:
            self._database.close()
            raise

    def _prepare(self) -> None:
        with self._explained("open"):
            version = self._database.execute("PRAGMA user_version").fetchone()[0]
            if version > _SCHEMA_VERSION:
                raise StoreError(f"The store {self._path} was written by a newer Wattune: upgrade, or move it away.")
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA synchronous = FULL")
            self._database.execute("PRAGMA foreign_keys = ON")
        with self._transaction("write"):
            if self._database.execute("PRAGMA user_version").fetchone()[0] == 0:
                for statement in _SCHEMA.split(";")[:-1]:
                    self._database.execute(statement)
            # A store that cannot be written is refused here, at the start, and not in the middle of a study.
            self._database.execute(f"PRAGMA user_version = {_SCHEMA_VERSION}")

    def create(self, study: Study) -> None:
        """Adds a study.

        Raises:
            BadInputError: Its id or its idempotency key is taken.
            StoreError: The store cannot be written.
        """
        key = study.request.idempotency_key or None
        with self._transaction("write"):
            try:
                self._database.execute(
                    "INSERT INTO study SELECT ?, coalesce(max(position), 0) + 1, ?, ?, ? FROM study",
                    (study.id, key, study.state.value, _record(study)),
                )
            except sqlite3.IntegrityError as error:
                raise BadInputError(
                    f"There is a study {study.id}, or one with this idempotency key, already."
                ) from error

    def add_trial(self, study_id: str, trial: Trial, duration_s: float) -> None:
        """Adds a finished trial, and notes how long the study has taken so far.

        Raises:
            StoreError: The store cannot be written. The trial is not there.
        """
        with self._transaction("write"):
            self._database.execute(
                "INSERT INTO trial VALUES (?, ?, ?)", (study_id, trial.number, encode(trial).decode())
            )
            self._update(study_id, duration_s=duration_s)

    def book_search(self, study_id: str, search_s: float, search_j: float | None) -> None:
        """Notes what choosing configurations has taken so far.

        Args:
            study_id: The study.
            search_s: Seconds.
            search_j: Joules; None if they are not known.

        Raises:
            StoreError: The store cannot be written.
        """
        with self._transaction("write"):
            self._update(study_id, search_s=search_s, search_j=search_j)

    def keep_effects(self, study_id: str, effects: tuple[ParameterEffect, ...]) -> None:
        """Notes what the search knows of each parameter.

        Raises:
            StoreError: The store cannot be written.
        """
        with self._transaction("write"):
            self._update(study_id, effects=effects)

    def finish(
        self, study_id: str, state: StudyState, reason: str, recommendation: Recommendation | None, duration_s: float
    ) -> None:
        """Notes how a study ended.

        Raises:
            StoreError: The store cannot be written.
        """
        with self._transaction("write"):
            self._update(study_id, state=state, reason=reason, recommendation=recommendation, duration_s=duration_s)

    def _update(self, study_id: str, **changes: object) -> None:
        study = replace(self._bare(study_id), **changes)  # type: ignore[arg-type]  # named fields of Study
        self._database.execute(
            "UPDATE study SET state = ?, record = ? WHERE id = ?", (study.state.value, _record(study), study_id)
        )

    def get(self, study_id: str) -> Study:
        """Returns a study with its trials.

        Raises:
            NotFoundError: There is no such study.
            StoreError: The store cannot be read.
        """
        with self._explained("read"):
            study = self._bare(study_id)
            rows = self._database.execute(
                "SELECT record FROM trial WHERE study_id = ? ORDER BY number", (study_id,)
            ).fetchall()
            return replace(study, trials=tuple(decode(row[0], Trial) for row in rows))

    def _bare(self, study_id: str) -> Study:
        row = self._database.execute("SELECT record FROM study WHERE id = ?", (study_id,)).fetchone()
        if row is None:
            raise NotFoundError(f"There is no study '{study_id}': 'wattune status' lists them.")
        return decode(row[0], Study)

    def summaries(self) -> list[Study]:
        """Returns all studies without their trials and effects, newest first.

        Raises:
            StoreError: The store cannot be read.
        """
        with self._explained("read"):
            rows = self._database.execute("SELECT record FROM study ORDER BY position DESC").fetchall()
            return [replace(decode(row[0], Study), effects=()) for row in rows]

    def running(self) -> list[Study]:
        """Returns the studies that have not ended, with their trials, oldest first: they are to be resumed.

        Raises:
            StoreError: The store cannot be read.
        """
        with self._explained("read"):
            rows = self._database.execute(
                "SELECT id FROM study WHERE state = ? ORDER BY position", (StudyState.RUNNING.value,)
            ).fetchall()
            return [self.get(row[0]) for row in rows]

    def find_by_key(self, idempotency_key: str) -> str | None:
        """Returns the id of the study that was started with this key, if any.

        Raises:
            StoreError: The store cannot be read.
        """
        with self._explained("read"):
            row = self._database.execute(
                "SELECT id FROM study WHERE idempotency_key = ?", (idempotency_key,)
            ).fetchone()
            return None if row is None else str(row[0])

    def close(self) -> None:
        """Closes the store."""
        with self._lock:
            self._database.close()

    @contextmanager
    def _transaction(self, verb: str) -> Iterator[None]:
        with self._explained(verb):
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._database.execute("COMMIT")
            except BaseException:
                # A full disk makes SQLite roll back by itself.
                if self._database.in_transaction:
                    self._database.execute("ROLLBACK")
                raise

    @contextmanager
    def _explained(self, verb: str) -> Iterator[None]:
        with self._lock:
            try:
                yield
            except sqlite3.Error as error:
                raise StoreError(
                    f"The store {self._path} cannot be {_PARTICIPLE[verb]} ({error}): make sure that its directory "
                    "exists, is writable and has room."
                ) from error


_PARTICIPLE = {"open": "opened", "read": "read", "write": "written"}


def _record(study: Study) -> str:
    return encode(replace(study, trials=())).decode()
