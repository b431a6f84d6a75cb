import csv
import io
import json
import random

import pytest
from rollcall_host.services import orders
from rollcall_host.services.podman_run import own_volumes, run_command
from service_orders import RESOLVED, container_of, resolved, sample

# As podman declares them: a list's value is read as a line of CSV, an array's as it stands.
LISTS = {"publish", "add-host", "dns", "dns-search", "dns-opt", "cap-add", "cap-drop", "device", "ulimit", "sysctl",
         "group-add", "network-alias"}
HOSTILE = ["%", "%n%h", "$HOME", "${X}", "$$", "'", '"', '""', "\\", "\\n", "\n", "\r\n", "\t", " ", ",", "=", ":", ";",
           "#", "--flag", "-v", "`id`", "$(id)", "ü", "€", "𝄞", "\x01", "\x7f", "|", "&", "*", "{}", "~", "@", "a"]
LINES = [each for each in HOSTILE if not any(ord(char) < 32 or ord(char) == 127 for char in each)]


def flags_of(order, name="web", has_cgroups=True):
    """Reads an argv back as podman does. Returns values by flag, the image, and the arguments after it."""
    command = run_command(order, container_of(order, name), has_cgroups)
    assert command[:2] == ["podman", "run"]
    flags = {}
    rest = iter(command[2:])
    for word in rest:
        if not word.startswith("--"):
            return flags, word, list(rest)
        flag, has_value, value = word[2:].partition("=")
        values = next(csv.reader(io.StringIO(value, newline=""))) if flag in LISTS else [value if has_value else True]
        flags.setdefault(flag, []).extend(values)
    raise AssertionError("no image")


def test_every_field_of_an_order_is_in_the_argv():
    order = resolved(sample(), web={"entrypoint": [], "volumes": ["/data", "/var/cache"]})
    flags, image, arguments = flags_of(order)
    web = container_of(order, "web")
    folder = "/etc/rollcall-services/3fa9c1d2/4/"
    own = own_volumes(order)
    assert flags == {
        "name": ["rollcall-3fa9c1d2-web"], "replace": [True], "rm": [True], "pull": ["never"],
        "no-healthcheck": [True], "http-proxy": ["false"], "cgroups": ["split"], "detach": [True],
        "sdnotify": ["conmon"], "log-driver": ["journald"], "stop-signal": ["SIGQUIT"], "stop-timeout": ["3"],
        "network": ["rollcall-shop-web"], "network-alias": ["web", "www", "web.internal"],
        "publish": ["20411:80/tcp", "127.0.0.1:8443:443/tcp", "[::1]:5353:53/udp"], "hostname": ["web-2"],
        "add-host": ["ldap:10.0.0.5", "ldap6:fd00::5"], "dns": ["10.0.0.1"], "dns-search": ["example.org"],
        "dns-opt": ["ndots:2"],
        "env": ["LOG=info", "MOTTO=two\nlines, $5 and 5%", "EMPTY=", "ROLLCALL_INSTANCE=3fa9c1d2",
                "ROLLCALL_GENERATION=4", "ROLLCALL_SERVICE=shop/web.2"],
        "secret": ["rollcall-3fa9c1d2-4-%s,type=env,target=PASSWORD" % flags["secret"][0].split(",")[0][-12:]],
        "mount": [
            "type=volume,source=shop_cache,target=/data", "type=volume,source=%s,target=/scratch" % own[0],
            "type=bind,source=/srv/site,target=/etc/site,ro,rslave,z",
            "type=tmpfs,target=/tmp,notmpcopyup,tmpfs-size=1048576,tmpfs-mode=1777",
            "type=volume,source=%s,target=/var/cache" % own[1],
            "type=bind,source=%ssecrets/web.0,target=/run/secrets/db_password,ro" % folder,
            "type=bind,source=%sconfigs/web.0,target=/etc/nginx/nginx.conf,ro" % folder,
        ],
        "init": [True], "read-only": [True], "read-only-tmpfs": ["false"], "ipc": ["private"],
        "cap-add": ["NET_ADMIN"], "cap-drop": ["ALL"], "security-opt": ["no-new-privileges"],
        "device": ["/dev/null:/dev/nothing:rw"], "workdir": ["/srv"], "user": ["1000:1000"],
        "group-add": ["audio", "1001"], "ulimit": ["nofile=1024:4096", "core=0:-1"],
        "sysctl": ["net.ipv4.ip_local_port_range=1024 65000"], "shm-size": ["67108864b"], "oom-score-adj": ["100"],
        "cpus": ["0.5"], "cpu-shares": ["256"], "memory": ["268435456b"], "memory-reservation": ["134217728b"],
        "pids-limit": ["100"],
        "label": ['team=shop, "front"', "rollcall.instance=3fa9c1d2", "rollcall.generation=4",
                  "rollcall.service=shop/web.2"],
        "entrypoint": [json.dumps(["/bin/serve", "--"])],
    }
    assert image == "localhost/rollcall:" + web["image"]["digest"][7:]
    assert arguments == web["command"]


