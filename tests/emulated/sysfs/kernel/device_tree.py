"""What a board says of itself: ``/proc/device-tree``, which leads to ``/sys/firmware/devicetree/base``."""

from __future__ import annotations

from tests.emulated.sysfs.tree import Folder, Tree, constant

DEVICE_TREE = "/sys/firmware/devicetree/base"


def describe_machine(tree: Tree, model: str, compatible: tuple[str, ...]) -> None:
    """Adds the model's name and what it is compatible with; every text ends with a NUL, as all do there."""
    tree.add(f"{DEVICE_TREE}/model", constant(f"{model}\0"))
    tree.add(f"{DEVICE_TREE}/compatible", constant("".join(f"{name}\0" for name in compatible)))
    Folder(tree, "/proc").link("device-tree", DEVICE_TREE)
