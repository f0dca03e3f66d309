"""The CPU knobs, the journal and the keeper on a real kernel with control groups version 2 alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kernel.guest_files import find_guest_files, obstacle
from tests.kernel.virtual_machine import GuestLostError, VirtualMachine

WITHOUT_GUEST = obstacle()
BOOT_LIMIT_S = 120.0
SUITE_LIMIT_S = 840.0

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.skipif(WITHOUT_GUEST is not None, reason=str(WITHOUT_GUEST)),
    pytest.mark.timeout(SUITE_LIMIT_S + 60),
]

GUEST_SUITE = (
    "tests/contract/test_knobs.py::TestAffinity",
    "tests/kernel/guest_contract.py",
    "tests/kernel/guest_effect.py",
    "tests/kernel/guest_keeper.py",
)


@pytest.fixture
def guest(tmp_path: Path) -> VirtualMachine:
    files = find_guest_files()
    assert files is not None
    return VirtualMachine(files, tmp_path)


def test_the_knobs_and_the_keeper_keep_their_promises_on_a_real_kernel(guest: VirtualMachine) -> None:
    options = ("-p", "no:cacheprovider", "-p", "pytest_timeout", "--color=no", "--verbose", "--durations=8")
    suite = guest.run_python("-m", "pytest", *options, *GUEST_SUITE, timeout_s=SUITE_LIMIT_S)
    print(suite.output)
    assert suite.status == 0
    assert "skipped" not in suite.output.splitlines()[-1]


def test_the_guest_tells_how_its_program_ended(guest: VirtualMachine) -> None:
    program = "import sys; print(open('/proc/self/cgroup').read()); sys.exit(3)"
    ended = guest.run_python("-c", program, timeout_s=BOOT_LIMIT_S)
    assert (ended.status, ended.output.strip()) == (3, "0::/init.scope")


def test_a_guest_that_takes_too_long_is_ended(guest: VirtualMachine) -> None:
    with pytest.raises(GuestLostError, match="not done after"):
        guest.run_python("-c", "import time; time.sleep(600)", timeout_s=1)
