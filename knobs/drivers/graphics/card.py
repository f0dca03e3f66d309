"""The GPUs that the kernel's DRM subsystem shows, and what each one is called here."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from knobs.attributes import optional_text
from knobs.contract import Absence, NoValueError
from knobs.drivers.nvidia.pci import PCI_DEVICES, nvidia_addresses
from knobs.sysfs import ForbiddenError, KernelFiles

AMD_DRIVERS = frozenset({"amdgpu"})
INTEL_DRIVERS = frozenset({"i915", "xe"})

_CARD = re.compile(r"card\d+")
_DRM = "/sys/class/drm"
_NVIDIA_DRIVER = "DRIVER=nvidia"
_VOLTAGE_OF_APUS = "vddnb"


@dataclass(frozen=True)
class GraphicsCard:
    """One GPU.

    Attributes:
        files: The kernel's files.
        path: Its folder in the DRM class: ``/sys/class/drm/card0``.
        driver: Its kernel driver.
        address: Its PCI address.
        integrated: Whether it is a part of the CPU's package.
        model: Its maker and model, as PCI numbers them.
        name: What the set of like cards that it belongs to is called in the ids of knobs: ``gpu``, ``igpu``.
        unit: What it is called itself: the same if it is alone in its set, else ``gpu0``, ``gpu1``.
    """

    files: KernelFiles
    path: str
    driver: str
    address: str
    integrated: bool
    model: str
    name: str = ""
    unit: str = ""

    @property
    def device(self) -> str:
        """The folder of the PCI device."""
        return f"{self.path}/device"

    @property
    def hwmon(self) -> str | None:
        """The folder of the driver's own sensors; None where it registers none."""
        for folder in self.files.glob(f"{self.device}/hwmon/hwmon*"):
            return folder
        return None

    @property
    def asleep(self) -> bool:
        """Whether the kernel has switched the card off until it is used; reading this does not wake it."""
        return not self.integrated and optional_text(self.files, f"{self.device}/power/runtime_status") == "suspended"

    def require_awake(self) -> None:
        """Makes sure that a read wakes nothing: waking a card takes a second and several watts.

        Raises:
            NoValueError: The card is asleep.
        """
        if self.asleep:
            raise NoValueError(f"The GPU {self.unit} at {self.address} is asleep: try again while it is in use.")

    def read_text(self, path: str) -> str:
        """Returns the content of a file, with the padding that some drivers leave between its parts taken out.

        Raises:
            NoValueError: The GPU is in reset or suspended, which drivers report as EPERM to root, too.
            DeviceError: The file cannot be read.
        """
        try:
            return self.files.read_text(path).replace("\0", "").strip()
        except ForbiddenError as error:
            if self.files.readable(path):
                raise self._unavailable(path) from error
            raise

    def write_text(self, path: str, text: str) -> None:
        """Writes a text to a file.

        Raises:
            NoValueError: The GPU is in reset or suspended.
            DeviceError: The kernel refused the text.
        """
        try:
            self.files.write_text(path, text)
        except ForbiddenError as error:
            if self.files.writable(path):
                raise self._unavailable(path) from error
            raise

    def _unavailable(self, path: str) -> NoValueError:
        return NoValueError(
            f"The GPU {self.unit} at {self.address} refuses access to {path}: it is in reset or suspended; "
            "try again while it is in use."
        )


def find_cards(files: KernelFiles, drivers: Iterable[str]) -> tuple[GraphicsCard, ...]:
    """Returns the cards of some kernel drivers, named so that no two sets of GPUs of the machine share a name.

    A GPU that is a part of the CPU's package is called ``igpu``. Discrete GPUs of one model are set alike, as one set
    called ``gpu``; where models differ, each set is called after its first card, in the order of their PCI addresses:
    ``gpu0``, ``gpu2``. Where several makers' are in one machine, only the first of NVIDIA, AMD and Intel keeps that
    name; the others' are called ``amd_gpu`` and ``intel_gpu``.
    """
    wanted = frozenset(drivers)
    return tuple(card for card in _named(files, _all_cards(files)) if card.driver in wanted)


def is_wished(card: GraphicsCard, gpus: Iterable[str]) -> bool:
    """Tells whether the operator lets a card be touched.

    Args:
        card: The card.
        gpus: PCI addresses, names, or numbers of GPUs called ``gpu…``; none named stands for all.
    """
    wishes = {wish.lower() for wish in gpus}
    short_address = card.address.removeprefix("0000:")
    number = (card.unit.removeprefix("gpu") or "0") if card.unit.startswith("gpu") else card.unit
    return not wishes or bool(wishes & {card.address, short_address, card.name, card.unit, number})


def sleeping(card: GraphicsCard) -> Absence:
    """Returns why a card that is asleep offers nothing: asking it for its lists would wake it."""
    return Absence(
        card.unit,
        f"the GPU at {card.address} is asleep, and asking it for its limits would wake it",
        f"start the workload first, or keep it awake: write on to {card.device}/power/control; then restart the keeper",
    )


def _all_cards(files: KernelFiles) -> tuple[GraphicsCard, ...]:
    if not files.exists(_DRM):
        return ()
    cards = []
    for name in files.listdir(_DRM):
        path = f"{_DRM}/{name}"
        facts = dict(
            line.split("=", 1) for line in optional_text(files, f"{path}/device/uevent").splitlines() if "=" in line
        )
        driver, address = facts.get("DRIVER", ""), facts.get("PCI_SLOT_NAME", "").lower()
        if _CARD.fullmatch(name) and address and driver in AMD_DRIVERS | INTEL_DRIVERS:
            integrated = _is_integrated(files, path, driver, address)
            cards.append(GraphicsCard(files, path, driver, address, integrated, facts.get("PCI_ID", "")))
    return tuple(sorted(cards, key=lambda card: card.address))


def _is_integrated(files: KernelFiles, path: str, driver: str, address: str) -> bool:
    """Intel's integrated GPUs sit on the root bus; amdgpu shows a northbridge voltage on APUs only."""
    if driver in INTEL_DRIVERS:
        return address.split(":")[-2] == "00"
    labels = files.glob(f"{path}/device/hwmon/hwmon*/in1_label")
    return any(optional_text(files, label) == _VOLTAGE_OF_APUS for label in labels)


def _named(files: KernelFiles, cards: Iterable[GraphicsCard]) -> Iterator[GraphicsCard]:
    known = tuple(cards)
    amd = [card for card in known if card.driver in AMD_DRIVERS and not card.integrated]
    intel = [card for card in known if card.driver in INTEL_DRIVERS and not card.integrated]
    nvidia = _has_nvidia(files)
    yield from _in_sets("igpu", [card for card in known if card.integrated])
    yield from _in_sets("amd_gpu" if nvidia else "gpu", amd)
    yield from _in_sets("intel_gpu" if nvidia or amd else "gpu", intel)


def _in_sets(name: str, cards: list[GraphicsCard]) -> Iterator[GraphicsCard]:
    models = [card.model for card in cards]
    for number, card in enumerate(cards):
        set_name = name if len(set(models)) == 1 else f"{name}{models.index(card.model)}"
        yield replace(card, name=set_name, unit=name if len(cards) == 1 else f"{name}{number}")


def _has_nvidia(files: KernelFiles) -> bool:
    facts = (optional_text(files, f"{PCI_DEVICES}/{address}/uevent") for address in nvidia_addresses(files))
    return any(_NVIDIA_DRIVER in text.splitlines() for text in facts)
