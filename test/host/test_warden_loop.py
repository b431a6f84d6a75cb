import gc
import os
import socket
import threading
import time

import pytest
from rollcall_host.warden import protocols
from rollcall_host.warden.exchange import Exchange
from rollcall_host.warden.loop import Loop, has_ended
from rollcall_host.warden.programs import Job, ProgramQueue


@pytest.fixture
def loop():
    return Loop()


def run_until(loop, is_done, seconds=20.0):
    deadline = time.monotonic() + seconds
    loop.call_after(seconds, lambda: None)
    while not is_done():
        assert time.monotonic() < deadline, "it never came"
        loop.run_once()


@pytest.fixture
def serve():
    """Starts servers of one connection each, which get its socket. They end with the test."""
    threads, sockets = [], []

    def start(answer):
        listener = socket.create_server(("127.0.0.1", 0))

        def work():
            connection, _ = listener.accept()
            with connection:
                try:
                    answer(connection)
                except OSError:
                    pass

        threads.append(threading.Thread(target=work, daemon=True))
        sockets.append(listener)
        threads[-1].start()
        return listener.getsockname()

    yield start
    # A test that counts descriptors must not see those of another one.
    for thread in threads:
        thread.join(20)
        assert not thread.is_alive()
    for listener in sockets:
        listener.close()


def talk(loop, address, read=protocols.read_http, timeout=10.0, request=b"GET / HTTP/1.1\r\n\r\n"):
    outcomes = []
    Exchange(loop, address, request, read, timeout, outcomes.append)
    run_until(loop, lambda: outcomes)
    return outcomes[0].has_passed, outcomes[0].detail


def test_an_answer_in_pieces_is_put_together(loop, serve):
    def answer(connection):
        connection.recv(100)
        for piece in (b"HTTP/1.1 2", b"04 No Cont", b"ent\r\nA: b\r\n", b"\r\n"):
            connection.sendall(piece)
            time.sleep(0.02)

    assert talk(loop, serve(answer)) == (True, "204")


def test_a_port_that_nobody_listens_on_and_one_that_hangs_up_fail_in_words(loop, serve):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        free = listener.getsockname()
    assert talk(loop, free) == (False, "refused the connection")
    assert talk(loop, free, None, request=b"") == (False, "refused the connection")
    assert talk(loop, serve(lambda connection: connection.recv(100))) == (False, "closed the connection")


def test_a_server_that_says_nothing_or_ever_more_fails_in_time(loop, serve):
    def drip(connection):
        while connection.send(b"HTTP/1.1 200 OK\r\nX-Long: "):
            time.sleep(0.02)

    def flood(connection):
        while connection.send(b"x" * 65_536):
            pass

    ends = threading.Event()
    assert talk(loop, serve(lambda _: ends.wait(20)), timeout=0.3) == (False, "no answer within 0.3 s")
    ends.set()
    assert talk(loop, serve(drip), lambda _data, _is_all: None, timeout=0.3) == (False, "no answer within 0.3 s")
    assert talk(loop, serve(flood), lambda _data, _is_all: None) == (False, "sent something else")


def test_a_connection_is_all_that_a_tcp_check_wants(loop, serve):
    assert talk(loop, serve(lambda connection: connection.recv(1)), None, request=b"") == (True, None)


def test_an_exchange_that_is_closed_tells_nothing_and_leaves_no_descriptor(loop):
    # Loops of earlier tests have descriptors, too, which close when their memory is given back.
    gc.collect()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        before, outcomes, called = len(os.listdir("/proc/self/fd")), [], []
        exchange = Exchange(loop, listener.getsockname(), b"x", protocols.read_http, 0.2, outcomes.append)
        exchange.close()
        assert len(os.listdir("/proc/self/fd")) == before
    loop.call_after(0.3, lambda: called.append(True))
    run_until(loop, lambda: called)
    assert outcomes == []


def run(loop, argv, timeout=10.0, kept=4096, most=65_536, queue=None):
    ends = []
    (queue or ProgramQueue(loop)).put(Job(argv, timeout, kept, most, ends.append))
    run_until(loop, lambda: ends)
    return ends[0]


def test_a_program_gives_its_exit_code_and_the_begin_of_its_output(loop):
    ended = run(loop, ["sh", "-c", "printf 12345; printf 678 >&2; exit 3"], kept=6)
    assert (ended.exit_code, ended.output, ended.fault) == (3, b"123456", None)


def test_a_program_is_ended_as_any_other_when_memory_runs_out(loop):
    with open("/proc/self/oom_score_adj", "r+b", buffering=0) as file:
        before = file.read()
        file.write(b"300")
        try:
            ended = run(loop, ["sh", "-c", "sleep 0.2; cat /proc/self/oom_score_adj"])
        finally:
            file.write(before)
    assert ended.output == b"0\n"


def test_a_program_that_does_not_exist_is_told_and_the_next_one_runs(loop):
    queue = ProgramQueue(loop)
    assert run(loop, ["/no/such"], queue=queue).fault == "/no/such does not run: No such file or directory"
    assert run(loop, ["true"], queue=queue).exit_code == 0


def test_a_program_that_takes_too_long_is_ended_with_its_whole_group(loop, tmp_path):
    script = "trap '' TERM; sleep 600 & echo $! > %s; wait; wait" % (tmp_path / "child")
    ended = run(loop, ["sh", "-c", script], timeout=0.5)
    assert (ended.exit_code, ended.fault) == (None, "did not end within 0.5 s")
    child = int((tmp_path / "child").read_text())
    run_until(loop, lambda: has_ended(child))


def test_a_program_that_never_stops_printing_is_ended(loop):
    ended = run(loop, ["sh", "-c", "while :; do echo more; done"], most=32_768)
    assert (ended.fault, len(ended.output)) == ("printed more than 32 KiB", 4096)


def test_a_daemon_that_keeps_the_output_open_does_not_hold_up_the_end(loop):
    started = time.monotonic()
    assert run(loop, ["sh", "-c", "sleep 600 & echo up"]).output == b"up\n"
    assert time.monotonic() - started < 10


def test_programs_of_one_queue_run_one_after_the_other(loop, tmp_path):
    queue, ends = ProgramQueue(loop), []
    script = "mkdir %s && sleep 0.1 && rmdir %s" % (tmp_path / "lock", tmp_path / "lock")
    for _ in range(4):
        queue.put(Job(["sh", "-c", script], 10, 100, 1000, ends.append))
    run_until(loop, lambda: len(ends) == 4)
    assert [ended.exit_code for ended in ends] == [0, 0, 0, 0]


def test_the_end_of_a_process_is_noticed_also_where_the_kernel_does_not_tell_of_it(loop, monkeypatch):
    def unsupported(_pid):
        raise OSError

    for is_told in (True, False):
        if not is_told:
            monkeypatch.setattr(os, "pidfd_open", unsupported)
        pid, seen = os.posix_spawnp("sleep", ["sleep", "0.1"], os.environ), []
        loop.watch_exit(pid, lambda: seen.append(pid))
        run_until(loop, lambda: seen)
        assert os.waitpid(pid, 0) == (pid, 0)


def test_a_timer_that_is_cancelled_is_not_called_and_others_come_in_order(loop):
    called = []
    loop.call_after(0.2, lambda: called.append("b"))
    loop.call_after(0.1, lambda: called.append("no")).cancel()
    loop.call_after(0.0, lambda: called.append("a"))
    run_until(loop, lambda: len(called) == 2)
    assert called == ["a", "b"]
