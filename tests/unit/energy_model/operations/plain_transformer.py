"""A transformer as the one that was measured: what the tape writes down must be what PyTorch runs."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional
from torch.nn.attention import SDPBackend, sdpa_kernel

from tuner.energy_model.operations.transformer import Architecture

Cache = tuple[torch.Tensor, torch.Tensor]


class Layer(nn.Module):
    def __init__(self, of: Architecture, *, is_fused: bool) -> None:
        super().__init__()
        self.of, self.is_fused = of, is_fused
        self.width, self.key_width = of.heads * of.head_width, of.key_heads * of.head_width
        self.first, self.second = nn.LayerNorm(of.width), nn.LayerNorm(of.width)
        self.qkv = nn.Linear(of.width, self.width + 2 * self.key_width, bias=False)
        self.out = nn.Linear(self.width, of.width, bias=False)
        self.up = nn.Linear(of.width, of.inner_width, bias=False)
        self.gate = nn.Linear(of.width, of.inner_width, bias=False) if of.is_gated else None
        self.down = nn.Linear(of.inner_width, of.width, bias=False)

    def forward(self, x: torch.Tensor, cache: Cache | None = None) -> torch.Tensor:
        x = x + self.out(self.attend(*self.qkv(self.first(x)).split([self.width, *[self.key_width] * 2], -1), cache))
        hidden = self.second(x)
        inner = getattr(functional, self.of.activation)((self.gate or self.up)(hidden))
        if self.gate is not None:
            inner = inner * self.up(hidden)
        return x + self.down(inner)

    def attend(self, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, cache: Cache | None) -> torch.Tensor:
        rows = q.shape[1]
        q, k, v = (t.view(1, rows, -1, self.of.head_width).transpose(1, 2) for t in (q, k, v))
        if cache is not None:
            k, v = (torch.cat([old, new], dim=2) for old, new in zip(cache, (k, v), strict=True))
        if self.of.shared_heads:
            k, v = (t.repeat_interleave(self.of.heads // self.of.key_heads, dim=1) for t in (k, v))
        if self.is_fused:
            attended = functional.scaled_dot_product_attention(q, k, v)
        else:
            with sdpa_kernel([SDPBackend.MATH]):
                attended = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        return attended.transpose(1, 2).reshape(1, rows, self.width)


class Decoder(nn.Module):
    """Embedding, layers, and a head on the last token."""

    def __init__(self, of: Architecture, *, is_fused: bool = True) -> None:
        super().__init__()
        self.embed = nn.Embedding(of.vocabulary, of.width)
        self.layers = nn.ModuleList(Layer(of, is_fused=is_fused) for _ in range(of.layers))
        self.norm = nn.LayerNorm(of.width)
        self.head = nn.Linear(of.width, of.vocabulary, bias=False)

    def forward(self, ids: torch.Tensor, caches: list[Cache] | None = None) -> torch.Tensor:
        x = self.embed(ids)
        for number, layer in enumerate(self.layers):
            x = layer(x, caches[number] if caches is not None else None)
        logits: torch.Tensor = self.head(self.norm(x[:, -1:]))
        return logits
