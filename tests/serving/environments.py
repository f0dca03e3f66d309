"""Inference servers that nobody here wrote, each in a virtual environment of its own.

``python -m tests.serving.environments`` (``make test-serving``) installs them into a cache folder; the tests take what
is there and skip, with the reason, what is not.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from dataclasses import dataclass
from pathlib import Path

from tests.house.checkout import ROOT

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "wattune-tests" / "servers"
_COMPLETE = "complete"


@dataclass(frozen=True)
class Environment:
    """A virtual environment.

    Attributes:
        name: Its name.
        requirements: What is installed into it.
        builds_on_ours: Whether what this project has installed (torch, for one) can be imported there too, so that
            it need not be installed twice.
    """

    name: str
    requirements: tuple[str, ...]
    builds_on_ours: bool = False

    @property
    def folder(self) -> Path:
        """Where it lives: elsewhere as soon as anything about it changes."""
        facts = repr((self.requirements, self.builds_on_ours, sys.version, self.builds_on_ours and sys.prefix))
        return CACHE / f"{self.name}-{hashlib.sha256(facts.encode()).hexdigest()[:12]}"

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / "bin" / "python"

    def program(self, name: str) -> Path:
        """Returns a program that was installed with it."""
        return self.folder / "bin" / name

    @property
    def obstacle(self) -> str:
        """Why it cannot be used; empty if it can."""
        if (self.folder / _COMPLETE).exists():
            return ""
        return f"the server environment '{self.name}' is not installed: run make test-serving"

    def install(self) -> None:
        """Creates it, unless it is there.

        Raises:
            CalledProcessError: Something cannot be installed.
        """
        if not self.obstacle:
            return
        shutil.rmtree(self.folder, ignore_errors=True)
        venv.create(self.folder, with_pip=True, symlinks=True)
        if self.builds_on_ours:
            ours = Path(sysconfig.get_path("purelib"))
            theirs = next(self.folder.glob("lib/python*/site-packages"))
            (theirs / "ours.pth").write_text(f"{ours}\n")
        constraints = ["--constraint", str(ROOT / "constraints.txt")] if self.builds_on_ours else []
        pip = [str(self.python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, *constraints, *self.requirements], check=True)
        (self.folder / _COMPLETE).touch()


# Its worker processes need an event loop that newer versions of uvloop no longer make.
MLSERVER = Environment("mlserver", ("mlserver==1.7.1", "uvloop<0.22"))
TRANSFORMERS = Environment("transformers", ("transformers[serving]",), builds_on_ours=True)


def main() -> int:
    """Installs all of them."""
    for environment in (MLSERVER, TRANSFORMERS):
        if environment.obstacle:
            print(f"Installing the server environment '{environment.name}'", flush=True)
            environment.install()
    return 0


if __name__ == "__main__":
    sys.exit(main())
