"""NVIDIA Jetson boards (TX2, Nano, Xavier, Orin, Thor), JetPack 4 to 7: GPU and memory clocks, through the kernel.

NVML starts on a Jetson and supports nothing there, so that everything comes from sysfs, debugfs and the device tree.
CPU clocks and cores are those of any other Linux machine.
"""

from knobs.drivers.jetson.find import find_jetson

__all__ = ["find_jetson"]
