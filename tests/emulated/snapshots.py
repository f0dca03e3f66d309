"""A machine out of the file that its owner's ``wattune snapshot`` wrote: what cannot be at hand can still be tested.

Beside the real machine::

    document = load(Path("wattune-snapshot.json"))
    files = files_of(document)                                    # for the drivers' find…(files, …)
    with emulated_driver(gpu_profiles_of(document)) as driver:    # for NVIDIA's library
        ...
"""

from __future__ import annotations

import errno
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from knobs.keeper.records import from_json
from knobs.snapshot import FORMAT, KernelView, NvmlGpu, NvmlView
from tests.emulated.nvml.codes import Architecture, ReturnCode
from tests.emulated.nvml.profile import GpuProfile, PowerLimits, PowerSensor
from tests.emulated.nvml.releases import RELEASES, DriverRelease
from tests.emulated.sysfs.files import TreeFiles
from tests.emulated.sysfs.tree import Attribute, Link, Tree, kernel_error

_UNKNOWN_CLOCKS_MHZ = {1000: (1000, 500)}
_UNKNOWN_LIMIT_W = 100.0
_POWER_AVERAGE, _POWER_INSTANT = 185, 186


def load(path: Path) -> dict[str, Any]:
    """Returns the content of a snapshot.

    Raises:
        ValueError: It is of a format that is not known here.
    """
    document: dict[str, Any] = json.loads(path.read_text())
    if document.get("format") != FORMAT:
        raise ValueError(f"{path} is of the format {document.get('format')}, not {FORMAT}")
    return document


def files_of(document: Mapping[str, Any]) -> TreeFiles:
    """Returns the kernel's files as they were to whoever took the snapshot."""
    return TreeFiles(tree_of(document), is_root=document["kernel"]["is_root"])


def tree_of(document: Mapping[str, Any]) -> Tree:
    """Returns the kernel's files as they were; what was written then reads back, within no kernel's rules."""
    view = from_json(KernelView, document["kernel"])
    tree = Tree()
    for path, target in view.links:
        tree.add(path, Link(target))
    for file in view.files:
        tree.add(file.path, _failing(file.error, file.mode) if file.text is None else _stored(file.text, file.mode))
    return tree


def gpu_profiles_of(document: Mapping[str, Any]) -> list[GpuProfile]:
    """Returns the NVIDIA GPUs of a snapshot, as far as they could be opened; what was refused is refused again."""
    view = from_json(NvmlView, document["nvidia"])
    branch = _branch_of(view)
    return [_profile(_Answers(gpu), branch) for gpu in view.gpus if gpu.code == ReturnCode.SUCCESS]


def was_persistent(document: Mapping[str, Any]) -> bool:
    """Tells whether persistence mode was on for the NVIDIA GPUs."""
    view = from_json(NvmlView, document["nvidia"])
    return any(_Answers(gpu).values("nvmlDeviceGetPersistenceMode") == (1,) for gpu in view.gpus)


class _Answers:
    """What one GPU answered."""

    def __init__(self, gpu: NvmlGpu) -> None:
        self._by_question = {(answer.function, answer.arguments): answer for answer in gpu.answers}

    def values(self, function: str, *arguments: int) -> tuple[Any, ...]:
        """Returns an answer; nothing where it was refused."""
        answer = self._by_question.get((function, arguments))
        return () if answer is None else answer.values

    def first(self, function: str, *arguments: int) -> Any:
        """Returns the first value of an answer; None where it was refused."""
        return next(iter(self.values(function, *arguments)), None)

    def has_field(self, field: int, scope: int = 0) -> bool:
        """Tells whether a field has a value."""
        return bool(self.values("nvmlDeviceGetFieldValues", field, scope))

    def refusals(self) -> dict[str, int]:
        """Returns the code of every function that was refused whatever it was asked with, under all its names."""
        answers = list(self._by_question.values())
        granted = {answer.function for answer in answers if answer.code == ReturnCode.SUCCESS}
        return {
            name: answer.code
            for answer in answers
            if answer.function not in granted
            for name in (answer.function, f"{answer.function}_v*")
        }


