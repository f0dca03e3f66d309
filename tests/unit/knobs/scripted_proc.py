"""The kernel's account of processes, laid out in a folder: they fork, work, end and are waited for."""

from pathlib import Path

from knobs.sysfs import KernelFiles

INIT = 1


class ScriptedProc:
    """A machine whose truth is known. A process id is never given out twice."""

    def __init__(self, root: Path) -> None:
        self.files = KernelFiles(root)
        self._proc = root / "proc"
        self._proc.mkdir(parents=True)
        self._last_pid = 0
        self.fields: dict[int, dict[str, int]] = {}
        self.cpu_ticks = {"user": 0, "softirq": 0, "idle": 0, "steal": 0}
        self.fork(0)
        self.work(INIT, 0)

    def fork(self, parent: int, *, new_session: bool = False) -> int:
        self._last_pid += 1
        pid = self._last_pid
        session = pid if new_session or parent == 0 else self.fields[parent]["session"]
        self.fields[pid] = {"parent": parent, "session": session, "own": 0, "children": 0, "start": pid * 10}
        (self._proc / str(pid)).mkdir()
        self._write(pid)
        return pid

    def work(self, pid: int, ticks: int) -> None:
        self.fields[pid]["own"] += ticks
        self.cpu_ticks["user"] += ticks
        self._write(pid)
        self._write_sum()

    def pass_time(self, idle: int = 0, steal: int = 0, softirq: int = 0) -> None:
        self.cpu_ticks["idle"] += idle
        self.cpu_ticks["steal"] += steal
        self.cpu_ticks["softirq"] += softirq
        self._write_sum()

    def end(self, pid: int, *, waited_for: bool) -> None:
        ended = self.fields.pop(pid)
        (self._proc / str(pid) / "stat").unlink()
        (self._proc / str(pid)).rmdir()
        if waited_for:
            self.fields[ended["parent"]]["children"] += ended["own"] + ended["children"]
            self._write(ended["parent"])
        for child, fields in self.fields.items():
            if fields["parent"] == pid:
                fields["parent"] = INIT
                self._write(child)

    def say(self, text: str) -> None:
        (self._proc / "stat").write_text(text)

    def _write(self, pid: int) -> None:
        fields = self.fields[pid]
        own, children = fields["own"], fields["children"]
        times = f"{own // 2} {own - own // 2} {children // 2} {children - children // 2}"
        stat = f"{pid} (a ) b) S {fields['parent']} 1 {fields['session']} 0 -1 0 0 0 0 0 {times} 20 0 1 0"
        (self._proc / str(pid) / "stat").write_text(f"{stat} {fields['start']} 0 0\n")

    def _write_sum(self) -> None:
        now = self.cpu_ticks
        self.say(f"cpu  {now['user']} 0 0 {now['idle']} 0 0 {now['softirq']} {now['steal']} 0 0\ncpu0 1 2 3\nctxt 5\n")
