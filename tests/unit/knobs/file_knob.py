"""A knob whose hardware is a file: it outlives every process, as real hardware does."""

from pathlib import Path

from knobs.contract import (
    Captured,
    DeviceError,
    Knob,
    KnobKind,
    KnobSpec,
    NotAbove,
    RefusedError,
    RestoreClass,
    RestoreOutcome,
    Value,
)

VALUES = (100, 200, 300, 400)


class FileKnob(Knob):
    """Holds an integer in a file, notes every write in a log, and fails when a file tells it to."""

    def __init__(self, directory: Path, knob_id: str, not_above: NotAbove | None = None) -> None:
        self._value = directory / knob_id
        self._log = directory / "writes.log"
        self.broken = directory / f"{knob_id}.broken"
        self.clamped = directory / f"{knob_id}.clamped"
        self.capped = directory / f"{knob_id}.capped"
        self._spec = KnobSpec(
            id=knob_id,
            unit="MHz",
            kind=KnobKind.CLOCK,
            values=VALUES,
            restore_class=RestoreClass.EXACT,
            device="file",
            not_above=not_above,
        )

    @property
    def spec(self) -> KnobSpec:
        return self._spec

    def read(self) -> Value:
        return int(self._value.read_text())

    def write(self, value: Value) -> None:
        if value not in VALUES:
            raise RefusedError(f"{self._spec.id} cannot be {value}.")
        self._set(int(value))

    def capture(self) -> Captured:
        return {"value": self.read()}

    def restore(self, captured: Captured) -> RestoreOutcome:
        original = captured["value"]
        assert isinstance(original, int)
        self._set(original)
        return RestoreOutcome.PENDING if self.capped.exists() else RestoreOutcome.RESTORED

    def _set(self, value: int) -> None:
        if self.broken.exists():
            raise DeviceError(f"{self._spec.id} does not answer.")
        with self._log.open("a") as log:
            log.write(f"{self._spec.id}={value}\n")
        fresh = self._value.with_suffix(".fresh")
        fresh.write_text(str(int(self.clamped.read_text()) if self.clamped.exists() else value))
        fresh.replace(self._value)


MAX, MIN, FAN = "core.max_mhz", "core.min_mhz", "fan.level"
ORIGINAL = {MAX: 400, MIN: 100, FAN: 200}


def file_knobs(directory: Path) -> list[FileKnob]:
    """Returns the knobs of a machine whose hardware is a folder, at its originals if it is new."""
    if not directory.exists():
        directory.mkdir(parents=True)
        for knob_id, value in ORIGINAL.items():
            (directory / knob_id).write_text(str(value))
    return [
        FileKnob(directory, MIN, NotAbove(MAX)),
        FileKnob(directory, MAX),
        FileKnob(directory, FAN),
    ]


def in_hardware(directory: Path) -> dict[str, int]:
    """Returns what the hardware holds, whatever Wattune believes."""
    return {knob_id: int((directory / knob_id).read_text()) for knob_id in ORIGINAL}


def writes(directory: Path) -> list[str]:
    """Returns every write to the hardware so far."""
    log = directory / "writes.log"
    return log.read_text().split() if log.exists() else []
