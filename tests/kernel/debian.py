"""Debian's packages, fetched and unpacked without installing them: apt with lists and settings of its own.

Nothing of it is installed and apt's own state stays as it is, so this machine boots as before. The archive is
the one that the machine's apt already uses; only the suites are chosen here.
"""

from __future__ import annotations

import platform
import re
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
_TARGET_FORMAT = "$(RELEASE) $(REPO_URI)"


class ArchiveError(Exception):
    """The archive does not have what is asked for, or cannot be reached. The message is one sentence."""


class Archive:
    """Some suites of the archive that this machine's apt uses."""

    def __init__(self, folder: Path, suites: Iterable[str]) -> None:
        """Looks nothing up yet.

        Args:
            folder: Where apt's lists and settings for these suites are kept.
            suites: How the suites are named after the release: ``""`` for the release itself, ``-security``, …
        """
        self._folder = folder
        self._suites = tuple(suites)

    def update(self) -> None:
        """Fetches the lists of packages.

        Raises:
            ArchiveError: This is not Debian, or the archive cannot be reached.
        """
        for name in ("lists/partial", "cache/archives/partial"):
            (self._folder / name).mkdir(parents=True, exist_ok=True)
        (self._folder / "sources.list").write_text("".join(f"{line}\n" for line in self._sources()))
        self._run("apt-get", "update", "--error-on=any")

    def dependencies(self, package: str) -> list[str]:
        """Returns what a package depends on, every choice where there are several.

        Raises:
            ArchiveError: There is no such package.
        """
        depends = self._run("apt-cache", "depends", "--no-recommends", "--no-suggests", package)
        found = re.findall(r"^\s*\|?Depends: (\S+)$", depends, re.MULTILINE)
        if not found:
            raise ArchiveError(f"The archive has no package {package}.")
        return found

    def unpack(self, package: str, folder: Path, wanted: Callable[[str], bool]) -> None:
        """Fetches a package, and unpacks those of its files whose path (without a leading ``/``) is wanted.

        Raises:
            ArchiveError: The package cannot be fetched or unpacked.
        """
        with tempfile.TemporaryDirectory() as scratch:
            self._run("apt-get", "download", "--quiet", package, folder=Path(scratch))
            [archive] = Path(scratch).glob("*.deb")
            _unpack(archive, folder, wanted)

    def _sources(self) -> list[str]:
        codename = platform.freedesktop_os_release().get("VERSION_CODENAME", "")
        targets = self._run("apt-get", "indextargets", "--format", _TARGET_FORMAT, "Created-By: Packages", own=False)
        known = dict(reversed([line.split() for line in targets.splitlines() if len(line.split()) == 2]))
        if codename not in known:
            raise ArchiveError("This machine's apt knows no archive of the Debian release that it runs.")
        signed = f"[signed-by={KEYRING}] " if KEYRING.exists() else ""
        names = [f"{codename}{suite}" for suite in self._suites]
        return [f"deb {signed}{known.get(name, known[codename])} {name} main" for name in names]

    def _run(self, *command: str, folder: Path | None = None, own: bool = True) -> str:
        options = (
            *("-o", f"Dir::Etc::sourcelist={self._folder / 'sources.list'}", "-o", "Dir::Etc::sourceparts=/dev/null"),
            *("-o", f"Dir::State::lists={self._folder / 'lists'}", "-o", f"Dir::Cache={self._folder / 'cache'}"),
            *("-o", "APT::Sandbox::User="),
        )
        program, *rest = command
        try:
            ended = subprocess.run(
                [program, *(options if own else ()), *rest], cwd=folder, capture_output=True, text=True, check=False
            )
        except FileNotFoundError:
            raise ArchiveError(f"There is no {program} here: Debian's packages are fetched with it.") from None
        if ended.returncode != 0:
            complaint = (ended.stderr.strip().splitlines() or ["it does not say why"])[-1]
            raise ArchiveError(f"{' '.join(command)} failed: {complaint}")
        return ended.stdout


def _unpack(archive: Path, folder: Path, wanted: Callable[[str], bool]) -> None:
    command = ["dpkg-deb", "--fsys-tarfile", str(archive)]
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE) as packed,
        tarfile.open(fileobj=packed.stdout, mode="r|") as tar,
    ):
        for member in tar:
            if wanted(member.name.removeprefix("./")):
                tar.extract(member, folder)
    if packed.returncode != 0:
        raise ArchiveError(f"{archive.name} cannot be unpacked.")
