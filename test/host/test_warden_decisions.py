import json
import os

import pytest
from rollcall_host.services import instances, paths
from rollcall_host.warden import checks, health, units
from rollcall_host.warden.checks import Check, Standing
from rollcall_host.warden.records import InvalidRecord, Record, Records
from rollcall_host.warden.text import plain


def probe_check(kind="http", **more):
    probe = {"kind": kind, "path": "/up", "port": 80}
    return {
        "container": "web", "probe": {**probe, **more.pop("probe", {})}, "is_critical": True, "interval_ms": 5000,
        "timeout_ms": 2000, "fails": 3, "passes": 2, "start_period_ms": 20_000, **more,
    }


def order(**more):
    container = {"name": "web", "is_job": False, "ports": [], "resources": None}
    return {"revision": "a" * 64, "containers": [container], "checks": [probe_check()], **more}


def record(wanted="running", is_current=True, **more):
    return Record(instances.Instance("0badcafe", 1, None, is_current, wanted, order(**more)))


def stand(check, results, running=100.0, standing=None):
    """Returns how a check stands after results in a row, each passed or not."""
    standing = standing or Standing()
    for number, has_passed in enumerate(results, 1):
        standing = checks.advance(standing, check, has_passed, "200" if has_passed else "503", running, number)
    return standing


@pytest.mark.parametrize("results, state", [
    ([True], "starting"),
    ([True, True], "success"),
    ([True, False, True], "starting"),
    ([False, False], "starting"),
    ([False, False, False], "failed"),
    ([True, True, False, False], "success"),
    ([True, True, False, False, True, False, False], "success"),
    ([True, True, False, False, False], "failed"),
    ([False, False, False, True], "failed"),
    ([False, False, False, True, False, True], "failed"),
    ([False, False, False, True, True], "success"),
])
def test_a_check_changes_its_state_after_results_in_a_row(results, state):
    assert stand(Check(probe_check()), results).state == state


def test_failures_of_a_start_do_not_count_while_its_period_lasts_and_passes_do():
    check = Check(probe_check())
    early = stand(check, [False] * 10, running=19.0)
    assert (early.state, early.fails, early.detail) == ("starting", 0, "503")
    assert stand(check, [False] * 2, running=21.0, standing=early).state == "starting"
    assert stand(check, [False] * 3, running=21.0, standing=early).state == "failed"
    assert stand(check, [True, True], running=3.0).state == "success"
    assert stand(check, [False] * 3, running=4.0, standing=stand(check, [True, True], running=3.0)).state == "failed"


def test_a_result_that_changes_nothing_yet_is_not_told():
    check = Check(probe_check())
    firm = stand(check, [True, True])
    assert stand(check, [False, False], standing=firm).detail == "200"
    assert stand(check, [False, False], standing=firm).at_ms == firm.at_ms
    failed = stand(check, [False] * 3, standing=firm)
    assert (failed.detail, failed.at_ms) == ("503", 3)


def test_a_check_that_has_not_passed_yet_is_made_more_often_and_others_with_jitter():
    check, command = Check(probe_check()), Check(probe_check("command", probe={"argv": ["x"]}, interval_ms=30_000))
    assert checks.next_interval(check, Standing(), 0.5) == 1.0
    assert checks.next_interval(command, Standing(), 0.5) == 5.0
    firm = Standing("success")
    assert [round(checks.next_interval(check, firm, chance), 2) for chance in (0, 0.5, 1)] == [4.5, 5.0, 5.5]


@pytest.mark.parametrize("change", [
    {"probe": {"kind": "smoke"}}, {"probe": {"port": 0}}, {"probe": {"path": "up"}}, {"interval_ms": None},
    {"container": None}, {"probe": {"kind": "command", "argv": []}}, {"probe": {"kind": "database", "database": "x"}},
])
def test_a_check_that_cannot_be_made_is_refused(change):
    with pytest.raises((checks.InvalidCheck, InvalidRecord, LookupError, TypeError)):
        record(checks=[{**probe_check(), **change, "probe": {**probe_check()["probe"], **change.get("probe", {})}}])


def test_no_check_can_keep_a_processor_busy():
    check = Check(probe_check(interval_ms=0, timeout_ms=0, fails=0, passes=0))
    assert (check.interval, check.timeout, check.fails, check.passes) == (1.0, 0.1, 1, 1)


def unit(active="active", sub="running", restarts=0, pid=7, **more):
    shown = {"ActiveState": active, "SubState": sub, "Result": "success", "MainPID": str(pid)}
    return units.Unit({**shown, "NRestarts": str(restarts), "ExecMainStartTimestampMonotonic": "1000000", **more})


UP = unit()
ENDED = {"ExecMainCode": "1", "ExecMainStatus": "3", "ExecMainExitTimestampMonotonic": "5"}
AGAIN = unit("activating", "auto-restart", 1, 0, **ENDED)


def judge(of, found, standings=None, previous="unknown", running=100.0, changed=100.0):
    parts = [health.to_part(of, container, found, running, changed) for container in of.containers]
    return health.judge(of, parts, list(zip(of.checks, standings or [])), previous)


def test_a_check_turns_an_instance_from_success_to_failed_to_recovering_to_success():
    of, check, standing, seen = record(), Check(probe_check()), Standing(), []
    health_before = "unknown"
    for has_passed in [True, True, False, False, False, True, True]:
        standing = checks.advance(standing, check, has_passed, "200" if has_passed else "503", 100.0, 1)
        verdict = judge(of, UP, [standing], health_before)
        health_before = verdict.health
        seen.append(verdict.health)
    assert seen == ["unknown", "success", "success", "success", "failed", "recovering", "success"]


