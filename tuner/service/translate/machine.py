"""The machine: knobs, meters, what is absent, and what is in force."""

from __future__ import annotations

from knobs.contract import (
    Absence,
    Calibration,
    Delivery,
    InventoryRecord,
    KnobKind,
    KnobSpec,
    MeterSpec,
    NotAbove,
    PowerCoefficients,
    Quantity,
    RestoreClass,
    RestoreReport,
)
from tuner.configuration import Value
from tuner.daemon_record import Applied, DaemonStatus, Inventory, KnobMismatch, Verification
from tuner.service.translate.basics import (
    PROVENANCES,
    SCOPES,
    decode_configuration,
    decode_value,
    encode_configuration,
    encode_value,
)
from tuner.service.wattune.v1 import wattune_pb2 as pb


def encode_inventory(inventory: Inventory) -> pb.GetInventoryResponse:
    """Returns the inventory with the values in force."""
    record = inventory.record
    return pb.GetInventoryResponse(
        knobs=[_encode_knob(knob, inventory.current.get(knob.id)) for knob in record.knobs],
        meters=[_encode_meter(meter) for meter in record.meters],
        absent=[encode_absence(absence) for absence in record.absent],
        monitored=record.monitored,
    )


def decode_inventory(message: pb.GetInventoryResponse) -> Inventory:
    """Returns the inventory."""
    record = InventoryRecord(
        knobs=tuple(_decode_knob(knob) for knob in message.knobs),
        meters=tuple(_decode_meter(meter) for meter in message.meters),
        absent=tuple(decode_absence(absence) for absence in message.absent),
        monitored=tuple(message.monitored),
    )
    current = {knob.id: decode_value(knob.current) for knob in message.knobs if knob.HasField("current")}
    return Inventory(record, current)


def _encode_knob(knob: KnobSpec, current: Value | None) -> pb.Knob:
    order = knob.not_above
    return pb.Knob(
        id=knob.id,
        unit=knob.unit,
        kind=knob.kind.value,
        values=[encode_value(value) for value in knob.values],
        restore_class=knob.restore_class.value,
        device=knob.device,
        current=None if current is None else encode_value(current),
        provenance=PROVENANCES.encode(knob.provenance),
        note=knob.note,
        not_above=None if order is None else pb.NotAbove(limit=order.limit, factor=order.factor),
        tolerance=knob.tolerance,
        settle_s=knob.settle_s,
        switch_cost_s=knob.switch_cost_s,
        after=knob.after,
        delivery=knob.delivery.value,
        explored=knob.explored,
        danger=knob.danger,
    )


def _decode_knob(message: pb.Knob) -> KnobSpec:
    return KnobSpec(
        id=message.id,
        unit=message.unit,
        kind=KnobKind(message.kind),
        values=tuple(decode_value(value) for value in message.values),
        restore_class=RestoreClass(message.restore_class),
        device=message.device,
        not_above=(
            NotAbove(message.not_above.limit, message.not_above.factor) if message.HasField("not_above") else None
        ),
        tolerance=message.tolerance,
        settle_s=message.settle_s,
        switch_cost_s=message.switch_cost_s,
        after=tuple(message.after),
        delivery=Delivery(message.delivery),
        explored=message.explored,
        danger=message.danger,
        provenance=PROVENANCES.decode(message.provenance),
        note=message.note,
    )


def _encode_meter(meter: MeterSpec) -> pb.Meter:
    return pb.Meter(
        id=meter.id,
        quantity=meter.quantity.value,
        scope=SCOPES.encode(meter.scope),
        provenance=PROVENANCES.encode(meter.provenance),
        update_period_s=meter.update_period_s,
        resolution=meter.resolution,
        device=meter.device,
        accuracy=meter.accuracy,
        duty=meter.duty,
        note=meter.note,
        coefficients=None if meter.coefficients is None else _encode_coefficients(meter.coefficients),
        calibration=None if meter.calibration is None else _encode_calibration(meter.calibration),
    )


def _decode_meter(message: pb.Meter) -> MeterSpec:
    return MeterSpec(
        id=message.id,
        quantity=Quantity(message.quantity),
        scope=SCOPES.decode(message.scope),
        provenance=PROVENANCES.decode(message.provenance),
        update_period_s=message.update_period_s,
        resolution=message.resolution,
        device=message.device,
        accuracy=message.accuracy,
        duty=message.duty,
        coefficients=_decode_coefficients(message.coefficients) if message.HasField("coefficients") else None,
        calibration=_decode_calibration(message.calibration) if message.HasField("calibration") else None,
        note=message.note,
    )


