"""Programs that meet the emulated files at their real absolute paths, while everybody else sees the real ones."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.emulated.sysfs import covering
from tests.emulated.sysfs.mount import mounted
from tests.emulated.sysfs.tree import Tree


@dataclass(frozen=True)
class Covered:
    """A mounted tree, ready to cover the real files.

    Attributes:
        mount: Where the tree is mounted.
        scratch: A folder in which each namespace puts what it covers.
    """

    mount: Path
    scratch: Path

    def command(self, *command: str) -> list[str]:
        """Returns the command that runs another one, as root, in a namespace where the tree is the real thing.

        Each time that it runs, it makes a namespace of its own.

        Control groups stay real, and so does ``/proc``: it takes no new entries, so that programs find the device
        tree only under ``/sys/firmware/devicetree/base``, where ``/proc/device-tree`` leads on real boards.
        """
        private = ["unshare", "--mount", "--propagation", "private", "--"]
        program = [sys.executable, "-I", "-S", covering.__file__]
        return [*private, *program, str(self.mount), str(self.scratch), *command]


@contextmanager
def covered(tree: Tree) -> Iterator[Covered]:
    """Mounts a tree for programs that are to meet it at the real paths."""
    folder = Path(tempfile.mkdtemp(prefix="wattune-emulated-"))
    folder.chmod(0o755)
    try:
        mount, scratch = folder / "mount", folder / "scratch"
        mount.mkdir()
        scratch.mkdir()
        scratch.chmod(0o755)
        with mounted(tree, mount):
            yield Covered(mount, scratch)
    finally:
        _remove_empty(folder)


def _remove_empty(folder: Path) -> None:
    """Removes folders, and nothing but folders: what is bound into them elsewhere must never be at stake."""
    for entry in folder.iterdir():
        _remove_empty(entry)
    folder.rmdir()
