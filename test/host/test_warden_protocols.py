import struct

import pytest
from rollcall_host.warden import processes, protocols
from rollcall_host.warden.exchange import Outcome


def told(found):
    return (found.has_passed, found.detail) if isinstance(found, Outcome) else found


@pytest.mark.parametrize("data, is_all, expected", [
    (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", False, (True, "200")),
    (b"HTTP/1.0 204\r\n\r\n", False, (True, "204")),
    (b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\n\r\n", False, (True, "302")),
    (b"HTTP/1.1 400 Bad Request\r\n\r\n", False, (False, "400")),
    (b"HTTP/1.1 503 Service Unavailable\r\n\r\n", False, (False, "503")),
    (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 4000, True, (True, "200")),
    (b"HTTP/1.1 200 OK\r\nX: ", False, None),
    (b"HTTP/1.1 20", False, None),
    (b"HT", False, None),
    (b"", True, None),
    (b"SSH-2.0-OpenSSH_9.2\r\n", False, (False, "sent something else")),
    (b"HTTP/1.1 999999 OK\r\n\r\n", False, (False, "sent something else")),
    (b"HTTP/2 200 OK\r\n\r\n", False, (False, "sent something else")),
])
def test_an_answer_passes_with_a_status_of_200_to_399(data, is_all, expected):
    assert told(protocols.read_http(data, is_all)) == expected


def test_nothing_in_a_path_can_end_the_request_line():
    request = protocols.http_request("/up?a=ü b\r\nX: y", 8080)
    assert request.startswith(b"GET /up?a=%C3%BC%20b%0D%0AX:%20y HTTP/1.1\r\nHost: localhost:8080\r\n")
    assert request.count(b"\r\n\r\n") == 1


def postgres_error(code):
    fields = b"SFATAL\0C" + code + b"\0Mthe database system is starting up\0\0"
    return b"E" + struct.pack("!I", 4 + len(fields)) + fields


@pytest.mark.parametrize("data, expected", [
    (b"R\0\0\0\x17\0\0\0\x0a", (True, None)),
    (postgres_error(b"28000"), (True, None)),
    (postgres_error(b"57P03"), (False, "the database system is starting up")),
    (postgres_error(b"57P03")[:-1], None),
    (b"E\0\0", None),
    (b"HTTP/1.1 400\r\n", (False, "sent something else")),
])
def test_postgres_passes_when_it_would_let_a_client_sign_in(data, expected):
    assert told(protocols.read_postgres(data, False)) == expected


def test_the_request_to_postgres_says_its_own_length():
    request = protocols.POSTGRES_REQUEST
    assert struct.unpack("!II", request[:8]) == (len(request), 3 << 16)
    assert request.endswith(b"user\0rollcall\0\0")


@pytest.mark.parametrize("data, expected", [
    (b"+PONG\r\n", (True, None)),
    (b"-NOAUTH Authentication required.\r\n", (True, None)),
    (b"-LOADING Redis is loading the dataset in memory\r\n", (False, "LOADING Redis is loading the dataset in memory")),
    (b"HTTP/1.1 400 Bad Request\r\n", (False, "sent something else")),
    (b"+PO", None),
])
def test_redis_passes_when_it_answers_a_client(data, expected):
    assert told(protocols.read_redis(data, False)) == expected


def mysql_greeting(method=b"mysql_native_password"):
    capabilities = 0x200 | 0x8000 | 0x80000
    payload = b"\x0a8.4.0\0" + struct.pack("<I", 7) + b"s" * 8 + b"\0" + struct.pack("<H", capabilities & 0xFFFF)
    payload += b"\x2d\2\0" + struct.pack("<H", capabilities >> 16) + b"\x15" + b"\0" * 10 + b"t" * 12 + b"\0"
    return packet(0, payload + method + b"\0")


def packet(number, payload):
    return len(payload).to_bytes(3, "little") + bytes([number]) + payload


def test_mysql_passes_when_it_greets_and_has_read_an_account_so_that_it_does_not_block_the_host():
    read = protocols.MysqlReader()
    assert read(mysql_greeting()[:20], False) is None
    login = read(mysql_greeting(), False)
    assert login[3] == 1
    assert len(login) == 4 + int.from_bytes(login[:3], "little")
    assert login[4 + 32:] == b"rollcall\0\0mysql_native_password\0"
    assert read(packet(2, b"\xfecaching_sha2_password\0salt\0"), False) == packet(3, b"")
    assert told(read(packet(4, b"\xff\x15\x04#28000Access denied"), False)) == (True, None)


@pytest.mark.parametrize("data, detail", [
    (packet(0, b"\xff\x69\x04Host is blocked"), "Host is blocked"),
    (packet(0, b"\x09old"), "sent something else"),
    (packet(0, b"\x0a"), None),
])
def test_mysql_that_refuses_to_greet_fails_with_its_reason_and_no_answer_breaks_the_reader(data, detail):
    found = protocols.MysqlReader()(data, False)
    assert (told(found) == (False, detail)) if detail else isinstance(found, bytes)


ROUTES = """Main:
  +-- 0.0.0.0/0 3 0 5
     +-- 10.89.0.0/24 2 0 2
        |-- 10.89.0.0
           /24 link UNICAST
        |-- 10.89.0.7
           /32 host LOCAL
        |-- 10.89.0.255
           /32 link BROADCAST
     +-- 127.0.0.0/8 2 0 2
        |-- 127.0.0.1
           /32 host LOCAL
"""


def test_the_address_of_a_container_is_read_from_its_routes():
    assert processes.parse_local_address(ROUTES) == "10.89.0.7"
    assert processes.parse_local_address("Main:\n     |-- 127.0.0.1\n        /32 host LOCAL\n") is None
    assert processes.parse_local_address("           /32 host LOCAL\n") is None
    assert processes.parse_local_address("") is None


def test_the_slice_of_system_units_is_found_also_where_the_path_begins_above_the_mount(tmp_path):
    (tmp_path / "system.slice").mkdir()
    found = str(tmp_path / "system.slice")
    assert processes.find_slice(str(tmp_path), "/system.slice/rollcall-warden.service") == found
    above = "/machine.slice/bed.service/system.slice/rollcall-warden.service"
    assert processes.find_slice(str(tmp_path), above) == found
    assert processes.find_slice(str(tmp_path / "none"), "/") is None


def test_memory_that_the_kernel_would_give_back_is_not_held_against_a_container(tmp_path):
    (tmp_path / "memory.current").write_text("5000\n")
    (tmp_path / "memory.stat").write_text("anon 3000\ninactive_file 1500\n")
    assert processes.memory_bytes(str(tmp_path), []) == 3500
