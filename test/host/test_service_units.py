import re

from rollcall_host.services import units
from service_orders import container_of, resolved, sample

# What a unit may consist of when nothing in it comes from people: no quotes, no variables, no line that goes on.
HARMLESS = re.compile(r"[A-Za-z0-9 =/.,:_\[\]\n%-]*")


def unit_of(name, has_cgroups=True, **changes):
    order = resolved({**sample(), **changes})
    return units.unit_text(order, container_of(order, name), has_cgroups, "/usr/bin/podman")


def lines_of(text, key):
    return [line[len(key) + 1:] for line in text.splitlines() if line.startswith(key + "=")]


def test_a_unit_says_ids_and_numbers_and_nothing_that_systemd_would_expand():
    for container in sample()["containers"]:
        text = unit_of(container["name"])
        assert HARMLESS.fullmatch(text), text
        assert "%" not in text


def test_the_unit_of_a_container_is_restarted_for_ever_and_asks_before_it_starts():
    text = unit_of("web")
    run = "/usr/bin/python3 -I /opt/rollcall-services/rollcall_host.zip service"
    assert lines_of(text, "ExecCondition") == [run + " may-run 3fa9c1d2 web"]
    assert lines_of(text, "ExecStartPre") == [run + " tidy 3fa9c1d2 web", run + " wait-for 3fa9c1d2 web"]
    assert lines_of(text, "ExecStart") == [run + " run 3fa9c1d2 web"]
    assert lines_of(text, "Restart") == ["always"]
    assert lines_of(text, "StartLimitIntervalSec") == ["0"]
    assert lines_of(text, "TimeoutStopSec") == ["18"]
    assert lines_of(text, "ExecStop") == ["-/usr/bin/podman stop --ignore --time 3 rollcall-3fa9c1d2-web"]
    after = lines_of(text, "After")[0].split()
    assert [unit for unit in after if unit.startswith("rollcall-i-")] == [
        "rollcall-i-3fa9c1d2-db.service", "rollcall-i-3fa9c1d2-migrate.service", "rollcall-i-3fa9c1d2-cache.service",
    ]


def test_the_unit_of_a_job_is_not_restarted_and_records_its_end():
    text = unit_of("migrate")
    assert lines_of(text, "Type") == ["oneshot"]
    assert lines_of(text, "Restart") == []
    assert lines_of(text, "ExecStartPost")[0].endswith(" done 3fa9c1d2 migrate")


def test_limits_are_the_units_own_where_podman_may_make_no_control_groups():
    text = unit_of("web", has_cgroups=False)
    for line in ("CPUQuota=50%", "CPUWeight=25", "MemoryMax=268435456", "MemoryLow=134217728", "TasksMax=100"):
        assert line in text.splitlines()
    assert "TasksMax=infinity" in unit_of("db", has_cgroups=False)
    assert "MemoryMax" not in unit_of("web")
