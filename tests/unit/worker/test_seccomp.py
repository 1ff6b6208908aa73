"""The filter, run by a small interpreter of its own so that both machines are covered."""

from __future__ import annotations

import errno

import pytest

from medstack.worker.sandbox import seccomp

ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
ALLOW, KILL = 0x7FFF0000, 0x80000000
PERM, NOSYS = 0x50000 | errno.EPERM, 0x50000 | errno.ENOSYS
OWN_PID = 4711
machines = pytest.mark.parametrize("machine", ["x86_64", "aarch64"])


def answer(machine, number, first_argument=0, *, may_exec=False, arch=None):
    """Interpret the program as the kernel would (classic BPF, the five codes we use)."""
    lines = seccomp.program(may_exec=may_exec, machine=machine, pid=OWN_PID)
    words = {0: number, 4: ARCH[machine] if arch is None else arch, 16: first_argument}
    at, held = 0, 0
    while True:
        code, if_true, if_false, operand = lines[at]
        at += 1
        if code == 0x20:
            held = words[operand]
        elif code == 0x06:
            return operand
        else:
            holds = {
                0x15: held == operand,
                0x35: held >= operand,
                0x45: bool(held & operand),
            }[code]
            at += if_true if holds else if_false


def number_of(machine, name):
    tables = (seccomp._SOCKETS, seccomp._PROCESSES, seccomp._KERNEL, seccomp._FILES)
    tables += (seccomp._PROGRAMS,)
    return {k: v for table in tables for k, v in table.items()}[name][machine == "aarch64"]


@machines
@pytest.mark.parametrize("name", ["socket", "ptrace", "bpf", "mount", "unlinkat", "execve"])
def test_a_listed_call_is_refused(machine, name):
    assert answer(machine, number_of(machine, name)) == PERM


@pytest.mark.parametrize(("machine", "number"), [("x86_64", 0), ("x86_64", 9), ("aarch64", 63)])
def test_reading_and_mapping_are_allowed(machine, number):
    assert answer(machine, number) == ALLOW


@pytest.mark.parametrize(("machine", "clone"), [("x86_64", 56), ("aarch64", 220)])
def test_a_thread_may_be_started_and_a_process_may_not(machine, clone):
    assert answer(machine, clone, 0x3D0F00) == ALLOW  # the flags pthread_create sets
    assert answer(machine, clone, 17) == PERM  # SIGCHLD alone: a fork
    assert answer(machine, 435, 0x3D0F00) == NOSYS


@pytest.mark.parametrize(("machine", "tgkill"), [("x86_64", 234), ("aarch64", 131)])
def test_only_itself_may_be_signalled(machine, tgkill):
    assert answer(machine, tgkill, OWN_PID) == ALLOW
    assert answer(machine, tgkill, 1) == PERM


@machines
def test_calls_younger_than_the_list_are_unknown(machine):
    assert answer(machine, 463) == NOSYS
    assert answer(machine, 9999) == NOSYS


@machines
def test_another_machines_numbers_kill(machine):
    assert answer(machine, 1, arch=0x40000003) == KILL
    assert answer(machine, 0x40000000 | 41) == KILL


@machines
def test_a_program_to_be_keeps_only_the_right_to_become_it(machine):
    assert answer(machine, number_of(machine, "execve"), may_exec=True) == ALLOW
    assert answer(machine, number_of(machine, "socket"), may_exec=True) == PERM


@machines
def test_no_jump_is_longer_than_eight_bits(machine):
    lines = seccomp.program(may_exec=False, machine=machine, pid=1)
    assert all(0 <= jump < 256 for _, a, b, _ in lines for jump in (a, b))
    assert len(lines) < 4096
