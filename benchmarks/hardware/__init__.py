"""What the hardware side of Wattune costs: probing, the keeper, setting knobs, sampling meters, integrating.

Every figure is a ratio of two things that were measured in one run, so that it holds on a slow machine as well, and
says what was compared. Nothing here decides a test: a machine that is busy with something else is slow.

    python -m benchmarks.hardware [--json] [--seconds 3]

Hardware is this machine's, and two machines that do not exist: an A100 behind NVIDIA's real ABI, and a Jetson AGX Orin
whose kernel files are mounted over the real ones (tests/emulated). What cannot run here is named with its reason.
"""
