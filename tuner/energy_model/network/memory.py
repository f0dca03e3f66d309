"""Bytes that an operation reads and writes when no cache helps: every input once, every output once.

Except where less is touched: a view touches nothing, what looks rows up reads those rows, what makes a tensor reads
none, and what writes a part of a tensor in place touches that part.
"""

from __future__ import annotations

from tuner.energy_model.network.call import Call
from tuner.energy_model.network.records import Kind

_LOOKED_UP = {
    "embedding": "weight",
    "index": "self",
    "index_select": "self",
    "gather": "self",
    "take_along_dim": "self",
}
"""The argument of which only some elements are read, as many as come out."""

_OVERWRITTEN_IN_PLACE = frozenset({"copy_", "fill_", "zero_"})
_PARTLY_WRITTEN_IN_PLACE = frozenset({"index_put_", "_index_put_impl_", "scatter_", "index_copy_"})
_MADE_LIKE = frozenset({"new_ones", "new_zeros", "new_full", "ones_like", "zeros_like", "full_like"})


def bytes_of(operator: str, kind: Kind, call: Call) -> tuple[int, int]:
    """Returns the bytes read and the bytes written.

    Args:
        operator: The name without namespace; in-place ones end in an underscore.
        kind: What it does.
        call: Its tensors.
    """
    if kind is Kind.VIEW:
        return 0, 0
    read = {name: tensor.n_bytes for name, tensor in call.inputs.items()}
    written = sum(tensor.n_bytes for tensor in call.outputs)
    if operator in _OVERWRITTEN_IN_PLACE or operator in _MADE_LIKE:
        read.pop("self", None)
    elif operator in _PARTLY_WRITTEN_IN_PLACE:
        read.pop("self", None)
        written = sum(number for name, number in read.items() if "ind" not in name)
    elif operator in _LOOKED_UP and _LOOKED_UP[operator] in read:
        name = _LOOKED_UP[operator]
        read[name] = min(read[name], written)
    return sum(read.values()), written
