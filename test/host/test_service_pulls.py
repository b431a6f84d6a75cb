"""Pulls of the host itself: what podman is asked for, and what becomes of passwords."""

import json
import os
import stat

import pytest
from rollcall_host.host_error import HostError
from rollcall_host.services import commands, images, paths, podman, prepare, pulls
from rollcall_host.services.step_error import StepError
from service_host import Host
from service_orders import sample

DIGEST = "sha256:" + "c" * 64
PASSWORD = "canary-4711"
CREDENTIALS = {"username": "ada", "password": PASSWORD}


def place(registry="registry.lan:5000", **more):
    return {"registry": registry, "path": "shop/web", "is_plain_http": False, "ca": None, "credentials": None, **more}


class Registries:
    """podman whose pulls are answered by registry, and what it could read while it pulled."""

    def __init__(self, host):
        self.host = host
        self.answers = {}
        self.pulls = []
        self.seen = []
        self.digest = DIGEST

    def run(self, *words, content=None, timeout=0):
        if words[0] == "pull":
            return self.pull(words)
        if words[:2] == ("image", "inspect") and "@" in words[-1]:
            answer = json.dumps([{"Id": "a", "Digest": self.digest, "RepoDigests": ["x/y@" + self.digest]}])
            return podman.subprocess.CompletedProcess(words, 0, answer, "")
        return self.host.run_podman(*words, content=content, timeout=timeout)

    def pull(self, words):
        self.pulls.append(words)
        for word in words:
            path = word.partition("=")[2]
            if path.startswith("/"):
                self.seen.extend(look(path))
        said = self.answers.get(words[-1].partition("/")[0])
        return podman.subprocess.CompletedProcess(words, 125 if said else 0, "", said or "")


def look(path):
    """Returns the files of a path with their modes and contents."""
    each = [os.path.join(path, name) for name in os.listdir(path)] if os.path.isdir(path) else [path]
    return [(os.path.basename(one), stat.S_IMODE(os.stat(one).st_mode), open(one).read()) for one in each]


@pytest.fixture
def host(tmp_path, monkeypatch):
    return Host(tmp_path, monkeypatch)


@pytest.fixture
def registries(host, monkeypatch):
    model = Registries(host)
    monkeypatch.setattr(podman, "run", model.run)
    return model


def upload(host, *places, **more):
    folder = host.folder / "images" / "pulls"
    folder.mkdir(exist_ok=True)
    path = folder / "one.json"
    path.write_text(json.dumps({"ref": "registry.lan:5000/shop/web:1", "digest": DIGEST, "places": places, **more}))
    return str(path)


def refusal(host, *places):
    with pytest.raises(StepError) as error:
        pulls.pull_image(upload(host, *places))
    assert PASSWORD not in str(error.value)
    return error.value


def test_an_image_is_pulled_by_its_digest_and_runs_by_our_name(host, registries):
    assert pulls.missing_images(DIGEST) == {"missing": [DIGEST]}
    assert pulls.pull_image(upload(host, place())) == {"pulled": True, "from": "registry.lan:5000"}
    assert registries.pulls == [("pull", "--quiet", "registry.lan:5000/shop/web@" + DIGEST)]
    assert pulls.missing_images(DIGEST) == {"missing": []}
    assert pulls.pull_image(upload(host, place())) == {"pulled": False, "from": None}
    assert len(registries.pulls) == 1


def test_a_password_is_in_a_file_for_root_alone_while_podman_pulls_and_nowhere_before_or_after(host, registries):
    request = upload(host, place(credentials=CREDENTIALS, ca="PEM"))
    pulls.pull_image(request)
    assert PASSWORD not in json.dumps(registries.pulls)
    auth = json.dumps({"auths": {"registry.lan:5000": {"auth": "YWRhOmNhbmFyeS00NzEx"}}})
    assert set(registries.seen) == {("auth.json", 0o600, auth), ("ca.crt", 0o600, "PEM")}
    assert not os.path.exists(request)
    assert os.listdir(paths.RUN) == []
    texts = [open(os.path.join(host.folder, path)).read() for path in host.files()]
    assert not any(PASSWORD in text or "YWRhOmNhbmFyeS00NzEx" in text for text in texts)


