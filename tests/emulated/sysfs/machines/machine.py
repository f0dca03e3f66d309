"""A whole machine: its kernel's files, and handles by which a test breaks it or learns the truth."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.emulated.sysfs.files import TreeFiles
from tests.emulated.sysfs.kernel.cpufreq_drivers import CpuFrequency
from tests.emulated.sysfs.kernel.generation import Generation
from tests.emulated.sysfs.kernel.hotplug import Cpus
from tests.emulated.sysfs.tree import Attribute, Tree, kernel_error


@dataclass(kw_only=True)
class Machine:
    """A machine that does not exist.

    Attributes:
        name: What it is called in test reports.
        generation: Its kernel.
        tree: Its files.
        cpus: Its CPUs.
        cpu_frequency: Their clocks; without policies where the kernel offers none.
    """

    name: str
    generation: Generation
    tree: Tree
    cpus: Cpus
    cpu_frequency: CpuFrequency = field(default_factory=lambda: CpuFrequency(()))

    def files(self, *, is_root: bool = True) -> TreeFiles:
        """Returns the files as drivers see them, without a mount."""
        return TreeFiles(self.tree, is_root=is_root)

    def content(self) -> dict[str, str]:
        """Returns what every file says now, or by which error it cannot be read."""
        found: dict[str, str] = {}
        for path in list(self.tree.paths()):
            leaf = self.tree.leaf(path)
            if isinstance(leaf, Attribute) and leaf.show is not None:
                try:
                    found[path] = leaf.read()
                except OSError as error:
                    found[path] = f"errno {error.errno}"
        return found

    @contextmanager
    def failing(self, path: str, number: int, *, reads: bool = True, writes: bool = True) -> Iterator[None]:
        """Makes a file answer with an error meanwhile.

        Args:
            path: Its path; links are followed.
            number: The error, as in ``errno``.
            reads: Whether reading fails.
            writes: Whether writing fails.
        """

        def fail(*_: object) -> str:
            raise kernel_error(number)

        def store(text: str) -> None:
            fail(text)

        resolved = self.tree.resolve(path)
        whole = self.tree.attribute(path)
        broken = Attribute(
            show=fail if reads and whole.show else whole.show,
            store=store if writes and whole.store else whole.store,
            mode=whole.mode,
        )
        self.tree.add(resolved, broken)
        try:
            yield
        finally:
            if self.tree.leaf(resolved) is broken:
                self.tree.add(resolved, whole)
