"""The kernel's files as drivers see them, straight from a tree: for tests that need no mount."""

from __future__ import annotations

import errno
import fnmatch
import stat
from collections.abc import Callable

from knobs.sysfs import KernelFiles, _device_error
from tests.emulated.sysfs.tree import Attribute, Tree, kernel_error


class TreeFiles(KernelFiles):
    """Serves a tree, with its modes in force for everybody; remembers every write."""

    def __init__(self, tree: Tree, *, is_root: bool = True) -> None:
        """Serves a tree.

        Args:
            tree: The files.
            is_root: Whether the reader is root: others may read only what others may, and write nothing.
        """
        super().__init__()
        self.tree = tree
        self.is_root = is_root
        self.writes: list[tuple[str, str]] = []

    def read_text(self, path: str) -> str:
        try:
            attribute = self._attribute(path, stat.S_IROTH)
            return attribute.read().strip()
        except OSError as error:
            raise _device_error("read", path, error) from error

    def reader(self, path: str) -> Callable[[], str]:
        return lambda: self.read_text(path)

    def write_text(self, path: str, text: str) -> None:
        try:
            attribute = self._attribute(path, stat.S_IWOTH)
            self.writes.append((path, text))
            attribute.write(text)
        except OSError as error:
            raise _device_error(f"write {text!r} to", path, error) from error

    def exists(self, path: str) -> bool:
        return self._resolved(path) is not None

    def writable(self, path: str) -> bool:
        resolved = self._resolved(path)
        if resolved is None:
            return False
        leaf = self.tree.leaf(resolved)
        needed = stat.S_IWUSR if self.is_root else stat.S_IWOTH
        return self.is_root if leaf is None else isinstance(leaf, Attribute) and bool(leaf.mode & needed)

    def readable(self, path: str) -> bool:
        resolved = self._resolved(path)
        if resolved is None:
            return False
        leaf = self.tree.leaf(resolved)
        return self.is_root or leaf is None or (isinstance(leaf, Attribute) and bool(leaf.mode & stat.S_IROTH))

    def listdir(self, path: str) -> list[str]:
        try:
            folder = self._reached(path)
            if not self.tree.is_folder(folder):
                raise kernel_error(errno.ENOTDIR)
            if not self.is_root and not self.tree.folder_mode(folder) & stat.S_IROTH:
                raise kernel_error(errno.EACCES)
        except OSError as error:
            raise _device_error("list", path, error) from error
        return self.tree.names(folder)

    def directories(self, path: str) -> list[str]:
        return [name for name in self.listdir(path) if self.tree.is_folder(self._resolved(f"{path}/{name}") or "")]

    def is_directory(self, path: str) -> bool:
        return self.tree.is_folder(self._resolved(path) or "")

    def mode(self, path: str) -> int:
        try:
            leaf = self.tree.leaf(self.tree.resolve(path))
        except OSError as error:
            raise _device_error("look at", path, error) from error
        return leaf.mode if isinstance(leaf, Attribute) else 0o755

    def resolve(self, path: str) -> str:
        try:
            return self._reached(path)
        except OSError as error:
            raise _device_error("follow", path, error) from error

    def glob(self, pattern: str) -> list[str]:
        """Matches component by component, so that links to folders are gone through as the shell does."""
        found = [""]
        for part in pattern.strip("/").split("/"):
            found = [
                f"{path}/{name}" for path in found for name in self._names(path) if fnmatch.fnmatchcase(name, part)
            ]
        return sorted(path for path in found if self.exists(path))

    def _names(self, path: str) -> list[str]:
        resolved = self._resolved(path or "/")
        return self.tree.names(resolved) if resolved is not None and self.tree.is_folder(resolved) else []

    def _resolved(self, path: str) -> str | None:
        try:
            return self._reached(path)
        except OSError:
            return None

    def _attribute(self, path: str, right_of_others: int) -> Attribute:
        attribute = self.tree.attribute(self._reached(path))
        if not self.is_root and not attribute.mode & right_of_others:
            raise kernel_error(errno.EACCES)
        return attribute

    def _reached(self, path: str) -> str:
        """Returns a path with its links followed, if this reader may pass through every folder on it."""
        resolved = self.tree.resolve(path)
        folders = [resolved[:index] for index, letter in enumerate(resolved) if letter == "/" and index]
        if not self.is_root and not all(self.tree.folder_mode(folder) & stat.S_IXOTH for folder in folders):
            raise kernel_error(errno.EACCES)
        return resolved
