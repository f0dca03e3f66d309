import re
import socket
import time
from pathlib import Path

import pytest

from knobs.contract import DeviceError, NoValueError, Provenance, Quantity, Scope
from knobs.found import Wishes
from knobs.meters.plug import EXTERNAL_METERS, find_plugs
from knobs.meters.plug.address import Address
from tests.unit.knobs.meters.plug import fake_plugs
from tests.unit.knobs.meters.plug.fake_plugs import documents, gen1_meter, gen2_status, reply, served, tasmota_status_8

GEN2_PATH = "/rpc/Switch.GetStatus?id=0"


def source_at(text):
    address = Address.parse(text)
    return EXTERNAL_METERS[address.scheme]("wall.plug", address)


class TestDocumentedAnswers:
    def test_a_shelly_of_generation_2_and_later(self):
        with served(documents({GEN2_PATH: lambda: gen2_status(106.3)})) as (place, asked):
            assert source_at(f"shelly://{place}").read() == 106.3
            assert asked == [GEN2_PATH]

    def test_a_shelly_of_generation_1(self):
        with served(documents({"/meter/0": lambda: gen1_meter(48.52)})) as (place, asked):
            assert source_at(f"shelly://{place}?generation=1").read() == 48.52
            assert asked == ["/meter/0"]

    def test_a_shelly_of_generation_1_without_a_valid_power_has_no_value(self):
        answer = documents({"/meter/0": lambda: gen1_meter(0.0, is_valid=False)})
        with served(answer) as (place, _), pytest.raises(NoValueError, match="no valid power"):
            source_at(f"shelly://{place}?generation=1").read()

    def test_another_channel(self):
        with served(documents({"/rpc/Switch.GetStatus?id=3": lambda: gen2_status(7.0)})) as (place, _):
            assert source_at(f"shelly://{place}?channel=3").read() == 7.0

    def test_tasmota(self):
        with served(documents({"/cm?cmnd=Status%208": lambda: tasmota_status_8(5)})) as (place, asked):
            assert source_at(f"tasmota://{place}").read() == 5.0
            assert asked == ["/cm?cmnd=Status%208"]

    def test_the_facts_say_wall_and_about_a_second(self):
        for text in ("shelly://192.0.2.7", "shelly://192.0.2.7?generation=1", "tasmota://192.0.2.7"):
            facts = source_at(text).facts
            assert (facts.id, facts.scope, facts.provenance) == ("wall.plug", Scope.WALL, Provenance.MEASURED)
            assert facts.update_period_s == 1.0
            assert "192.0.2.7" in facts.device


class TestUntrustedAnswers:
    @pytest.mark.parametrize(
        ("answer", "error", "words"),
        [
            (
                lambda request: reply(request, 401, "{}", {"WWW-Authenticate": 'Digest realm="x"'}),
                DeviceError,
                "password",
            ),
            (lambda request: reply(request, 404, "{}"), DeviceError, "HTTP status 404"),
            (
                lambda request: reply(request, 302, "{}", {"Location": "http://192.0.2.1/"}),
                DeviceError,
                "HTTP status 302",
            ),
            (lambda request: reply(request, 200, "<html>"), DeviceError, "not answer with JSON"),
            (lambda request: reply(request, 200, "[" * 10000), DeviceError, "not answer with JSON"),
            (lambda request: reply(request, 200, "[1]"), DeviceError, "JSON object"),
            (lambda request: reply(request, 200, "{}"), DeviceError, "no number as apower"),
            (lambda request: reply(request, 200, '{"apower": "5"}'), DeviceError, "no number as apower"),
            (lambda request: reply(request, 200, '{"apower": true}'), DeviceError, "no number as apower"),
            (lambda request: reply(request, 200, '{"apower": null}'), DeviceError, "no number as apower"),
            (lambda request: reply(request, 200, '{"apower": NaN}'), DeviceError, "no number as apower"),
            (lambda request: reply(request, 200, '{"apower": 1e999}'), DeviceError, "no number as apower"),
            (fake_plugs.endless, DeviceError, "more than 16384 bytes"),
            (fake_plugs.hanging_up, NoValueError, "does not answer"),
            (fake_plugs.hanging_up_in_the_middle, NoValueError, "does not answer"),
        ],
    )
    def test_each_is_one_clear_error(self, answer, error, words):
        with served(answer) as (place, _), pytest.raises(error, match=words):
            source_at(f"shelly://{place}").read()

    def test_nested_values_are_checked_on_the_way(self):
        path = r"StatusSNS\.ENERGY\.Power"
        answer = '{"StatusSNS": [5]}'
        with served(lambda request: reply(request, 200, answer)) as (place, _), pytest.raises(DeviceError, match=path):
            source_at(f"tasmota://{place}").read()

    @pytest.mark.parametrize("answer", [lambda request: time.sleep(3.0), fake_plugs.dripping])
    def test_a_slow_answer_is_waited_for_half_a_second_in_all(self, answer):
        with served(answer) as (place, _):
            start_s = time.monotonic()
            with pytest.raises(NoValueError, match="does not answer"):
                source_at(f"shelly://{place}").read()
            assert time.monotonic() - start_s < 2.5

    def test_a_redirect_is_not_followed(self):
        with served(documents({GEN2_PATH: lambda: gen2_status(1.0)})) as (elsewhere, asked):
            to = {"Location": f"http://{elsewhere}{GEN2_PATH}"}
            with served(lambda request: reply(request, 301, "", to)) as (place, _), pytest.raises(DeviceError):
                source_at(f"shelly://{place}").read()
            assert not asked

    def test_nobody_there(self):
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            place = f"127.0.0.1:{unused.getsockname()[1]}"
            with pytest.raises(NoValueError, match="see that it is on the network"):
                source_at(f"shelly://{place}").read()