def test_a_pull_that_fails_or_is_killed_leaves_no_password(host, registries, monkeypatch):
    registries.answers["registry.lan:5000"] = "Error: 500 oops " + PASSWORD
    refusal(host, place(credentials=CREDENTIALS))
    assert os.listdir(paths.RUN) == []
    registries.answers["registry.lan:5000"] = "Error: 500 oops"
    left = os.path.join(paths.RUN, "pull-99999999")
    os.mkdir(left)
    old = host.folder / "images" / "pulls" / "old.json"
    old.write_text(PASSWORD)
    os.utime(old, (1, 1))
    refusal(host, place())
    assert not os.path.exists(left)
    assert not old.exists()


def test_mirrors_are_asked_in_order_and_the_registry_itself_at_the_end(host, registries):
    registries.answers["mirror.lan"] = "Error: manifest unknown"
    answer = pulls.pull_image(upload(host, place("mirror.lan", path="hub/shop/web", is_plain_http=True), place()))
    assert answer == {"pulled": True, "from": "registry.lan:5000"}
    assert [words[2:] for words in registries.pulls] == [
        ("--tls-verify=false", "mirror.lan/hub/shop/web@" + DIGEST), ("registry.lan:5000/shop/web@" + DIGEST,),
    ]


@pytest.mark.parametrize(
    "said, told",
    [
        ("Error: lookup registry.lan on 10.0.0.1:53: no such host", "This host does not reach registry.lan:5000"),
        ("Error: dial tcp 10.9.9.9:5000: connect: no route to host", "send the image, by `pull: server`"),
        ("Error: reading manifest: unauthorized: authentication required", "wants a user and a password"),
        ("Error: reading manifest: manifest unknown", "registry.lan:5000: Error: reading manifest: manifest unknown"),
    ],
)
def test_a_host_without_a_route_or_a_password_says_what_to_do(host, registries, said, told):
    registries.answers["registry.lan:5000"] = said
    error = refusal(host, place())
    assert (error.code, told in str(error)) == ("instance.image_missing", True)


def test_another_image_than_the_ordered_one_is_refused(host, registries):
    registries.digest = "sha256:" + "d" * 64
    assert "gave another image" in str(refusal(host, place()))
    assert not host.has_image(DIGEST)


@pytest.mark.parametrize(
    "change",
    [
        {"digest": "latest"}, {"places": []}, {"more": 1}, {"places": [place("--root=/x")]},
        {"places": [place(path="../web")]}, {"places": [place(path="web --x")]},
    ],
)
def test_a_request_that_is_not_right_pulls_nothing_and_is_removed(host, registries, change):
    path = upload(host, place(credentials=CREDENTIALS), **change)
    with pytest.raises(StepError) as error:
        pulls.pull_image(path)
    assert error.value.code == "instance.order_invalid"
    assert PASSWORD not in str(error.value)
    assert (registries.pulls, os.path.exists(path)) == ([], False)
    with pytest.raises(HostError, match="Upload it again"):
        pulls.pull_image(path)


def test_a_preparation_pulls_nothing_and_says_what_the_host_has_to_pull_first(host, registries):
    ordered = sample("minimal")
    ordered["containers"][0]["image"]["source"] = "host"
    with pytest.raises(StepError) as error:
        prepare.prepare(host.upload(ordered))
    assert (error.value.code, registries.pulls) == ("instance.image_missing", [])


@pytest.mark.parametrize("others", [[], ["mine.lan/web:1"]])
def test_the_name_of_a_pull_goes_last_with_its_image_and_stays_where_people_have_named_that(host, monkeypatch, others):
    name = "registry.lan/shop/web@" + DIGEST
    os.makedirs(os.path.dirname(images.pulled_file(DIGEST)))
    open(images.pulled_file(DIGEST), "w").write(name + "\n")
    ours = "localhost/rollcall:" + "c" * 64
    monkeypatch.setattr(images, "listed", lambda: [{"Id": "1", "Digest": DIGEST, "Names": [name, ours, *others]}])
    monkeypatch.setattr(host, "answer", lambda words, content: (0, ""))
    assert images.remove_images([DIGEST])["removed"] == [DIGEST]
    assert host.podman == [("image", "rm", ours), *([] if others else [("image", "rm", name)])]
    assert images.pulled_names(DIGEST) == []


def test_the_steps_answer_on_the_command_line(host, registries, capsys):
    assert commands.main("service", "missing-images", DIGEST) == 0
    assert json.loads(capsys.readouterr().out) == {"missing": [DIGEST]}
    assert commands.main("service", "pull-image", str(host.folder / "none.json")) == 1
    assert commands.main("service", "missing-images") == 1
