"""The program that covers the real files with the emulated ones, and then becomes another program.

It runs in a mount namespace of its own (``unshare --mount``), with the standard library alone:
``covering.py MOUNT SCRATCH COMMAND…``. Where the real path exists, the emulated file or folder is bound over it.
Where it does not, the folder that would hold it becomes a scratch folder of links to all that was in it before.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

_SYS = Path("/sys")
_PROC = Path("/proc")
_CONTROL_GROUPS = Path("/sys/fs/cgroup")


def main() -> None:
    """Covers everything, then runs the command in this process."""
    mount, scratch = Path(sys.argv[1]), Path(sys.argv[2])
    _mount("--rbind", _CONTROL_GROUPS, mount / _CONTROL_GROUPS.relative_to("/"))
    _mount("--rbind", mount / "sys", _SYS)
    place = Path(tempfile.mkdtemp(dir=scratch))
    place.chmod(0o755)
    covers = _Covers(place)
    for real in _files_outside_of_sys(mount):
        covers.cover(mount / real.relative_to("/"), real)
    os.execvp(sys.argv[3], sys.argv[3:])


def _files_outside_of_sys(mount: Path) -> Iterator[Path]:
    for folder, folders, names in os.walk(mount):
        if Path(folder) == mount:
            folders.remove("sys")
        yield from (Path("/", Path(folder, name).relative_to(mount)) for name in names)


class _Covers:
    """What is covered in this namespace, which is new: what another one has covered is not covered here."""

    def __init__(self, scratch: Path) -> None:
        self._scratch = scratch
        self._shadowed: set[Path] = set()

    def cover(self, emulated: Path, real: Path) -> None:
        """Puts an emulated file where the real one is, or would be."""
        if real.exists():
            _mount("--bind", emulated, real)
            return
        if real.is_relative_to(_PROC):
            return  # the process file system takes nothing new; /proc/device-tree is only a link into /sys
        self._shadow(next(folder for folder in real.parents if folder.exists()).resolve())
        real.parent.mkdir(parents=True, exist_ok=True)
        real.symlink_to(emulated)

    def _shadow(self, folder: Path) -> None:
        """Replaces a folder by one of links to what is in it; one that is replaced already is left as it is."""
        if not self._shadowed.isdisjoint((folder, *folder.parents)):
            return
        self._shadowed.add(folder)
        hidden = self._scratch / str(folder).strip("/").replace("/", "-")
        hidden.mkdir()
        _mount("--rbind", folder, hidden)
        _mount("-t", "tmpfs", "tmpfs", folder)
        for entry in hidden.iterdir():
            (folder / entry.name).symlink_to(entry)


def _mount(*arguments: str | Path) -> None:
    subprocess.run(["mount", *map(str, arguments)], check=True)


if __name__ == "__main__":
    main()
