"""A tree of kernel files that do not exist: each attribute is a pair of functions, as in the kernel itself."""

from __future__ import annotations

import errno
import os
import posixpath
import stat
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

Show = Callable[[], str]
Store = Callable[[str], None]


@dataclass
class Attribute:
    """A file of one attribute.

    Attributes:
        show: Returns its content; raises OSError as the kernel would.
        store: Takes what was written; raises OSError as the kernel would. None where nobody may write.
        mode: Permission bits; by default what show and store allow.
    """

    show: Show | None = None
    store: Store | None = None
    mode: int = field(default=0)

    def __post_init__(self) -> None:
        if not self.mode:
            self.mode = (0o444 if self.show else 0) | (0o200 if self.store else 0)

    def read(self) -> str:
        """Returns the content."""
        if self.show is None:
            raise OSError(errno.EACCES, os.strerror(errno.EACCES))
        return self.show()

    def write(self, text: str) -> None:
        """Takes a text; the kernel's own check of the mode comes first, for root too (kernfs_fop_open)."""
        if self.store is None or not self.mode & stat.S_IWUSR:
            raise OSError(errno.EACCES, os.strerror(errno.EACCES))
        self.store(text)


@dataclass(frozen=True)
class Link:
    """A symbolic link. The target is absolute, or relative to the link's folder."""

    target: str


Leaf = Attribute | Link


def constant(text: str, mode: int = 0o444) -> Attribute:
    """Returns a file whose content never changes."""
    return Attribute(show=lambda: text, mode=mode)


def kernel_error(number: int) -> OSError:
    """Returns the error that the kernel would answer with."""
    return OSError(number, os.strerror(number))


class Folder:
    """A folder of a tree, in which a driver puts its attributes."""

    def __init__(self, tree: Tree, path: str) -> None:
        """Makes the folder if it is not there."""
        self.tree = tree
        self.path = path
        tree.add_folder(path)

    def add(self, name: str, value: object, store: Store | None = None, mode: int = 0) -> None:
        """Adds an attribute, whose content ends with a newline as the kernel's do.

        Args:
            name: Its name, or a path below the folder.
            value: Its content, or a function that returns it or raises OSError; None if it can only be written.
            store: Takes what is written; None if nobody may write.
            mode: Permission bits; by default readable by all if readable, writable by root if writable.
        """
        self.tree.add(f"{self.path}/{name}", Attribute(None if value is None else _line(value), store, mode))

    def link(self, name: str, target: str) -> None:
        """Adds a symbolic link, relative as all of sysfs' are; the target is given by its absolute path."""
        self.tree.add(f"{self.path}/{name}", Link(posixpath.relpath(target, self.path)))

    def folder(self, name: str) -> Folder:
        """Returns a folder in this one."""
        return Folder(self.tree, f"{self.path}/{name}")

    def remove(self) -> None:
        """Removes the folder with all that is in it."""
        self.tree.remove(self.path)


def _line(value: object) -> Show:
    return lambda: f"{value() if callable(value) else value}\n"


_FOLDER_MODE = 0o755


class Tree:
    """Folders and leaves by absolute path (``/sys/class/...``). May change while it is looked at (hot-unplug)."""

    def __init__(self) -> None:
        self._leaves: dict[str, Leaf] = {}
        self._folders: dict[str, int] = {"/": _FOLDER_MODE}
        self._changing = threading.Lock()

    def add(self, path: str, leaf: Leaf) -> None:
        """Adds or replaces a leaf, and the folders above it."""
        self.add_folder(path.rpartition("/")[0] or "/")
        with self._changing:
            self._leaves = {**self._leaves, path: leaf}

    def add_folder(self, path: str, mode: int = _FOLDER_MODE) -> None:
        """Adds a folder, and those above it; one that is there keeps its mode."""
        new = {}
        while path and path not in self._folders:
            new[path] = mode
            path, mode = path.rpartition("/")[0], _FOLDER_MODE
        if new:
            with self._changing:
                self._folders = {**new, **self._folders}

    def remove(self, path: str) -> None:
        """Removes a leaf, or a folder with all that is in it, as when a device is unplugged."""
        below = f"{path}/"
        with self._changing:
            self._leaves = {
                name: leaf for name, leaf in self._leaves.items() if name != path and not name.startswith(below)
            }
            self._folders = {
                name: mode for name, mode in self._folders.items() if name != path and not name.startswith(below)
            }

    def leaf(self, path: str) -> Leaf | None:
        """Returns a leaf by its own path; links on the way to it are not followed."""
        return self._leaves.get(path)

    def is_folder(self, path: str) -> bool:
        """Tells whether a path names a folder; links are not followed."""
        return path in self._folders

    def folder_mode(self, path: str) -> int:
        """Returns the permission bits of a folder."""
        return self._folders[path]

    def names(self, folder: str) -> list[str]:
        """Returns the names in a folder, sorted."""
        prefix = folder.rstrip("/") + "/"
        below = (path[len(prefix) :] for path in (*self._leaves, *self._folders) if path.startswith(prefix))
        return sorted(name for name in below if name and "/" not in name)

    def resolve(self, path: str) -> str:
        """Returns a path with every link on it followed.

        Raises:
            OSError: A link leads in a circle, or nothing is there.
        """
        for _ in range(40):
            resolved = "/"
            rest = [part for part in path.split("/") if part not in ("", ".")]
            for index, part in enumerate(rest):
                if part == "..":
                    resolved = resolved.rpartition("/")[0] or "/"
                    continue
                step = f"{resolved.rstrip('/')}/{part}"
                leaf = self._leaves.get(step)
                if isinstance(leaf, Link):
                    base = "" if leaf.target.startswith("/") else resolved.rstrip("/") + "/"
                    path = "/".join([base + leaf.target, *rest[index + 1 :]])
                    break
                resolved = step
            else:
                if resolved in self._folders or resolved in self._leaves:
                    return resolved
                raise kernel_error(errno.ENOENT)
        raise kernel_error(errno.ELOOP)

    def attribute(self, path: str) -> Attribute:
        """Returns the attribute behind a path, links followed.

        Raises:
            OSError: There is none.
        """
        leaf = self._leaves.get(self.resolve(path))
        if not isinstance(leaf, Attribute):
            raise kernel_error(errno.EISDIR)
        return leaf

    def paths(self) -> Iterator[str]:
        """Yields the path of every leaf."""
        yield from sorted(self._leaves)
