"""Every knob and meter, the journal and the keeper on real kernels: control groups version 2, and silicon that is not.

All of it runs inside the guests, in one run of pytest for each kernel; both guests run at the same time.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.kernel.guest_files import Release, find_guest_files, obstacle
from tests.kernel.silicon_module import build_silicon
from tests.kernel.virtual_machine import Finished, GuestLostError, VirtualMachine, compile_ahead

BOOT_LIMIT_S = 120.0
SUITE_LIMIT_S = 840.0

pytestmark = [pytest.mark.kernel, pytest.mark.timeout(SUITE_LIMIT_S + 60)]

GUEST_SUITE = (
    "tests/contract/test_knobs.py::TestAffinity",
    "tests/kernel/guest_contract.py",
    "tests/kernel/guest_effect.py",
    "tests/kernel/guest_keeper.py",
    "tests/kernel/guest_silicon.py",
    "tests/kernel/guest_script.py",
    "tests/kernel/guest_cpu.py",
    "tests/kernel/guest_jetson.py",
    "tests/kernel/guest_meters.py",
    "tests/kernel/guest_hardware_keeper.py",
)
PYTEST_OPTIONS = ("-p", "no:cacheprovider", "-p", "pytest_timeout", "--color=no", "-rs", "--tb=short", "--durations=10")

SKIPPED = re.compile(r"^SKIPPED \[\d+\] .*?: (.*)$", re.MULTILINE)
NOTHING_TO_SAY = re.compile(
    r".* (is not of the restore class exact|counts no energy|does not estimate from CPU time|is not calibrated)"
)
"""Reasons for which a test of a contract suite may be skipped: it is about another kind of knob or meter."""


def releases() -> list[pytest.ParameterSet]:
    """Returns the kernels; those that cannot be booted here with a mark that says why."""
    reasons = {release: obstacle(release) for release in Release}
    return [
        pytest.param(release, marks=pytest.mark.skip(reason) if reason else (), id=release)
        for release, reason in reasons.items()
    ]


def boot(release: Release, scratch: Path) -> VirtualMachine:
    files = find_guest_files(release)
    assert files is not None
    return VirtualMachine(files, build_silicon(files), scratch)


@pytest.fixture(scope="module")
def suites(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[Release], Finished]]:
    """Runs the guests' suite on every kernel that a selected test asks for, all at once."""
    calls = [getattr(item, "callspec", None) for item in request.session.items if item.originalname == SUITE_TEST]
    wanted = {call.params["release"] for call in calls if call is not None}
    compile_ahead("-m", "pytest", "--collect-only", "--quiet", *PYTEST_OPTIONS, *GUEST_SUITE)
    compile_ahead("-c", "import tests.unit.knobs.keeper_program")
    with ThreadPoolExecutor(max_workers=len(Release)) as threads:
        running: dict[Release, Future[Finished]] = {
            release: threads.submit(
                boot(release, tmp_path_factory.mktemp(release)).run_python,
                *("-m", "pytest", *PYTEST_OPTIONS, *GUEST_SUITE),
                timeout_s=SUITE_LIMIT_S,
            )
            for release in wanted
            if obstacle(release) is None
        }
        yield lambda release: running[release].result()


@pytest.mark.parametrize("release", releases())
def test_every_promise_is_kept_on_a_real_kernel(release: Release, suites: Callable[[Release], Finished]) -> None:
    suite = suites(release)
    print(suite.output)
    assert suite.status == 0
    assert not [reason for reason in SKIPPED.findall(suite.output) if not NOTHING_TO_SAY.fullmatch(reason)]


SUITE_TEST = test_every_promise_is_kept_on_a_real_kernel.__name__


@pytest.mark.parametrize("release", releases()[:1])
def test_the_guest_tells_how_its_program_ended(release: Release, tmp_path: Path) -> None:
    program = "import os, sys; print(os.uname().release, open('/proc/self/cgroup').read()); sys.exit(3)"
    ended = boot(release, tmp_path).run_python("-c", program, timeout_s=BOOT_LIMIT_S)
    files = find_guest_files(release)
    assert files is not None
    assert (ended.status, ended.output.strip()) == (3, f"{files.version} 0::/init.scope")


@pytest.mark.parametrize("release", releases()[:1])
def test_a_guest_that_takes_too_long_is_ended(release: Release, tmp_path: Path) -> None:
    with pytest.raises(GuestLostError, match="not done after"):
        boot(release, tmp_path).run_python("-c", "import time; time.sleep(600)", timeout_s=1)
