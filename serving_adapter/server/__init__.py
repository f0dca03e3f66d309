"""What serves in a process of its own: parameters that its adapter keeps, metrics, and which process it is."""

from serving_adapter.server.adapter import ServerAdapter
from serving_adapter.server.external import ExternalAdapter
from serving_adapter.server.listener import listening_pid

__all__ = ["ExternalAdapter", "ServerAdapter", "listening_pid"]
