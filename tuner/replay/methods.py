"""The search methods of the benchmark: our own, and the peers that they are compared with."""

from __future__ import annotations

from tuner.search.registry import OWN_METHODS, Method, Registry

_PEERS = {
    "optuna-tpe": Method("tuner.replay.peers.optuna_tpe", "OptunaTpeProposer", extra="peers"),
    "optuna-gp": Method("tuner.replay.peers.optuna_gp", "OptunaGpProposer", extra="peers"),
    "optuna-gp-default": Method("tuner.replay.peers.optuna_gp", "OptunaGpDefaultProposer", extra="peers"),
    "botorch-qlognei": Method("tuner.replay.peers.botorch_qlognei", "BotorchQlogneiProposer", extra="peers"),
    "polythrottle": Method("tuner.replay.peers.polythrottle", "PolyThrottleProposer", extra="peers"),
}

_LIVE = {"wattune-live": Method("tuner.replay.variants", "LiveProposer", extra="search")}

VARIANTS = {"wattune-live": "wattune"}
"""Methods that are others in another setting: not what those others have to beat."""

REPLAY_METHODS = Registry({**OWN_METHODS, **_PEERS, **_LIVE})
"""Every method that can be replayed. Studies know only the first ones."""

FRONT_METHODS = Registry(
    {
        "wattune-front": Method("tuner.replay.variants", "FrontProposer", extra="search"),
        **OWN_METHODS,
        "botorch-qlognehvi": Method("tuner.replay.peers.botorch_qlognehvi", "BotorchQlognehviProposer", extra="peers"),
    }
)
"""What is scored by the Pareto front that it finds; those in search of the least energy find one on the way."""
