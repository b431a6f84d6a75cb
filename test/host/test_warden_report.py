import json

import pytest
from rollcall_host.warden import notify, report


def test_a_message_to_systemd_that_cannot_be_sent_is_no_failure(tmp_path, monkeypatch):
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "nobody"))
    notify.notify("READY=1")


def row(number, **more):
    check = {"container": "web", "kind": "http", "state": "failed", "detail": "x" * 120, "at_ms": 1}
    return {"instance": "%08x" % number, "reason": "y" * 300, "containers": [], "checks": [check] * 32, **more}


@pytest.mark.parametrize("count, containers, kept, checks, detail", [
    (10, 32, 10, 32, "x" * 120), (250, 1, 250, 32, None), (500, 1, 500, 0, None), (500, 32, 250, 0, None),
])
def test_a_report_never_outgrows_what_an_agent_reads(count, containers, kept, checks, detail):
    text = report.to_json([row(number, containers=["c" * 90] * containers) for number in range(count)])
    rows = json.loads(text)
    assert len(text.encode()) < report.MAX_BYTES
    assert (len(rows), len(rows[0]["checks"])) == (kept, checks)
    assert all(check["detail"] == detail for check in rows[0]["checks"])


def test_the_digest_of_a_report_changes_with_the_instances_and_with_nothing_else(tmp_path):
    path = str(tmp_path / "report.json")
    writer = report.ReportWriter(path, "boot")
    digests = []
    for rows in ([row(1)], [row(1)], [row(1, reason=None)]):
        writer.write(rows)
        digests.append(json.loads((tmp_path / "report.json").read_text())["digest"])
    assert digests[0] == digests[1] != digests[2]
    assert set(report.read_previous(path, "boot")) == {"00000001"}
    assert report.read_previous(path, "another boot") == {}


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"boot_id": "boot", "format": 1, "instances": [1]}'])
def test_an_earlier_report_that_cannot_be_read_is_none(tmp_path, content):
    path = tmp_path / "report.json"
    path.write_text(content)
    assert report.read_previous(str(path), "boot") == {}
    assert report.read_previous(str(tmp_path / "none"), "boot") == {}
