"""What each operator of PyTorch does: its kind and the rule that counts its arithmetic.

Composite operators (``aten.linear``) stand beside those that they are made of (``aten.addmm``): which of them is seen
depends on how a network was found, and what they cost does not.
"""

from __future__ import annotations

from collections.abc import Mapping

from tuner.energy_model.network import function_rules as function
from tuner.energy_model.network import matrix_rules as matrix
from tuner.energy_model.network.call import Rule
from tuner.energy_model.network.records import Kind

Meaning = tuple[Kind, Rule]

_NAMES_BY_MEANING: Mapping[Meaning, str] = {
    (Kind.LINEAR, matrix.linear): "linear",
    (Kind.LINEAR, matrix.added_product): "addmm baddbmm addbmm addmv",
    (Kind.MATMUL, matrix.matrix_product): "mm bmm matmul mv dot vdot",
    (Kind.MATMUL, matrix.einsum): "einsum",
    (Kind.CONVOLUTION, matrix.convolution): "convolution _convolution conv1d conv2d conv3d mkldnn_convolution "
    "cudnn_convolution _conv_depthwise2d",
    (Kind.CONVOLUTION, matrix.transposed_convolution): "conv_transpose1d conv_transpose2d conv_transpose3d",
    (Kind.ATTENTION, matrix.attention): "scaled_dot_product_attention _scaled_dot_product_flash_attention "
    "_scaled_dot_product_flash_attention_for_cpu _scaled_dot_product_efficient_attention "
    "_scaled_dot_product_cudnn_attention _scaled_dot_product_attention_math "
    "_scaled_dot_product_fused_attention_overrideable",
    (Kind.NORMALIZATION, function.layer_norm): "layer_norm native_layer_norm",
    (Kind.NORMALIZATION, function.rms_norm): "rms_norm _fused_rms_norm",
    (Kind.NORMALIZATION, function.group_norm): "group_norm native_group_norm instance_norm",
    (Kind.NORMALIZATION, function.batch_norm): "batch_norm native_batch_norm _native_batch_norm_legit "
    "_native_batch_norm_legit_no_training _batch_norm_no_update cudnn_batch_norm",
    (Kind.SOFTMAX, function.softmax): "softmax _softmax _safe_softmax",
    (Kind.SOFTMAX, function.log_softmax): "log_softmax _log_softmax",
    (Kind.ACTIVATION, function.gelu): "gelu",
    (Kind.ACTIVATION, function.bounds): "hardtanh clamp clamp_min clamp_max",
    (Kind.ELEMENTWISE, function.addition): "add",
    (Kind.ELEMENTWISE, function.power): "pow",
    (Kind.REDUCTION, function.sums): "sum cumsum nansum",
    (Kind.REDUCTION, function.means): "mean adaptive_avg_pool1d adaptive_avg_pool2d _adaptive_avg_pool2d",
    (Kind.REDUCTION, function.extremes): "amax amin argmax argmin max min any all adaptive_max_pool2d",
    (Kind.REDUCTION, function.norms): "linalg_vector_norm norm",
    (Kind.REDUCTION, function.variances): "var",
    (Kind.REDUCTION, function.deviations): "std",
    (Kind.POOLING, function.average_pooling): "avg_pool1d avg_pool2d avg_pool3d",
    (Kind.POOLING, function.largest_pooling): "max_pool1d max_pool2d max_pool3d max_pool2d_with_indices",
    (Kind.EMBEDDING, function.nothing): "embedding",
    (Kind.DATA_MOVEMENT, function.nothing): "cat stack copy clone contiguous to _to_copy type_as reshape flatten "
    "_reshape_copy _unsafe_view gather index index_select take_along_dim masked_select scatter slice_scatter "
    "select_scatter index_put _index_put_impl index_copy pad constant_pad_nd reflection_pad1d reflection_pad2d "
    "replication_pad2d roll flip repeat repeat_interleave tile upsample_nearest2d pixel_shuffle pixel_unshuffle "
    "channel_shuffle one_hot dropout native_dropout feature_dropout arange new_ones new_zeros new_full ones "
    "zeros full ones_like zeros_like full_like fill zero scalar_tensor lift_fresh_copy "
    "resolve_conj _local_scalar_dense item view_as_real_copy constant_chunk unfold_copy im2col tril_indices eye",
    (Kind.VIEW, function.nothing): "view _unsafe_view transpose permute t numpy_T mT squeeze unsqueeze expand "
    "expand_as view_as slice select split split_with_sizes unsafe_split chunk unsafe_chunk tensor_split unbind alias "
    "detach narrow unflatten movedim swapaxes unfold as_strided diagonal view_as_real view_as_complex lift_fresh "
    "real imag empty empty_like new_empty empty_strided",
}

_IGNORED = (
    "_assert_tensor_metadata _assert_async _assert_scalar sym_size sym_stride sym_numel sym_constrain_range "
    "sym_constrain_range_for_size prim_Device is_same_size _has_compatible_shallow_copy_type set_"
)
IGNORED = frozenset(_IGNORED.split())
"""They check something, and touch no data."""


def meaning_of(operator: str, overload: str = "") -> Meaning:
    """Returns what an operator does; unknown ones compute something that no rule tells.

    Args:
        operator: Its name without namespace, ``add_`` or ``add``.
        overload: The name of its variant (``other`` of ``aten.max.other``).
    """
    base = operator if operator.startswith("__") else operator.rstrip("_")
    return _MEANINGS.get(f"{base}.{overload}") or _MEANINGS.get(base) or (Kind.UNKNOWN, function.nothing)


def _all_meanings() -> dict[str, Meaning]:
    meanings = {name: meaning for meaning, names in _NAMES_BY_MEANING.items() for name in names.split()}
    for name, work in function.FUNCTIONS_OF_AN_ELEMENT.items():
        meanings[name] = (Kind.ELEMENTWISE, function.each(work))
    for name, work in function.ACTIVATIONS.items():
        meanings[name] = (Kind.ACTIVATION, function.each(work))
    for name in function.COMPARISONS:
        meanings[name] = (Kind.ELEMENTWISE, function.each(function.COMPARISON))
    return meanings


_MEANINGS = _all_meanings()
