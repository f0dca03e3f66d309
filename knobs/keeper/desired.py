"""The confirmed configuration: what the operator wants to hold, over restarts and upgrades."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from pathlib import Path

from knobs.contract import Value
from knobs.durable import UntrustedFileError, prepare_directory, read_trusted, replace_durably, set_aside
from knobs.journal import KnobKey

_LOGGER = logging.getLogger(__name__)

DESIRED_NAME = "desired.json"


class Desired:
    """The confirmed values, kept in the state folder.

    A value confirmed for a knob of a process is wanted for that process only: another workload,
    attached later, is not configured by it.
    """

    def __init__(self, directory: Path) -> None:
        """Reads what was confirmed.

        Attributes:
            damage: One sentence for each thing in the file that could not be trusted.

        Raises:
            KnobError: The folder cannot be used.
        """
        prepare_directory(directory)
        self._path = directory / DESIRED_NAME
        self._values: dict[KnobKey, Value] = {}
        self.damage: list[str] = []
        self._load()

    def get(self, key: KnobKey) -> Value | None:
        """Returns the value confirmed for a knob; None if there is none."""
        return self._values.get(key)

    def values(self) -> dict[KnobKey, Value]:
        """Returns every confirmed value."""
        return dict(self._values)

    def by_knob_id(self) -> dict[str, Value]:
        """Returns every confirmed value by knob id."""
        return {key.knob_id: value for key, value in self._values.items()}

    def confirm(self, values: Mapping[KnobKey, Value]) -> None:
        """Adds confirmed values, in place of earlier ones of the same knobs; returns once they are on the medium.

        Raises:
            KnobError: They could not be written; what was confirmed before stays.
        """
        replaced = {key.knob_id for key in values}
        kept = {key: value for key, value in self._values.items() if key.knob_id not in replaced}
        self._write({**kept, **values})

    def clear(self) -> None:
        """Forgets everything that was confirmed.

        Raises:
            KnobError: The file could not be written; what was confirmed stays.
        """
        if self._values:
            self._write({})

    def _write(self, values: dict[KnobKey, Value]) -> None:
        rows = [{"knob_id": key.knob_id, "process": key.process, "value": value} for key, value in values.items()]
        replace_durably(self._path, json.dumps({"version": 1, "confirmed": rows}, indent=1) + "\n")
        self._values = values

    def _load(self) -> None:
        try:
            content = read_trusted(self._path)
            self._values = {} if content is None else _values_from(content)
        except UntrustedFileError as error:
            self._report_damage(error)

    def _report_damage(self, error: UntrustedFileError) -> None:
        sentence = f"{error} It was moved to {set_aside(self._path)}: confirm the wanted configuration again."
        _LOGGER.error(sentence)
        self.damage.append(sentence)


def _values_from(content: str) -> dict[KnobKey, Value]:
    try:
        rows = json.loads(content)["confirmed"]
        values = {KnobKey(str(row["knob_id"]), str(row["process"])): row["value"] for row in rows}
    except (ValueError, KeyError, TypeError) as error:
        raise UntrustedFileError("The file of confirmed values is damaged.") from error
    if not all(isinstance(value, (int, float, str)) for value in values.values()):
        raise UntrustedFileError("The file of confirmed values holds something that is no value.")
    return values