def _encode_coefficients(coefficients: PowerCoefficients) -> pb.PowerCoefficients:
    return pb.PowerCoefficients(
        static=_encode_range(coefficients.static_w), cpu_core=_encode_range(coefficients.cpu_core_w)
    )


def _decode_coefficients(message: pb.PowerCoefficients) -> PowerCoefficients:
    return PowerCoefficients(static_w=_decode_range(message.static), cpu_core_w=_decode_range(message.cpu_core))


def _encode_calibration(calibration: Calibration) -> pb.Calibration:
    return pb.Calibration(
        meter=calibration.meter,
        scope=SCOPES.encode(calibration.scope),
        factor=calibration.factor,
        base_w=calibration.base_w,
        error=calibration.error,
    )


def _decode_calibration(message: pb.Calibration) -> Calibration:
    return Calibration(
        meter=message.meter,
        scope=SCOPES.decode(message.scope),
        factor=message.factor,
        base_w=message.base_w,
        error=message.error,
    )


def _encode_range(power_w: tuple[float, float, float]) -> pb.PowerRange:
    low_w, nominal_w, high_w = power_w
    return pb.PowerRange(low_w=low_w, nominal_w=nominal_w, high_w=high_w)


def _decode_range(message: pb.PowerRange) -> tuple[float, float, float]:
    return message.low_w, message.nominal_w, message.high_w


def encode_absence(absence: Absence) -> pb.Absence:
    """Returns what is absent, and why."""
    return pb.Absence(id=absence.id, reason=absence.reason, fix=absence.fix)


def decode_absence(message: pb.Absence) -> Absence:
    """Returns what is absent, and why."""
    return Absence(message.id, message.reason, message.fix)


def encode_status(status: DaemonStatus) -> pb.GetStatusResponse:
    """Returns what the daemon is doing."""
    return pb.GetStatusResponse(
        version=status.version,
        device=status.device,
        running_study=status.running_study or "",
        phase=status.phase,
        trial=encode_configuration(status.trial),
        confirmed=encode_configuration(status.confirmed),
        workloads=status.workloads,
    )


def decode_status(message: pb.GetStatusResponse) -> DaemonStatus:
    """Returns what the daemon is doing."""
    return DaemonStatus(
        version=message.version,
        device=message.device,
        workloads=tuple(message.workloads),
        running_study=message.running_study or None,
        phase=message.phase,
        trial=decode_configuration(message.trial),
        confirmed=decode_configuration(message.confirmed),
    )


def encode_verification(verification: Verification) -> pb.VerifyKnobsResponse:
    """Returns whether the confirmed configuration is in force."""
    return pb.VerifyKnobsResponse(
        confirmed=encode_configuration(verification.confirmed),
        mismatches=[
            pb.KnobMismatch(
                id=mismatch.id,
                wanted=encode_value(mismatch.wanted),
                found=None if mismatch.found is None else encode_value(mismatch.found),
            )
            for mismatch in verification.mismatches
        ],
    )


def decode_verification(message: pb.VerifyKnobsResponse) -> Verification:
    """Returns whether the confirmed configuration is in force."""
    return Verification(
        confirmed=decode_configuration(message.confirmed),
        mismatches=tuple(
            KnobMismatch(
                mismatch.id,
                decode_value(mismatch.wanted),
                decode_value(mismatch.found) if mismatch.HasField("found") else None,
            )
            for mismatch in message.mismatches
        ),
    )


def encode_applied(applied: Applied) -> pb.ApplyConfigurationResponse:
    """Returns what is in force now, and what is to be set by hand."""
    return pb.ApplyConfigurationResponse(
        applied=encode_configuration(applied.applied), study_only=applied.study_only, warning=applied.warning
    )


def decode_applied(message: pb.ApplyConfigurationResponse) -> Applied:
    """Returns what is in force now, and what is to be set by hand."""
    return Applied(decode_configuration(message.applied), tuple(message.study_only), message.warning)


def encode_restore(report: RestoreReport) -> pb.RestoreKnobsResponse:
    """Returns what became of the journal; a failure is an error of the call, so that there is none here."""
    return pb.RestoreKnobsResponse(
        restored=report.restored,
        pending=report.pending,
        notes=[pb.KnobNote(id=knob_id, sentence=sentence) for knob_id, sentence in report.notes],
    )


def decode_restore(message: pb.RestoreKnobsResponse) -> RestoreReport:
    """Returns what became of the journal."""
    return RestoreReport(
        restored=tuple(message.restored),
        pending=tuple(message.pending),
        notes=tuple((note.id, note.sentence) for note in message.notes),
    )
