"""The original values, written ahead of the first change.

One JSON object a line, one line a knob. The file is replaced as a whole and flushed before the first
write to a knob, so that no instant exists at which a knob is changed and its original is not on the
medium. A line that cannot be read costs that knob only; the damaged file is kept aside.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

from knobs.contract import Captured, Value
from knobs.durable import UntrustedFileError, prepare_directory, read_trusted, replace_durably, set_aside

_LOGGER = logging.getLogger(__name__)

JOURNAL_NAME = "journal.jsonl"


class KnobKey(NamedTuple):
    """Which knob: its id, and the process it belongs to (empty for the machine's own)."""

    knob_id: str
    process: str = ""


@dataclass(frozen=True)
class JournalEntry:
    """What is needed to undo all changes of one knob.

    Attributes:
        knob_id: The knob.
        process: The process it belongs to; empty if it is the machine's own.
        captured: What the knob captured before its first change.
        original: Its value at that time, for people and for the order of writes.
        expected: The values it may hold because of us: any other value was set by somebody else.
    """

    knob_id: str
    process: str
    captured: Captured
    original: Value
    expected: tuple[Value, ...]

    @property
    def key(self) -> KnobKey:
        """Which knob this is about."""
        return KnobKey(self.knob_id, self.process)


class Journal:
    """The journal of one runtime folder. One keeper at a time works with it."""

    def __init__(self, directory: Path) -> None:
        """Reads what an earlier keeper left.

        Attributes:
            damage: One sentence for each thing in the journal that could not be trusted.

        Raises:
            KnobError: The folder cannot be used.
        """
        prepare_directory(directory)
        self._path = directory / JOURNAL_NAME
        self._entries: dict[KnobKey, JournalEntry] = {}
        self.damage: list[str] = []
        self._load()

    def entries(self) -> tuple[JournalEntry, ...]:
        """Returns the entries, oldest first."""
        return tuple(self._entries.values())

    def get(self, key: KnobKey) -> JournalEntry | None:
        """Returns the entry of a knob; None if the knob is as we found it."""
        return self._entries.get(key)

    def record(self, entries: Iterable[JournalEntry]) -> None:
        """Adds entries, and returns once they are on the medium.

        An original that the journal has already is never overwritten: it may be the only record of
        the true one. Of such an entry only the expected values are taken over.

        Raises:
            KnobError: They could not be written; the journal is as before, and nothing may be set.
        """
        merged = dict(self._entries)
        for entry in entries:
            known = merged.get(entry.key, entry)
            merged[entry.key] = JournalEntry(
                known.knob_id, known.process, known.captured, known.original, entry.expected
            )
        self._write(merged)

    def forget(self, keys: Iterable[KnobKey]) -> None:
        """Removes the entries of knobs that are as we found them.

        Raises:
            KnobError: The journal could not be written; it is as before.
        """
        gone = set(keys)
        if gone & self._entries.keys():
            self._write({key: entry for key, entry in self._entries.items() if key not in gone})

    def _write(self, entries: dict[KnobKey, JournalEntry]) -> None:
        lines = (json.dumps(asdict(entry), separators=(",", ":")) + "\n" for entry in entries.values())
        replace_durably(self._path, "".join(lines))
        self._entries = entries

    def _load(self) -> None:
        try:
            content = read_trusted(self._path) or ""
        except UntrustedFileError as error:
            self._report_damage(str(error))
            return
        bad_lines = []
        for number, line in enumerate(content.splitlines(), start=1):
            entry = _entry_from(line)
            if entry is None:
                bad_lines.append(number)
            else:
                self._entries.setdefault(entry.key, entry)
        if bad_lines:
            self._report_damage(f"Line {', '.join(map(str, bad_lines))} of the journal is damaged.")
            self._write(dict(self._entries))

    def _report_damage(self, what: str) -> None:
        aside = set_aside(self._path)
        sentence = (
            f"{what} It was moved to {aside}: an original value may be lost, "
            "so check the knobs it names by hand, then delete it."
        )
        _LOGGER.error(sentence)
        self.damage.append(sentence)


def _entry_from(line: str) -> JournalEntry | None:
    """Reads one line; None if it is damaged."""
    try:
        data = json.loads(line)
        entry = JournalEntry(
            knob_id=data["knob_id"],
            process=data["process"],
            captured=data["captured"],
            original=data["original"],
            expected=tuple(data["expected"]),
        )
    except (ValueError, KeyError, TypeError):
        return None
    return entry if _is_well_formed(entry) else None


def _is_well_formed(entry: JournalEntry) -> bool:
    names_are_text = isinstance(entry.knob_id, str) and isinstance(entry.process, str)
    values = (entry.original, *entry.expected)
    return names_are_text and isinstance(entry.captured, dict) and all(isinstance(v, (int, float, str)) for v in values)
