"""The monitor of a server, with a probe whose server a test switches on and off."""

import threading

import pytest

from infrastructure.connectivity.server_monitor import ServerMonitor
from tests.support.workers import wait_until


class SwitchedProbe:
    """A probe of a server that answers while `up` is set, and refuses connections while `refuses` is."""

    def __init__(self):
        self.up = threading.Event()
        self.refuses = False
        self.connections = self.pings = 0

    def connect(self):
        if self.refuses:
            raise ConnectionError("refused")
        self.connections += 1

    def send_ping(self):
        self.pings += 1

    def wait_for_answer(self, timeout):
        return self.up.wait(timeout)

    def close(self):
        pass


@pytest.fixture
def probe():
    return SwitchedProbe()


@pytest.fixture
def monitor(probe):
    return ServerMonitor("server", probe)


def test_without_a_monitor_the_server_counts_as_up(monitor, probe):
    assert not monitor.is_down
    assert not monitor.blocks_this_thread
    assert monitor.confirm_up()
    monitor.report_failure("a broken connection")
    assert not monitor.is_down
    assert probe.pings == 0


def test_the_server_is_down_until_its_first_answer(monitor, probe):
    monitor.start(0.05)
    assert monitor.is_down
    probe.up.set()
    monitor.wait_for_first_answer()
    assert not monitor.is_down


def test_a_server_that_falls_silent_is_down_and_comes_back_on_the_same_connection(monitor, probe):
    probe.up.set()
    monitor.start(0.05)
    monitor.wait_for_first_answer()
    probe.up.clear()
    wait_until(lambda: monitor.is_down)
    assert monitor.blocks_this_thread
    assert not monitor.confirm_up()
    assert not monitor.is_lost, "it is late, and what was begun on it may be answered still"
    probe.up.set()
    wait_until(lambda: not monitor.is_down)
    assert probe.connections == 1


def test_a_server_that_stays_silent_or_refuses_connections_is_lost_until_it_answers(monitor, probe):
    probe.up.set()
    monitor.start(0.05)
    monitor.wait_for_first_answer()
    probe.up.clear()
    wait_until(lambda: monitor.is_lost)
    assert monitor.is_down
    probe.up.set()
    wait_until(lambda: not monitor.is_down)
    assert not monitor.is_lost


def test_a_reported_failure_lasts_until_the_next_answer(monitor, probe):
    probe.up.set()
    monitor.start(5)  # so long that the thread asks again only because it is woken
    monitor.wait_for_first_answer()
    pings = probe.pings
    monitor.report_failure("a broken connection")
    wait_until(lambda: probe.pings > pings and not monitor.is_down)


def test_recovery_comes_first_and_a_failing_one_keeps_the_server_down(monitor, probe):
    calls = []

    def recover():
        calls.append((monitor.is_down, monitor.blocks_this_thread, monitor.recovering))
        if len(calls) == 1:
            raise ConnectionError("not yet")

    monitor.on_recovery.append(recover)
    probe.up.set()
    monitor.start(0.05)
    wait_until(lambda: not monitor.is_down)
    # Down for everybody else, open to the monitor's own thread; the first call failed, so there was a second.
    assert calls == [(True, False, True)] * 2
    assert probe.connections == 2
    assert not monitor.recovering


def test_a_server_that_refuses_connections_is_asked_again(monitor, probe):
    probe.refuses = True
    probe.up.set()
    monitor.start(0.05)
    assert monitor.is_down
    probe.refuses = False
    wait_until(lambda: not monitor.is_down)