def test_the_reason_of_a_failure_names_container_check_and_answer():
    failed = Standing("failed", 3, 0, "503")
    assert judge(record(), UP, [failed]).reason == "web: GET /up answered 503"
    late = Standing("failed", 3, 0, "no answer within 2 s")
    assert judge(record(), UP, [late]).reason == "web: GET /up: no answer within 2 s"


def test_a_check_that_is_not_critical_makes_an_instance_partly_healthy_only():
    minor = record(checks=[probe_check(), probe_check(is_critical=False)])
    verdict = judge(minor, UP, [Standing("success"), Standing("failed", 3, 0, "404")])
    assert (verdict.health, verdict.reason) == ("partial", "web: GET /up answered 404")


def test_a_container_that_has_died_is_a_failure_until_it_runs_again_and_has_proven_itself():
    of = record(checks=[])
    dead = judge(of, AGAIN, previous="success")
    assert (dead.health, dead.reason) == ("failed", "web: ended with 3, restarted once")
    assert judge(of, unit("activating", "start", 1), previous="failed").health == "failed"
    young = judge(of, unit(restarts=1), previous="failed", running=4.0)
    assert (young.health, young.again_after) == ("recovering", 6.0)
    assert judge(of, unit(restarts=1), previous="recovering", running=11.0).health == "success"


def test_a_container_without_checks_is_healthy_after_two_seconds():
    of = record(checks=[])
    young = judge(of, UP, running=0.5)
    assert (young.health, young.again_after) == ("unknown", 1.5)
    assert judge(of, UP, running=2.0).health == "success"


def test_a_unit_that_is_not_started_yet_is_starting_for_some_seconds_and_then_a_failure():
    of = record(checks=[])
    assert (judge(of, None).state, judge(of, None).health) == ("starting", "unknown")
    stopped = unit("inactive", "dead", 0, 0)
    assert judge(of, stopped, changed=3.0).state == "starting"
    late = judge(of, stopped, changed=11.0)
    assert (late.state, late.health, late.reason) == ("failed", "failed", "web: its unit was stopped")


def test_an_instance_that_is_not_to_run_has_no_health():
    assert judge(record("stopped"), UP, [Standing("failed")]).health == "unknown"
    assert judge(record("stopped"), UP).state == "stopping"
    assert judge(record("stopped", is_current=False), None).state == "prepared"


def test_no_reason_is_longer_than_a_report_takes_or_acts_on_a_terminal():
    loud = judge(record(), UP, [Standing("failed", 3, 0, "\x1b[2J\u202e\U0001f4a3" + "x" * 1000)])
    assert len(loud.reason) == 300
    assert loud.reason.startswith("web: GET /up: \ufffd[2J\ufffd\ufffdx")
    assert plain("a\x00b\ud800c\r\n  d", 80) == "a\ufffdb\ufffdc d"


def test_units_are_read_from_what_systemctl_shows():
    text = "Id=a.service\nActiveState=active\nMainPID=12\nNRestarts=2\n\nId=b.service\nActiveState=failed\nMainPID=0\n"
    text += "ExecMainCode=1\nExecMainStatus=3\nExecMainExitTimestampMonotonic=9\n"
    shown = units.parse_shown(text)
    assert (shown["a.service"].main_pid, shown["a.service"].restarts, shown["a.service"].exit_code) == (12, 2, None)
    assert (shown["b.service"].exit_code, shown["b.service"].is_up) == (3, False)
    assert units.parse_shown("nothing of the kind") == {}


@pytest.fixture
def etc(tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "ETC", str(tmp_path))
    return tmp_path


def put(etc, id, content, generation=1, wanted="running"):
    folder = etc / id / str(generation)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "instance.json").write_text(content if isinstance(content, str) else json.dumps(content))
    state = etc / id / "state.new"
    state.write_text(json.dumps({"generation": generation, "wanted": wanted}))
    os.replace(state, etc / id / "state.json")


def test_records_are_read_again_where_files_have_changed_and_only_there(etc):
    put(etc, "0badcafe", order())
    put(etc, "00c0ffee", order())
    records = Records()
    assert records.refresh() == {"0badcafe", "00c0ffee"}
    assert records.refresh() == set()
    put(etc, "0badcafe", order(), wanted="stopped")
    assert records.refresh() == {"0badcafe"}
    assert not records.by_id["0badcafe"].is_wanted
    (etc / "00c0ffee").rename(etc / "gone")
    assert records.refresh() == {"00c0ffee"}
    assert set(records.by_id) == {"0badcafe"}


@pytest.mark.parametrize("content", [
    "", "{", "[]", "null", "{}", '{"containers": 1}', {**order(), "revision": "x"}, {**order(), "containers": []},
    {**order(), "checks": [probe_check(container="db")]}, {**order(), "containers": order()["containers"] * 33},
    {**order(), "containers": [{"name": "../x", "is_job": False}]}, {**order(), "checks": [None]},
])
def test_a_malformed_record_is_passed_over_and_others_are_not(etc, content):
    put(etc, "0badcafe", order())
    put(etc, "00c0ffee", content)
    records = Records()
    records.refresh()
    assert set(records.by_id) == {"0badcafe"}
    put(etc, "0badcafe", content, generation=2)
    assert records.refresh() == {"0badcafe"}
    # What runs by the last good record is looked at by it.
    assert (records.by_id["0badcafe"].generation, set(records.faults)) == (1, {"0badcafe", "00c0ffee"})
