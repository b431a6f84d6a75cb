import json

import pytest
from rollcall_host import jobs, schema

JOB = {
    "playbook": "deploy.yml",
    "extra_vars": {"a": 1},
    "nonce": "n" * 22,
    "check": False,
    "diff": True,
    "expected_digest": None,
    "timeout": None,
}
VERSION = "a" * 64


def test_a_job_of_the_contract_is_taken():
    job = jobs.parse_job(JOB)
    assert (job.playbook, job.project, job.extra_vars, job.diff) == ("deploy.yml", None, {"a": 1}, True)


def test_a_collection_names_the_folder_of_the_playbook():
    job = jobs.parse_job({**JOB, "collection": {"name": "mine", "version": VERSION}})
    assert job.project == "/opt/rollcall-tools/collections/mine/" + VERSION


def test_a_job_in_the_words_of_an_earlier_agent_is_the_same_job():
    former = {"playbook": "deploy.yml", "project": "/opt/there", "variables": {"a": 1}, "nonce": "n" * 22}
    job = jobs.parse_job({**former, "check": False, "diff": True, "expected": VERSION, "seconds": 5})
    assert (job.project, job.extra_vars, job.expected_digest, job.timeout) == ("/opt/there", {"a": 1}, VERSION, 5)


def test_a_job_in_both_words_is_read_by_the_present_ones():
    both = {**JOB, "project": "/else", "variables": {"b": 2}, "expected": VERSION}
    assert jobs.parse_job(both) == jobs.parse_job(JOB)


@pytest.mark.parametrize("change, fault", [
    ({"playbook": "../etc/passwd.yml"}, "job.playbook must match"),
    ({"playbook": "/abs.yml"}, "job.playbook must match"),
    ({"playbook": "a.yml\n"}, "job.playbook must match"),
    ({"playbook": "a" * 200 + ".yml"}, "job.playbook must not be longer than 200"),
    ({"collection": {"name": "../x", "version": VERSION}}, "job.collection.name must match"),
    ({"collection": {"name": "x"}}, "job.collection.version is missing"),
    ({"extra_vars": {"a b": 1}}, "a name in job.extra_vars must match"),
    ({"extra_vars": []}, "job.extra_vars must be of type object"),
    ({"nonce": "short"}, "job.nonce must match"),
    ({"check": 1}, "job.check must be of type boolean"),
    ({"timeout": True}, "job.timeout must be of type number"),
    ({"timeout": 0}, "job.timeout must be from 0.1"),
    ({"become": True}, "job.become is not known"),
])
def test_a_wrong_field_is_named(change, fault):
    with pytest.raises(jobs.InvalidJob, match=fault):
        jobs.parse_job({**JOB, **change})


def test_a_field_that_is_missing_is_named():
    with pytest.raises(jobs.InvalidJob, match="job.extra_vars is missing"):
        jobs.parse_job({name: value for name, value in JOB.items() if name != "extra_vars"})


def test_no_value_is_in_the_message():
    with pytest.raises(jobs.InvalidJob) as caught:
        jobs.parse_job({**JOB, "nonce": "s3cret", "check": "s3cret"})
    assert "s3cret" not in str(caught.value)


def test_a_file_is_removed_when_it_was_read_also_where_it_is_no_job(tmp_path):
    path = tmp_path / "job.json"
    path.write_text(json.dumps(JOB))
    assert jobs.read_job(str(path)) == jobs.parse_job(JOB)
    path.write_text(json.dumps({**JOB, "nonce": "short"}))
    with pytest.raises(jobs.InvalidJob):
        jobs.read_job(str(path))
    assert not path.exists()


def test_a_file_that_is_not_there_and_one_that_is_no_json_are_no_jobs(tmp_path):
    (tmp_path / "half").write_text('{"s3cret"')
    for name, why in (("none", "FileNotFoundError"), ("half", "JSONDecodeError")):
        with pytest.raises(jobs.InvalidJob, match="^%s$" % why):
            jobs.read_job(str(tmp_path / name))


def keywords(part, is_schema=True):
    """Every keyword of a schema; names of properties are none."""
    if isinstance(part, list):
        return set().union(*(keywords(item) for item in part))
    if not isinstance(part, dict):
        return set()
    own = set(part) if is_schema else set()
    return own.union(*(keywords(value, not is_schema or name not in ("properties", "$defs"))
                       for name, value in part.items() if name not in ("default", "$defs", "required")))


def test_every_keyword_of_the_schema_is_checked():
    assert keywords(jobs.load_schema()) <= schema.CHECKED | schema.ANNOTATIONS
