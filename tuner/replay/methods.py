"""The search methods of the benchmark: our own, and the peers that they are compared with."""

from __future__ import annotations

from tuner.search.registry import OWN_METHODS, Method, Registry

_PEERS = {
    "optuna-tpe": Method("tuner.replay.peers.optuna_tpe", "OptunaTpeProposer", extra="peers"),
    "optuna-gp": Method("tuner.replay.peers.optuna_gp", "OptunaGpProposer", extra="peers"),
    "botorch-qlognei": Method("tuner.replay.peers.botorch_qlognei", "BotorchQlogneiProposer", extra="peers"),
    "polythrottle": Method("tuner.replay.peers.polythrottle", "PolyThrottleProposer", extra="peers"),
}

REPLAY_METHODS = Registry({**OWN_METHODS, **_PEERS})
"""Every method that can be replayed. Studies know only the first ones."""
