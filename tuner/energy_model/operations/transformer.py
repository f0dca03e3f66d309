"""The operations of a plain transformer, written down from its dimensions: for evaluation on published measurements.

The layers are those of the networks that were measured: normalization first, one projection for query, key and value,
attention that is fused or written out, an output projection, a normalization and a feed-forward network, with a sum
after each half; a decoder's layer may attend to an encoder between them. A cache of keys and values grows by copying.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

from tuner.energy_model.network.call import Call
from tuner.energy_model.network.description import described
from tuner.energy_model.network.records import Argument, Tensor
from tuner.energy_model.operations.demand import Repeated

ITEM_BYTES = {"float32": 4, "float16": 2}
"""Bytes of a number, by its type."""

_EXACT = "float32"


@dataclass(frozen=True)
class Architecture:
    """The dimensions of a transformer.

    Attributes:
        layers: Layers of the stack, or of encoder and of decoder each.
        width: Features of a token.
        inner_width: Features inside the feed-forward network.
        heads: Heads of attention.
        vocabulary: Tokens that there are; 0 for images.
        activation: ``gelu``, ``relu`` or ``silu``.
        is_gated: Whether the feed-forward network has a gate.
        shared_heads: Heads of keys and values, where several heads of queries share one; 0 if none do.
        head_width: Features of a head.
    """

    layers: int
    width: int
    inner_width: int
    heads: int
    vocabulary: int
    activation: str = "gelu"
    is_gated: bool = False
    shared_heads: int = 0
    head_width: int = 64

    @property
    def key_heads(self) -> int:
        """Heads of keys and values."""
        return self.shared_heads or self.heads


class Tape:
    """Writes down operations, one after the other."""

    def __init__(self, architecture: Architecture, dtype: str, *, is_attention_fused: bool) -> None:
        """Starts with nothing.

        Args:
            architecture: Whose operations.
            dtype: The type of its numbers: ``float16`` or ``float32``.
            is_attention_fused: Whether attention is one kernel that never writes scores to memory.
        """
        self.operations: list[Repeated] = []
        self._of = architecture
        self._dtype = dtype
        self._is_attention_fused = is_attention_fused

    def embed(self, tokens: int) -> None:
        """Looks tokens up."""
        ids = Tensor((tokens,), "int64", 8 * tokens)
        table = self._tensor(self._of.vocabulary, self._of.width, is_parameter=True)
        self._write("embedding", {"weight": table, "indices": ids}, self._tensor(tokens, self._of.width))

    def head(self, outputs: int, times: int = 1) -> None:
        """Normalizes one token and projects it."""
        self._normalize(1, times)
        self.linear(1, self._of.width, outputs, times)

    def linear(self, rows: int, inputs: int, outputs: int, times: int = 1) -> None:
        """A layer without bias."""
        weight = self._tensor(outputs, inputs, is_parameter=True)
        self._write(
            "linear", {"input": self._tensor(rows, inputs), "weight": weight}, self._tensor(rows, outputs), times
        )

    def layers(self, rows: int, cached: int = 0, times: int = 1) -> None:
        """Every layer once: tokens attend to each other and to what is cached before them.

        Args:
            rows: Tokens that are new.
            cached: Tokens whose keys and values were kept.
            times: How often all layers run.
        """
        times *= self._of.layers
        self._attend_to_self(rows, cached, times)
        self._feed_forward(rows, times)

    def layers_with_encoder(self, rows: int, source: int, cached: int = 0, times: int = 1) -> None:
        """Every layer of a decoder once, which also attends to an encoder's output.

        Args:
            rows: Tokens that are new.
            source: Tokens of the encoder, their keys and values projected before.
            cached: Tokens whose keys and values were kept.
            times: How often all layers run.
        """
        times *= self._of.layers
        width = self._of.heads * self._of.head_width
        self._attend_to_self(rows, cached, times)
        self._normalize(rows, times)
        self.linear(rows, self._of.width, width, times)
        self._attend(rows, source, times)
        self.linear(rows, width, self._of.width, times)
        self._add(rows, times)
        self._feed_forward(rows, times)

    def project_source(self, source: int) -> None:
        """Keys and values of an encoder's output, for every layer of the decoder."""
        self.linear(source, self._of.width, self._of.key_heads * self._of.head_width, 2 * self._of.layers)

    def _attend_to_self(self, rows: int, cached: int, times: int) -> None:
        of = self._of
        width, key_width = of.heads * of.head_width, of.key_heads * of.head_width
        self._normalize(rows, times)
        self.linear(rows, of.width, width + 2 * key_width, times)
        if cached:
            pieces = {"tensors[0]": self._tensor(cached, key_width), "tensors[1]": self._tensor(rows, key_width)}
            self._write("cat", pieces, self._tensor(cached + rows, key_width), 2 * times)
        if of.shared_heads:
            narrow, wide = self._tensor(cached + rows, key_width), self._tensor(cached + rows, width)
            self._write("repeat_interleave", {"self": narrow}, wide, 2 * times)
        self._attend(rows, cached + rows, times)
        self.linear(rows, width, of.width, times)
        self._add(rows, times)

    def _attend(self, rows: int, columns: int, times: int) -> None:
        heads, width = self._of.heads, self._of.head_width
        query, key = self._tensor(1, heads, rows, width), self._tensor(1, heads, columns, width)
        if self._is_attention_fused:
            given = {"query": query, "key": key, "value": key}
            self._write("scaled_dot_product_attention", given, query, times)
        else:
            self._attend_step_by_step(rows, columns, times)

    def _attend_step_by_step(self, rows: int, columns: int, times: int) -> None:
        """Attention as PyTorch computes it without a fused kernel: in 32 bits, whatever the type of its inputs."""
        heads, width = self._of.heads, self._of.head_width
        narrow = [self._tensor(1, heads, tokens, width) for tokens in (rows, columns, columns)]
        query, key, value = (self._tensor(*tensor.shape, dtype=_EXACT) for tensor in narrow)
        scores = self._tensor(1, heads, rows, columns, dtype=_EXACT)
        mask = self._tensor(rows, columns, dtype=_EXACT)
        if self._dtype != _EXACT:
            for given, exact in zip(narrow, (query, key, value), strict=True):
                self._write("_to_copy", {"self": given}, exact, times)
            self._write("_to_copy", {"self": scores}, self._tensor(*scores.shape), times)
            self._write("_to_copy", {"self": query}, narrow[0], times)
        self._write("mul", {"self": query}, query, times)
        self._write("mul", {"self": key}, key, times)
        self._write("bmm", {"self": query, "mat2": key}, scores, times)
        self._write("add", {"self": scores, "other": mask}, scores, times)
        self._write("_safe_softmax", {"self": scores}, scores, times, {"dim": -1})
        self._write("bmm", {"self": scores, "mat2": value}, query, times)
        if rows > 1:
            # A fused kernel leaves its output in the order of tokens; here heads come first.
            self._write("reshape", {"self": narrow[0]}, self._tensor(rows, heads * width), times)

    def _feed_forward(self, rows: int, times: int) -> None:
        of = self._of
        inner = self._tensor(rows, of.inner_width)
        self._normalize(rows, times)
        self.linear(rows, of.width, of.inner_width, times * (2 if of.is_gated else 1))
        self._write(of.activation, {"self": inner}, inner, times)
        if of.is_gated:
            self._write("mul", {"self": inner, "other": inner}, inner, times)
        self.linear(rows, of.inner_width, of.width, times)
        self._add(rows, times)

    def _normalize(self, rows: int, times: int) -> None:
        tokens, gains = self._tensor(rows, self._of.width), self._tensor(self._of.width, is_parameter=True)
        given = {"input": tokens, "weight": gains, "bias": gains}
        self._write("layer_norm", given, tokens, times, {"normalized_shape": (self._of.width,)})

    def _add(self, rows: int, times: int) -> None:
        tokens = self._tensor(rows, self._of.width)
        self._write("add", {"self": tokens, "other": tokens}, tokens, times)

    def _tensor(self, *shape: int, is_parameter: bool = False, dtype: str = "") -> Tensor:
        dtype = dtype or self._dtype
        return Tensor(shape, dtype, prod(shape) * ITEM_BYTES[dtype], "", is_parameter)

    def _write(
        self,
        operator: str,
        inputs: dict[str, Tensor],
        output: Tensor,
        times: int = 1,
        arguments: dict[str, Argument] | None = None,
    ) -> None:
        call = Call(inputs, (output,), arguments or {})
        self.operations.append(Repeated(described(f"aten.{operator}", "", call), times))
