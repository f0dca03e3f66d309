"""A version 2 control group hierarchy laid out in a folder, which answers writes as the kernel does."""

import errno
import shutil
from pathlib import Path, PurePosixPath

from knobs.contract import DeviceError
from knobs.sysfs import KernelFiles, MissingError

MOUNT = "/sys/fs/cgroup"


class FakeCgroup2(KernelFiles):
    """Knows groups, threaded groups, the cpu controller, and which process is where."""

    def __init__(self, root: Path, handed_down: str = "cpu memory") -> None:
        super().__init__(root)
        self._tree = root
        (root / "proc/self").mkdir(parents=True)
        (root / "proc/self/mountinfo").write_text(f"30 23 0:26 / {MOUNT} rw,nosuid - cgroup2 cgroup2 rw\n")
        self._populate(MOUNT, controllers="cpu memory pids", is_root=True)
        (root / MOUNT.lstrip("/") / "cgroup.subtree_control").write_text(handed_down + "\n")
        self.add_group(f"{MOUNT}/app.slice", controllers=handed_down)

    def add_group(self, group: str, controllers: str) -> None:
        (self._tree / group.lstrip("/")).mkdir(parents=True)
        self._populate(group, controllers)

    def add_process(self, pid: int, start_ticks: int, group: str) -> None:
        process = self._tree / f"proc/{pid}"
        (process / "task" / str(pid)).mkdir(parents=True)
        filler = " ".join(["0"] * 15)
        (process / "stat").write_text(f"{pid} (a ) b) S {filler} 0 1 0 {start_ticks} 0\n")
        self._enter(pid, group)

    def end_process(self, pid: int) -> None:
        self._leave(pid)
        shutil.rmtree(self._tree / f"proc/{pid}")

    def snapshot(self) -> dict[str, str]:
        return {
            str(path.relative_to(self._tree)): path.read_text() if path.is_file() else "folder"
            for path in sorted(self._tree.rglob("*"))
        }

    def make_directory(self, path: str) -> None:
        if not self.exists(path):
            super().make_directory(path)
            parent = str(PurePosixPath(path).parent)
            self._populate(path, self.read_text(f"{parent}/cgroup.subtree_control"))

    def remove_directory(self, path: str) -> None:
        folder = self._local(path)
        if not folder.exists():
            return
        if (folder / "cgroup.threads").read_text() or self.directories(path):
            raise DeviceError(f"Cannot remove {path}: {errno.errorcode[errno.EBUSY]}.")
        shutil.rmtree(folder)

    def write_text(self, path: str, text: str) -> None:
        file = self._local(path)
        if not file.exists():
            raise MissingError(f"Cannot write {path}: it does not exist.")
        group = str(PurePosixPath(path).parent)
        if file.name == "cgroup.procs":
            self._enter(int(text), group)
        elif file.name == "cgroup.subtree_control":
            self._hand_down(group, text)
        elif file.name == "cgroup.type":
            self._make_threaded(file, text)
        elif file.name == "cpu.max":
            file.write_text(text + "\n")
        else:
            raise DeviceError(f"Cannot write {path}: the kernel does not accept this value.")

    def _populate(self, group: str, controllers: str, is_root: bool = False) -> None:
        folder = self._local(group)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "cgroup.controllers").write_text(controllers + "\n")
        (folder / "cgroup.subtree_control").write_text("\n")
        (folder / "cgroup.procs").write_text("")
        (folder / "cgroup.threads").write_text("")
        if not is_root:
            (folder / "cgroup.type").write_text("domain\n")
            if "cpu" in controllers.split():
                (folder / "cpu.max").write_text("max 100000\n")

    def _make_threaded(self, file: Path, text: str) -> None:
        parent = file.parent.parent
        is_root = not (parent / "cgroup.type").exists()
        if text != "threaded" or ("memory" in (parent / "cgroup.subtree_control").read_text() and not is_root):
            raise DeviceError(f"Cannot write {file}: the kernel does not accept this value.")
        file.write_text("threaded\n")

    def _hand_down(self, group: str, text: str) -> None:
        folder = self._local(group)
        children = [self._local(f"{group}/{name}") for name in self.directories(group)]
        is_root = not (folder / "cgroup.type").exists()
        threaded = any((child / "cgroup.type").read_text().strip() == "threaded" for child in children)
        if (folder / "cgroup.threads").read_text() and not threaded and not is_root and text.startswith("+"):
            raise DeviceError(f"Cannot write {group}: the device is busy (no internal processes).")
        handed_down = set((folder / "cgroup.subtree_control").read_text().split())
        name = text[1:]
        handed_down = handed_down | {name} if text[0] == "+" else handed_down - {name}
        (folder / "cgroup.subtree_control").write_text(" ".join(sorted(handed_down)) + "\n")
        for child in children:
            if name == "cpu" and text[0] == "+":
                (child / "cpu.max").write_text("max 100000\n")
            elif name == "cpu":
                (child / "cpu.max").unlink(missing_ok=True)

    def _enter(self, pid: int, group: str) -> None:
        if not self._local(f"/proc/{pid}").exists():
            raise MissingError(f"Cannot move {pid}: it does not exist.")
        self._leave(pid)
        members = self._local(f"{group}/cgroup.threads")
        members.write_text("".join(f"{task}\n" for task in sorted([*members.read_text().split(), str(pid)])))
        inside = "/" + str(PurePosixPath(group).relative_to(MOUNT)).removeprefix(".")
        self._local(f"/proc/{pid}/cgroup").write_text(f"0::{inside}\n")

    def _leave(self, pid: int) -> None:
        for members in self._local(MOUNT).rglob("cgroup.threads"):
            members.write_text("".join(f"{line}\n" for line in members.read_text().split() if line != str(pid)))
