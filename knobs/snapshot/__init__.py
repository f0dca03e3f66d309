"""What this machine shows about knobs and meters, in one file: for bug reports, and for the tests.

The file is one JSON object. Whoever reads it leaves out keys that are not known here, and refuses another ``format``.

* ``format``: :data:`FORMAT`.
* ``machine``: facts by name: processor, cores, kernel, versions.
* ``kernel``: a :class:`KernelView`: ``is_root`` (whether root has looked), ``files`` (``path``, ``mode``, ``text``,
  ``error``) and ``links`` (pairs of a path and where it leads). A file that cannot be read is there with the name of
  the error (``EACCES``) instead of its text, because that is often what the report is about.
* ``nvidia``: an :class:`NvmlView`: the return ``code`` of opening NVIDIA's library, the ``driver``'s version, the
  ``setters`` that it has and, for each of ``gpus``, its ``answers``: ``function``, ``arguments``, return ``code`` (0 is
  success, 3 not supported) and ``values`` in NVML's own units. Null while an NVIDIA GPU sleeps.
* ``inventory``: the knobs, meters and absences that were found; ``current``: what each knob read. Null while an NVIDIA
  GPU sleeps: to look would wake it.

Only what drivers look at is taken: no process lists, no serial numbers. UUIDs are cut short, hardware addresses (of
wireless peripherals) and the names of power plugs are replaced. Nothing is changed, and no GPU is woken.
"""

from knobs.snapshot.kernel import KernelFile, KernelView, view_kernel
from knobs.snapshot.nvidia import NvmlAnswer, NvmlGpu, NvmlView, nvidia_sleeps, view_nvidia
from knobs.snapshot.privacy import without_identities

FORMAT = 1

__all__ = [
    "FORMAT",
    "KernelFile",
    "KernelView",
    "NvmlAnswer",
    "NvmlGpu",
    "NvmlView",
    "nvidia_sleeps",
    "view_kernel",
    "view_nvidia",
    "without_identities",
]
