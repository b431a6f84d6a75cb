import base64
import json

import pytest
from rollcall_host.services import orders
from rollcall_host.services.step_error import StepError
from service_orders import SAMPLES, container_of, sample


def parse(order):
    return orders.parse_order(json.dumps(order).encode())


def faults_of(order):
    return list(orders.find_faults(order))


def set_at(order, path, value):
    *parents, last = path
    for key in parents:
        order = order[key]
    order[last] = value


@pytest.mark.parametrize("name", sorted(path.stem for path in SAMPLES.glob("*.json")))
def test_each_sample_of_an_order_is_taken(name):
    assert parse(sample(name)) == sample(name)


def leaves(value, path=()):
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from leaves(item, (*path, key))
    elif isinstance(value, list) and value:
        for index, item in enumerate(value):
            yield from leaves(item, (*path, index))
    yield path


def test_a_value_of_a_wrong_type_is_refused_at_every_place_of_an_order():
    for path in [path for path in leaves(sample()) if path]:
        order = sample()
        set_at(order, path, {"secret-canary": "secret-canary"})
        faults = faults_of(order)
        assert faults, path
        if path[0] not in ("secrets", "configs"):
            assert not any("canary" in fault.replace(".secret-canary is not known", "") for fault in faults), faults


def test_a_missing_and_an_unknown_key_are_refused_at_every_object_of_an_order():
    for path in [path for path in leaves(sample())]:
        parent = sample()
        found = parent
        for key in path:
            found = found[key]
        if not isinstance(found, dict) or path in (("secrets",), ("configs",)):
            continue
        for key in list(found):
            changed = sample()
            where = changed
            for step in path:
                where = where[step]
            del where[key]
            assert any(key in fault for fault in faults_of(changed)), (path, key)
        found["unheard_of"] = 1
        assert any("unheard_of is not known" in fault for fault in faults_of(parent)), path


def test_all_faults_of_an_order_are_told_at_once_by_field():
    order = sample()
    web = container_of(order, "web")
    web["stop_grace_ms"] = -1
    web["mounts"][0]["target"] = "relative"
    order["generation"] = 0
    with pytest.raises(StepError) as error:
        parse(order)
    assert error.value.code == "instance.order_invalid"
    for field in ("generation", "containers[3].stop_grace_ms", "containers[3].mounts[0].target"):
        assert field in str(error.value)


@pytest.mark.parametrize("change, fault", [
    (lambda order: order["containers"][3].update(name="db"), "the name db stands twice"),
    (lambda order: order["containers"][0].update(after=[{"container": "web", "condition": "started"}]),
     "containers[0].after[0].container must be one of the containers before it"),
    (lambda order: order.update(network=None), "network must be named"),
    (lambda order: order.update(secrets={}), "containers[3].secrets[0].source must be one of secrets"),
    (lambda order: order.update(configs={}), "containers[3].configs[0].source must be one of configs"),
    (lambda order: order.update(volumes=[]), "containers[0].mounts[0].source must be one of volumes"),
    (lambda order: order["checks"][0].update(container="none"), "checks[0].container must be one of containers"),
    (lambda order: order["secrets"].update(db_password="no base64!"), "secrets.db_password must be base64"),
    (lambda order: order["secrets"].update(db_password=base64.b64encode(b"x" * 65537).decode()),
     "secrets.db_password must not be larger than 65536 bytes"),
    (lambda order: order["secrets"].update(db_password=base64.b64encode(b"a\0").decode()),
     "containers[3].secret_environment[0].secret must be UTF-8, without NUL and not empty"),
    (lambda order: order["containers"][3]["environment"].append({"name": "LOG", "value": "x"}), "two variables of one"),
    (lambda order: order["containers"][3]["environment"].append({"name": "A B", "value": "x"}), "environment[3].name"),
    (lambda order: order["containers"][3]["command"].append("a\0b"), "command[3] must not contain a NUL"),
    (lambda order: order["containers"][3]["command"].append("\ud800"), "command[3] must be Unicode text"),
    (lambda order: order["containers"][3]["command"].append("ü" * 70_000), "command[3] must not be longer than"),
    (lambda order: order["containers"][3]["mounts"][0].update(target="/a,b"), "mounts[0].target must match"),
    (lambda order: order["containers"][3]["mounts"][0].update(target="/a/../b"), "must not contain .."),
    (lambda order: order["containers"][3]["mounts"][1].update(target="/data/"), "two mounts at one target"),
    (lambda order: order["containers"][3]["ports"][1].update(host_ip="1.2.3"), "ports[1].host_ip must be an address"),
    (lambda order: order["containers"][2]["ports"][0].update(published=1), "must be its target"),
    (lambda order: order["containers"][3]["ports"][0].update(published=0), "published must be from 1 to 65535"),
    (lambda order: order["containers"][3].update(name="../x"), "containers[3].name must match"),
])
def test_a_relation_that_does_not_hold_is_refused_by_field(change, fault):
    order = sample()
    change(order)
    assert any(fault in each for each in faults_of(order)), faults_of(order)


def test_an_order_with_a_fence_is_refused_with_its_own_code():
    with pytest.raises(StepError) as error:
        parse({**sample(), "fence": "lease"})
    assert error.value.code == "instance.fence_unsupported"


@pytest.mark.parametrize("content", [b"{", b"\xff", b"[]", b"null", b"[" * 100_000, b'"' + b"x" * (5 * 1024 * 1024)])
def test_what_is_no_order_at_all_is_refused(content):
    with pytest.raises(StepError) as error:
        orders.parse_order(content)
    assert error.value.code == "instance.order_invalid"


def test_no_value_of_a_secret_is_in_a_fault():
    order = sample()
    order["secrets"]["db_password"] = "canary!canary"
    order["configs"]["nginx.conf"] = 7
    order["containers"][3]["environment"][0] = {"name": "canary=1", "value": 3}
    assert "canary" not in "".join(faults_of(order))
