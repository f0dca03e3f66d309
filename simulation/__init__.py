"""Devices that do not exist: one physics behind knobs, meters and serving adapters."""
