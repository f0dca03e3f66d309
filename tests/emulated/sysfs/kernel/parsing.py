"""How the kernel reads what is written to its files (lib/vsprintf.c, lib/kstrtox.c, lib/string_helpers.c)."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterable

from tests.emulated.sysfs.kernel.generation import Generation
from tests.emulated.sysfs.tree import kernel_error

U32_MAX = 2**32 - 1
PAGE_BYTES = 4096


def scanned_unsigned(text: str, bits: int = 64) -> int:
    """Parses as ``sscanf("%lu")`` does: decimal, whatever follows the digits, wrapping where it does not fit.

    Raises:
        OSError: EINVAL, if it does not start with a digit.
    """
    match = re.match(r"\s*(\d+)", text, re.ASCII)
    if match is None:
        raise kernel_error(errno.EINVAL)
    return int(match[1]) % 2**bits


def strict_unsigned(text: str, bits: int = 64) -> int:
    """Parses as ``kstrtoul(text, 0)`` does: the whole text up to one newline; 0x is hexadecimal, 0 octal.

    Raises:
        OSError: EINVAL for anything else, ERANGE for a number of too many bits.
    """
    match = re.fullmatch(
        r"\+?(?:0[xX](?P<hex>[0-9a-fA-F]+)|(?P<octal>0[0-7]*)|(?P<decimal>[1-9]\d*))\n?", text, re.ASCII
    )
    if match is None:
        raise kernel_error(errno.EINVAL)
    if match["hex"] is not None:
        value = int(match["hex"], 16)
    else:
        value = int(match["octal"], 8) if match["octal"] is not None else int(match["decimal"])
    if value >= 2**bits:
        raise kernel_error(errno.ERANGE)
    return value


def unsigned(generation: Generation, text: str, bits: int = 64) -> int:
    """Parses as cpufreq does: with sscanf up to 6.1, with kstrtoul since.

    Raises:
        OSError: What the kernel's parser answers.
    """
    return strict_unsigned(text, bits) if generation >= Generation.K6_12 else scanned_unsigned(text, bits)


def boolean(text: str) -> bool:
    """Parses as ``kstrtobool`` does: the first letter decides, the second for ``on`` and ``off``.

    Raises:
        OSError: EINVAL for anything else.
    """
    if text[:1] in ("y", "Y", "1"):
        return True
    if text[:1] in ("n", "N", "0"):
        return False
    if text[:2].lower() in ("on", "of"):
        return text[:2].lower() == "on"
    raise kernel_error(errno.EINVAL)


def word(text: str, longest: int = 15) -> str:
    """Parses as ``sscanf("%15s")`` does: the first word, cut at so many letters.

    Raises:
        OSError: EINVAL, if there is none.
    """
    words = text.split()
    if not words:
        raise kernel_error(errno.EINVAL)
    return words[0][:longest]


def signed_32(value: int) -> int:
    """Returns what is left of a number that C puts into an s32."""
    value &= U32_MAX
    return value - 2**32 if value >= 2**31 else value


def cpu_list(cpus: Iterable[int]) -> str:
    """Formats CPUs as ``%*pbl`` does: ``0-3,5``."""
    runs: list[list[int]] = []
    for cpu in sorted(cpus):
        if runs and cpu == runs[-1][1] + 1:
            runs[-1][1] = cpu
        else:
            runs.append([cpu, cpu])
    return ",".join(str(low) if low == high else f"{low}-{high}" for low, high in runs)
