"""What a parser taken over by a file can try, and what comes of it."""

from __future__ import annotations

import platform
import sys

import pytest
from tests.unit.worker import hostile_tasks as hostile

from medstack.kit.sandbox import InProcess, ParserDied
from medstack.kit.streams import MemorySource
from medstack.worker.sandbox import Limits, ProcessSandbox

NOTHING = MemorySource(b"")
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="the walls are Linux's")
x86_only = pytest.mark.skipif(platform.machine() != "x86_64", reason="raw call numbers")


def why(sandbox: ProcessSandbox, task, source=NOTHING, **params) -> str:
    with pytest.raises(ParserDied) as died:
        sandbox.run(task, source, **params)
    return str(died.value.facts["why"])


@pytest.mark.parametrize("what", ["read_passwd", "list_root", "write_file", "unix_socket", "exec"])
@linux_only
def test_a_child_is_refused(sandbox, what):
    assert sandbox.run(hostile.attempt, NOTHING, what=what) == "refused PermissionError"


@pytest.mark.parametrize("what", ["connect", "fork", "spawn", "kill_parent", "chmod"])
@linux_only
def test_a_child_cannot_reach_others_by(sandbox, what):
    assert sandbox.run(hostile.attempt, NOTHING, what=what) == "refused PermissionError"


@pytest.mark.parametrize("what", ["vm_read", "ptrace", "io_uring", "unshare"])
@linux_only
@x86_only
def test_a_child_cannot_make_the_system_call_for(sandbox, what):
    assert sandbox.run(hostile.attempt, NOTHING, what=what) == "refused PermissionError"


@linux_only
def test_a_child_cannot_read_its_parents_memory(sandbox):
    assert sandbox.run(hostile.attempt, NOTHING, what="parent_memory") == "refused PermissionError"


def test_a_child_cannot_give_itself_higher_limits(sandbox):
    assert sandbox.run(hostile.attempt, NOTHING, what="raise_limit") == "refused PermissionError"


def test_a_child_holds_no_descriptor_but_its_socket(sandbox):
    said = sandbox.run(hostile.attempt, NOTHING, what="other_descriptors")
    assert said == "refused FileNotFoundError"


@pytest.mark.parametrize("what", ["read_passwd", "list_root", "unix_socket", "fork", "spawn"])
def test_the_same_attempt_works_without_walls(what):
    assert InProcess().run(hostile.attempt, NOTHING, what=what) == "worked"


def test_a_childs_environment_and_folder_tell_nothing(sandbox, monkeypatch):
    monkeypatch.setenv("MEDSTACK_KEY", "secret")
    with ProcessSandbox(modules=(hostile.__name__,), preload=()) as fresh:
        told = fresh.run(hostile.environment, NOTHING)
    assert told.pop("cwd") == "/"
    assert not {"MEDSTACK_KEY", "HOME", "PATH", "USER"} & set(told)


@linux_only
def test_a_fork_bomb_bears_no_child(sandbox):
    assert sandbox.run(hostile.fork_bomb, NOTHING) == 0


def test_ten_gigabytes_are_not_to_be_had(sandbox):
    assert why(sandbox, hostile.allocate, gib=10) == "memory"
    assert why(sandbox, hostile.allocate_and_die, gib=10) == "memory"


def test_an_endless_loop_ends_with_its_time(hasty):
    assert why(hasty, hostile.spin) == "time"


def test_a_sleeping_child_ends_with_its_time(hasty):
    assert why(hasty, hostile.sleep) == "time"


@pytest.mark.parametrize("task", [hostile.exit_quietly, hostile.fault, hostile.abort])
def test_a_child_that_dies_is_a_crash_of_its_file(sandbox, task):
    assert why(sandbox, task) == "crash"


def test_after_every_death_the_next_task_works(hasty):
    for task in (hostile.fault, hostile.exit_quietly, hostile.spin, hostile.lie_about_type):
        why(hasty, task)
        assert hasty.run(hostile.echo, NOTHING, text="alive") == "alive"


def test_processor_time_runs_out_while_nobody_waits():
    limits = Limits(seconds=1.0)
    with ProcessSandbox(modules=(hostile.__name__,), preload=(), limits=limits) as mean:
        assert why(mean, hostile.spin) == "time"


@linux_only
def test_every_layer_holds_on_this_machine(sandbox):
    layers = sandbox.layers()
    assert set(layers) == {
        "limits", "privileges", "namespaces", "landlock", "capabilities", "seccomp"
    }  # fmt: skip
    assert layers["limits"] is True
    assert all(value is True or isinstance(value, str) for value in layers.values())


def test_libraries_find_their_threads_and_modules_behind_the_walls(sandbox):
    import io

    from PIL import Image

    picture = io.BytesIO()
    Image.new("RGB", (640, 480), (90, 90, 90)).save(picture, "PNG")
    found = sandbox.run(hostile.picture_size, MemorySource(picture.getvalue()))
    assert found == [640, 480, 90]
    assert sandbox.run(hostile.threads, NOTHING, count=20) == 20
