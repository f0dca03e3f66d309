import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from knobs.contract import (
    Captured,
    Delivery,
    DeviceError,
    Knob,
    KnobKind,
    KnobSpec,
    Provenance,
    RefusedError,
    RestoreClass,
    RestoreOutcome,
    Value,
)
from knobs.gang import Gang

VALUES = (100, 200, 300, 400)


def spec(values: tuple[Value, ...] = VALUES, **changes: object) -> KnobSpec:
    facts = {"restore_class": RestoreClass.EXACT, "tolerance": 0.01, **changes}
    return KnobSpec("x.max_mhz", "MHz", KnobKind.CLOCK, values, device="x", **facts)


class MemoryKnob(Knob):
    """A knob in memory. It may break after some more writes; a broken one can still be put back."""

    name = "it"
    takes_it_and_fails = False

    def __init__(self, value: Value, knob_spec: KnobSpec | None = None, outcome=RestoreOutcome.RESTORED) -> None:
        self.value = value
        self.writes_left = 10**9
        self.lost = False
        self.outcome = outcome
        self._spec = knob_spec or spec()

    @property
    def spec(self) -> KnobSpec:
        return self._spec

    def read(self) -> Value:
        return self.value

    def write(self, value: Value) -> None:
        if value not in self._spec.values:
            raise RefusedError("not listed")
        if self.lost or self.writes_left <= 0:
            self.value = value if self.takes_it_and_fails else self.value
            raise DeviceError(f"{self.name} does not answer.")
        self.writes_left -= 1
        self.value = value

    def capture(self) -> Captured:
        return {"value": self.value}

    def restore(self, captured: Captured) -> RestoreOutcome:
        if self.lost:
            raise DeviceError(f"{self.name} does not answer.")
        self.value = captured["value"]
        return self.outcome


def gang_of(*members: MemoryKnob) -> Gang:
    return Gang({f"m{index}": member for index, member in enumerate(members)})


held_values = st.lists(st.sampled_from((*VALUES, 150, 250)), min_size=1, max_size=5)


@settings(deadline=None)
@given(held_values, st.sampled_from(VALUES))
def test_a_value_is_written_to_all(held, value):
    members = [MemoryKnob(one) for one in held]
    gang = gang_of(*members)
    gang.write(value)
    assert [member.value for member in members] == [value] * len(members)
    assert gang.read() == value


@settings(deadline=None)
@given(held_values, st.sampled_from(VALUES), st.data())
def test_where_one_refuses_all_hold_what_they_held_on_the_grid_or_off_it(held, value, data):
    """Of several; a single member is written as a knob by itself, and taken back by whoever wrote it."""
    assume(len(held) > 1)
    members = [
        MemoryKnob(one, spec(restore_class=data.draw(st.sampled_from((RestoreClass.EXACT, RestoreClass.RESET)))))
        for one in held
    ]
    broken = data.draw(st.sampled_from(members))
    broken.writes_left = 0
    broken.takes_it_and_fails = data.draw(st.booleans())
    broken._spec = spec(restore_class=RestoreClass.RESET)
    with pytest.raises(DeviceError, match="does not answer"):
        gang_of(*members).write(value)
    assert [member.value for member in members] == held


@settings(deadline=None)
@given(held_values, st.sampled_from(VALUES))
def test_capture_and_restore_bring_each_member_back_to_its_own(held, value):
    members = [MemoryKnob(one) for one in held]
    gang = gang_of(*members)
    captured = gang.capture()
    gang.write(value)
    assert gang.restore(captured) is RestoreOutcome.RESTORED
    assert [member.value for member in members] == held


def test_a_member_that_cannot_be_rolled_back_is_named_as_well():
    first, second = MemoryKnob(100), MemoryKnob(100)
    first.name, second.name = "m0", "m1"
    first.writes_left, second.writes_left = 1, 0
    with pytest.raises(
        DeviceError,
        match=r"^m1 does not answer\. What could not be taken back: m1 does not answer\. m0 does not answer\.$",
    ):
        gang_of(first, second).write(300)


