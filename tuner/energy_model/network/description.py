"""From a call of an operator to the record of the operation: its kind, its arithmetic, its bytes."""

from __future__ import annotations

from tuner.energy_model.network.call import Call
from tuner.energy_model.network.memory import bytes_of
from tuner.energy_model.network.operators import meaning_of
from tuner.energy_model.network.records import Kind, Operation
from tuner.energy_model.network.work import NOTHING


def described(operator: str, overload: str, call: Call, path: str = "", kind: Kind | None = None) -> Operation:
    """Returns the operation that a call is.

    Args:
        operator: Its name with namespace, as ``aten.add_``.
        overload: The name of its variant; empty if it has none.
        call: Its tensors and arguments.
        path: The module that runs it.
        kind: What it does, where this call tells more than the operator (it only looks at memory).
    """
    name = operator.partition(".")[2]
    usual, rule = meaning_of(name, overload)
    kind = kind or usual
    bytes_read, bytes_written = bytes_of(name, kind, call)
    return Operation(
        operator=operator,
        kind=kind,
        path=path,
        inputs=call.inputs,
        outputs=call.outputs,
        arguments=call.arguments,
        work=NOTHING if kind is Kind.VIEW else rule(call),
        bytes_read=bytes_read,
        bytes_written=bytes_written,
    )
