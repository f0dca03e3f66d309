"""External meters: what a person puts between the machine and the wall. How to add one: docs/external_meters.md."""

from knobs.meters.plug.find import EXTERNAL_METERS, find_plugs

__all__ = ["EXTERNAL_METERS", "find_plugs"]
