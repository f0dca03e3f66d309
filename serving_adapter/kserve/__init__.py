"""Models on servers of the Open Inference Protocol (v2): Triton, KServe, OpenVINO Model Server, MLServer."""

from serving_adapter.kserve.adapter import KserveAdapter

__all__ = ["KserveAdapter"]