def test_the_example_of_the_documentation_works():
    text = (Path(__file__).parents[5] / "docs" / "external_meters.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    names = {}
    exec(compile(code, "docs/external_meters.md", "exec"), names)
    with served(documents({"/now": lambda: '{"watts": 12.5}'})) as (place, _):
        source = names["acme"]("wall.acme", Address.parse(f"acme://{place}"))
        assert source.read() == 12.5


class TestFind:
    def test_every_plug_of_the_configuration_is_a_meter_and_none_is_contacted(self, monkeypatch):
        monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("a plug was contacted"))
        wishes = Wishes(plugs={"wall.plug": "shelly://192.0.2.7", "wall.rack": "tasmota://rack.example:8080"})
        found = find_plugs(wishes)
        assert [meter.spec.id for meter in found.meters] == ["wall.plug", "wall.rack"]
        assert {meter.spec.quantity for meter in found.meters} == {Quantity.ENERGY_J}

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("fritz://192.0.2.7", "nothing is known of fritz://"),
            ("192.0.2.7", "no address of the form"),
            ("shelly://", "no address of the form"),
            ("shelly://192.0.2.7/rpc", "no address of the form"),
            ("shelly://192.0.2.7:99999", "is no address"),
            ("shelly://[::1", "is no address"),
            ("shelly://me:secret@192.0.2.7", "carries a password"),
            ("shelly://192.0.2.7?channel=one", "no whole number"),
            ("shelly://192.0.2.7?generation=0", "counts from 1"),
            ("shelly://192.0.2.7?chanel=1", "chanel in the address"),
            ("tasmota://192.0.2.7?channel=1", "channel in the address"),
        ],
    )
    def test_a_wrong_address_is_an_absence_with_a_reason_and_a_fix(self, text, words):
        found = find_plugs(Wishes(plugs={"wall.plug": text}))
        assert not found.meters
        (absence,) = found.absent
        assert absence.id == "wall.plug"
        assert words in absence.reason
        assert "secret" not in absence.reason
        assert absence.fix

    def test_the_energy_of_a_plug_is_integrated(self):
        start_s = time.monotonic()
        with served(documents({GEN2_PATH: lambda: gen2_status(100.0 + 10.0 * (time.monotonic() - start_s))})) as (
            place,
            _,
        ):
            (meter,) = find_plugs(Wishes(plugs={"wall.plug": f"shelly://{place}"})).meters
            before = meter.sample()
            time.sleep(0.6)
            after = meter.sample()
        assert (after.value - before.value) / (after.time_s - before.time_s) == pytest.approx(103.0, abs=5.0)