def test_a_value_that_one_member_lacks_is_refused_and_nothing_is_written():
    first, second = MemoryKnob(100), MemoryKnob(100, spec((100, 200)))
    gang = gang_of(first, second)
    assert gang.spec.values == (100, 200)
    with pytest.raises(RefusedError, match="choose one of 100, 200"):
        gang.write(300)
    assert (first.value, second.value) == (100, 100)


def test_a_member_that_strays_from_what_was_written_shows():
    first, second = MemoryKnob(100), MemoryKnob(100)
    gang = gang_of(first, second)
    gang.write(200)
    second.value = 400
    assert gang.read() == 400
    second.value = 201  # within the tolerance
    assert gang.read() == 200


def test_unlike_values_that_nobody_wrote_read_as_the_lowest():
    assert gang_of(MemoryKnob(300), MemoryKnob(200)).read() == 200
    assert gang_of(MemoryKnob("b", spec(("a", "b"))), MemoryKnob("a", spec(("a", "b")))).read() == "b"


def test_the_others_are_restored_where_one_is_gone_or_lost():
    first, second, third = MemoryKnob(100), MemoryKnob(200), MemoryKnob(300)
    captured = gang_of(first, second, third).capture()
    for member in (first, second, third):
        member.value = 400
    first.lost = True
    with pytest.raises(DeviceError, match=r"does not answer.*m2 cannot be restored: the device is gone"):
        gang_of(first, second).restore(captured)
    assert (first.value, second.value, third.value) == (400, 200, 400)


@pytest.mark.parametrize(
    ("outcomes", "joint"),
    [
        ("restored gone", "restored"),
        ("gone gone", "gone"),
        ("restored pending", "pending"),
        ("pending gone", "pending"),
    ],
)
def test_the_outcome_is_that_of_the_member_that_needs_most(outcomes, joint):
    gang = gang_of(*(MemoryKnob(100, outcome=RestoreOutcome(name)) for name in outcomes.split()))
    assert gang.restore(gang.capture()) is RestoreOutcome(joint)


@pytest.mark.parametrize("damaged", [{}, {"members": 3}, {"members": {"m0": 7}}])
def test_a_damaged_entry_is_an_error_and_changes_nothing(damaged):
    member = MemoryKnob(100)
    with pytest.raises(DeviceError, match="not written by Wattune"):
        gang_of(member).restore(damaged)
    assert member.value == 100


def test_the_spec_is_the_most_cautious_of_all():
    one = spec(settle_s=1.0, switch_cost_s=0.2, note="A.", delivery=Delivery.REACHED, explored=True, after=("a",))
    other = spec(
        (100, 300),
        restore_class=RestoreClass.RESET,
        settle_s=0.5,
        switch_cost_s=0.1,
        tolerance=0.02,
        delivery=Delivery.CEILING,
        provenance=Provenance.SIMULATED,
        explored=False,
        danger="it burns",
        note="B.",
        after=("a", "b"),
    )
    joint = gang_of(MemoryKnob(100, one), MemoryKnob(100, other)).spec
    assert joint == spec(
        (100, 300),
        restore_class=RestoreClass.RESET,
        settle_s=1.0,
        switch_cost_s=pytest.approx(0.3),
        tolerance=0.02,
        delivery=Delivery.CEILING,
        provenance=Provenance.SIMULATED,
        explored=False,
        danger="it burns",
        note="A. B.",
        after=("a", "b"),
    )


def test_knobs_that_cannot_be_set_alike_are_no_gang():
    with pytest.raises(ValueError, match="one id"):
        Gang({})
    with pytest.raises(ValueError, match="no value"):
        gang_of(MemoryKnob(100, spec((100,))), MemoryKnob(200, spec((200,))))
