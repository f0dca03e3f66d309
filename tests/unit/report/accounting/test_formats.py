"""What other viewers read, checked by reading it, and what the page promises."""

from __future__ import annotations

import gzip
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.unit.energy_model.accounting.test_comparison import account, net
from tests.unit.report.example_study import estimated_study
from tuner.cli.main import main
from tuner.energy_model.accounting.account import Account
from tuner.energy_model.accounting.comparison import compare
from tuner.report.accounting.charts import difference_treemap, flame_graph, treemap
from tuner.report.accounting.page import saving_section
from tuner.report.accounting.pprof import pprof_gz, profile_class
from tuner.report.accounting.speedscope import speedscope_json
from tuner.report.accounting.writer import write_account, write_comparison
from tuner.report.writer import write_report


@pytest.fixture
def found() -> Account:
    return net(4, 2)


def test_speedscope_weights_are_microjoules_of_stacks_from_the_outside_in(found: Account) -> None:
    file = json.loads(speedscope_json(found))
    assert file["$schema"] == "https://www.speedscope.app/file-format-schema.json"
    energy, time = file["profiles"]
    frames = [frame["name"] for frame in file["shared"]["frames"]]
    stacks = {
        " ".join(frames[frame] for frame in sample): weight
        for sample, weight in zip(energy["samples"], energy["weights"], strict=True)
    }
    assert stacks["forward Net layer  Linear addmm"] == pytest.approx(4e6)
    assert sum(energy["weights"]) == pytest.approx(6e6) == energy["endValue"]
    assert (energy["type"], energy["unit"], time["unit"]) == ("sampled", "none", "seconds")
    assert "measured, cpu" in energy["name"]


def decoded(data: bytes) -> Any:
    return profile_class().FromString(gzip.decompress(data))


def test_pprof_decodes_to_the_same_joules(found: Account) -> None:
    profile = decoded(pprof_gz(found))
    strings = list(profile.string_table)
    assert strings[0] == ""
    assert [(strings[one.type], strings[one.unit]) for one in profile.sample_type] == [
        ("energy", "microjoules"),
        ("time", "nanoseconds"),
        ("calls", "count"),
    ]
    names = {one.id: strings[one.name] for one in profile.function}
    places = {one.id: names[one.line[0].function_id] for one in profile.location}
    assert 0 not in places
    leaves = {places[sample.location_id[0]]: sample.value[0] for sample in profile.sample}
    assert leaves["addmm"] == 4_000_000
    assert [places[one] for one in profile.sample[0].location_id][-1] == "forward", "the leaf comes first"
    assert sum(sample.value[0] for sample in profile.sample) == 6_000_000


@pytest.mark.skipif(shutil.which("go") is None, reason="go is not installed")
def test_pprof_itself_reads_it(found: Account, tmp_path: Path) -> None:
    path = tmp_path / "account.pb.gz"
    path.write_bytes(pprof_gz(found))
    command = ["go", "tool", "pprof", "-top", str(path)]
    shown = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    assert "addmm" in shown


@pytest.mark.parametrize("chart", [flame_graph, treemap])
def test_the_parts_of_a_chart_never_exceed_the_whole(found: Account, chart: Any) -> None:
    check_parts(chart(found)["data"][0])


def test_the_parts_of_a_difference_never_exceed_the_whole() -> None:
    check_parts(difference_treemap(compare(net(4, 2), net(1, 9)))["data"][0])


def check_parts(trace: dict[str, Any]) -> None:
    values = dict(zip(trace["ids"], trace["values"], strict=True))
    within: dict[str, float] = {}
    for key, parent in zip(trace["ids"], trace["parents"], strict=True):
        within[parent] = within.get(parent, 0.0) + values[key]
    assert all(total <= values[parent] * (1 + 1e-9) for parent, total in within.items() if parent)
    assert len(values) == len(trace["ids"]) > 3


def test_what_uses_more_is_red_and_less_green_and_doubtful_grey() -> None:
    trace = difference_treemap(compare(net(4, 2), net(6, 1, half_width_j=0.2)))["data"][0]
    colours = dict(zip(trace["labels"], trace["marker"]["colors"], strict=True))
    assert colours["layer"].startswith("rgba(217")
    assert colours["act"].startswith("rgba(15")
    doubtful = difference_treemap(compare(net(4, 2), net(4.1, 2)))["data"][0]
    assert dict(zip(doubtful["labels"], doubtful["marker"]["colors"], strict=True))["layer"].startswith("rgba(138")


def test_the_page_is_self_contained_and_states_where_joules_come_from(found: Account, tmp_path: Path) -> None:
    paths = write_account(found, tmp_path / "new")
    assert [path.name for path in paths] == ["index.html", "account.json", "account.speedscope.json", "account.pb.gz"]
    page = paths[0].read_text()
    assert not re.search(r"<(?:script|link|img)[^>]+(?:src|href)=", page)
    assert "measured, cpu" in page
    assert "addmm" in page


def test_names_are_escaped(tmp_path: Path) -> None:
    hostile = account([(-1, "forward", "", 0, 0), (0, "", "Net", 0, 0), (1, "<script>alert(1)</script>", "", 4, 0)])
    page = write_account(hostile, tmp_path)[0].read_text()
    assert "<script>alert(1)" not in page


def test_a_comparison_is_written_with_both_accounts(tmp_path: Path) -> None:
    paths = write_comparison(compare(net(4, 2), net(6, 1)), tmp_path)
    assert [path.name for path in paths] == ["index.html", "first.json", "second.json"]
    assert "Which places pay" in paths[0].read_text()


def test_a_study_shows_where_its_saving_came_from(tmp_path: Path) -> None:
    write_report(estimated_study(), tmp_path / "without")
    write_report(estimated_study(), tmp_path / "with", saving_section(compare(net(4, 2), net(3, 1))))
    without, within = ((tmp_path / name / "index.html").read_text() for name in ("without", "with"))
    assert "Where the saving came from" in within
    assert "Where the saving came from" not in without
    assert "addmm" in within
    assert within.index("Where the saving came from") < within.index("What the tuning cost")


def test_the_verb_refuses_what_is_no_account_before_it_asks_the_daemon(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.json").write_text("{}")
    accounts = [str(tmp_path / "a.json"), str(tmp_path / "missing.json")]
    command = ["report", "study", "--output", str(tmp_path / "report"), "--runtime-dir", str(tmp_path)]
    assert main([*command, "--accounts", *accounts]) == 2
    assert "a.json" in capsys.readouterr().err
    assert main([*command, "--accounts", *reversed(accounts)]) == 2
    assert "missing.json" in capsys.readouterr().err
    assert not (tmp_path / "report").exists()