def test_a_container_in_the_hosts_network_publishes_nothing_and_has_its_rights():
    flags, _, _ = flags_of(resolved(sample()), "cache")
    assert flags["network"] == ["host"]
    assert not {"publish", "network-alias"} & set(flags)
    assert (flags["privileged"], flags["pid"], flags["ipc"]) == ([True], ["host"], ["host"])
    assert flags["log-driver"] == ["none"]


def test_a_job_runs_in_the_foreground_so_that_its_exit_code_is_the_units():
    flags, _, _ = flags_of(resolved(sample()), "migrate")
    assert "detach" not in flags and flags["sdnotify"] == ["ignore"]


def test_without_control_groups_no_flag_needs_any():
    flags, _, _ = flags_of(resolved(sample()), has_cgroups=False)
    assert not {"cgroups", "cpus", "cpu-shares", "memory", "memory-reservation", "pids-limit"} & set(flags)


def test_where_podman_resolves_no_names_the_group_finds_each_other_by_fixed_addresses():
    addresses = {"db": "10.89.0.10", "web": "10.89.0.11"}
    flags, _, _ = flags_of(resolved(sample(), addresses))
    assert flags["ip"] == ["10.89.0.11"]
    assert {"db:10.89.0.10", "www:10.89.0.11", "ldap:10.0.0.5"} <= set(flags["add-host"])
    assert "network-alias" not in flags


def test_a_container_alone_in_a_group_starts_also_where_podman_resolves_no_names():
    flags, _, _ = flags_of(resolved(sample(), {}))
    assert not {"ip", "network-alias"} & set(flags)


@pytest.mark.parametrize("entrypoint, command, image_entrypoint, expected", [
    (None, None, ["/e"], (None, [])),
    (None, ["a"], ["/e"], (None, ["a"])),
    (None, [], ["/e"], ('["/e"]', [])),
    ([], ["a", "b"], ["/e"], ('["a", "b"]', [])),
    (["x"], None, ["/e"], ('["x"]', [])),
    (["x"], ["a"], ["/e"], ('["x"]', ["a"])),
])
def test_null_keeps_what_an_image_runs_and_an_empty_list_takes_it_away(entrypoint, command, image_entrypoint, expected):
    order = sample("minimal")
    order["containers"][0].update(entrypoint=entrypoint, command=command)
    images = {"web": {"entrypoint": image_entrypoint, "volumes": []}}
    flags, _, arguments = flags_of(resolved(order, **images))
    assert (flags.get("entrypoint", [None])[0], arguments) == expected


def hostile(source, parts=HOSTILE, most=6):
    return "".join(source.choice(parts) for _ in range(source.randint(0, most)))


@pytest.mark.parametrize("seed", range(100))
def test_hostile_texts_reach_podman_as_the_order_has_them(seed):
    source = random.Random(seed)
    order = sample("minimal")
    web = order["containers"][0]

    def line():
        return source.choice(["a", "-", '"', "%"]) + hostile(source, LINES)

    web.update(
        command=[hostile(source) for _ in range(source.randint(1, 5))],
        entrypoint=[hostile(source) for _ in range(source.randint(1, 4))],
        working_dir=line(), user=line(), groups=[line(), line()],
        environment=[{"name": "N%d-%%$\"'" % index, "value": hostile(source)} for index in range(4)],
        labels=[{"name": "l%d%%,\"" % index, "value": hostile(source)} for index in range(3)],
        security_options=[line()], dns_search=[line()], dns_options=[line()],
        sysctls=[{"name": "net.a", "value": hostile(source, LINES)}],
        extra_hosts=[{"name": 'h%,"$', "address": "10.0.0.1"}],
    )
    assert list(orders.find_faults(order)) == []
    flags, _, arguments = flags_of(resolved(order, web=RESOLVED))
    assert arguments == web["command"]
    assert json.loads(flags["entrypoint"][0]) == web["entrypoint"]
    assert flags["env"][:4] == ["%s=%s" % (each["name"], each["value"]) for each in web["environment"]]
    assert flags["label"][:3] == ["%s=%s" % (each["name"], each["value"]) for each in web["labels"]]
    assert (flags["workdir"], flags["user"]) == ([web["working_dir"]], [web["user"]])
    assert (flags["group-add"], flags["dns-search"]) == (web["groups"], web["dns_search"])
    assert (flags["dns-opt"], flags["security-opt"]) == (web["dns_options"], web["security_options"])
    assert flags["sysctl"] == ["net.a=" + web["sysctls"][0]["value"]]
    assert flags["add-host"] == ['h%,"$:10.0.0.1']


def test_no_value_of_a_secret_or_config_is_in_an_argv():
    order = resolved(sample())
    text = "\0".join(word for each in order["containers"] for word in run_command(order, each, True))
    for value in [*order["secrets"].values(), *order["configs"].values(), "correct horse"]:
        assert value not in text