def _profile(answers: _Answers, branch: int) -> GpuProfile:
    memory_clocks = sorted(answers.values("nvmlDeviceGetSupportedMemoryClocks"), reverse=True)
    clocks = {
        memory_mhz: tuple(sorted(answers.values("nvmlDeviceGetSupportedGraphicsClocks", memory_mhz), reverse=True))
        for memory_mhz in memory_clocks
    }
    limits = _limits(answers)
    enforced_mw = answers.first("nvmlDeviceGetEnforcedPowerLimit")
    mig = answers.values("nvmlDeviceGetMigMode")
    return GpuProfile(
        name=answers.first("nvmlDeviceGetName") or "",
        architecture=_architecture(answers.first("nvmlDeviceGetArchitecture")),
        compute_capability=answers.values("nvmlDeviceGetCudaComputeCapability") or (0, 0),
        pci_device_id=answers.values("nvmlDeviceGetPciInfo")[1] if answers.values("nvmlDeviceGetPciInfo") else 0,
        memory_gib=round((answers.first("nvmlDeviceGetMemoryInfo") or 0) / 2**30),
        clocks_mhz=clocks or _UNKNOWN_CLOCKS_MHZ,
        limit_w=limits.default_w if limits is not None else (enforced_mw or _UNKNOWN_LIMIT_W * 1e3) / 1e3,
        limits=limits,
        application_clocks_mhz=_application_clocks(answers),
        sensor=PowerSensor(usage_averaged=answers.has_field(_POWER_AVERAGE)),
        module_fields=answers.has_field(_POWER_INSTANT, 1) and not answers.has_field(_POWER_INSTANT),
        mig_capable=bool(mig),
        mig_enabled=mig[:1] == (1,),
        refusals=answers.refusals(),
        branch=branch,
    )


def _limits(answers: _Answers) -> PowerLimits | None:
    ends_mw = answers.values("nvmlDeviceGetPowerManagementLimitConstraints")
    if not ends_mw:
        return None
    default_mw = answers.first("nvmlDeviceGetPowerManagementDefaultLimit") or ends_mw[1]
    return PowerLimits(ends_mw[0] / 1e3, default_mw / 1e3, ends_mw[1] / 1e3)


def _application_clocks(answers: _Answers) -> tuple[int, int] | None:
    graphics, memory = (answers.first("nvmlDeviceGetDefaultApplicationsClock", domain) for domain in (0, 2))
    return None if graphics is None or memory is None else (memory, graphics)


def _architecture(number: int | None) -> Architecture:
    """Returns the generation; a newer one than all that are known counts as the newest."""
    newest = max(Architecture)
    return newest if number is None or number > newest else Architecture(number)


def _branch_of(view: NvmlView) -> int:
    """Returns the nearest branch, out of those that are emulated, that lacks nothing of what the real one has."""
    recorded = int(view.driver.partition(".")[0] or 0)
    working = {answer.function for gpu in view.gpus for answer in gpu.answers if answer.code == ReturnCode.SUCCESS}

    def distance(release: DriverRelease) -> tuple[int, int]:
        lacking = [name for name in (*view.setters, *working) if release.deprecates(name) or release.lacks(name)]
        return len(lacking), abs(release.branch - recorded)

    return min(RELEASES.values(), key=distance).branch


def _stored(text: str, mode: int) -> Attribute:
    content = [text]

    def store(written: str) -> None:
        content[0] = written

    return Attribute(show=lambda: content[0], store=store if mode & 0o222 else None, mode=mode)


def _failing(error: str, mode: int) -> Attribute:
    def fail(*_: str) -> str:
        raise kernel_error(getattr(errno, error))

    def store(text: str) -> None:
        fail(text)

    return Attribute(show=fail, store=store if mode & 0o222 else None, mode=mode)
