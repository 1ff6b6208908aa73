"""A small seccomp filter: the system calls a parser never needs.

A deny-list, assembled by hand: network, new processes and programs, other processes' memory,
mounts, keys, kernel loading, and every change of a file's name, rights or length. Calls newer
than the list are answered as unknown, so nothing slips past it by being young.
Source: the kernel's Documentation/userspace-api/seccomp_filter.rst, and asm/unistd.h for numbers.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
import sys

_PR_SET_SECCOMP, _MODE_FILTER = 22, 2
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _ERRNO, _KILL = 0x7FFF0000, 0x00050000, 0x80000000
_NUMBER_AT, _ARCH_AT, _FIRST_ARGUMENT_AT = 0, 4, 16  # struct seccomp_data, little endian
_CLONE_THREAD = 0x00010000
_X32_BIT = 0x40000000
_NEWEST_KNOWN = 462  # mseal, Linux 6.10

_AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_COLUMN = {"x86_64": 0, "aarch64": 1}

# name: (x86_64, aarch64); 0 where the architecture has no such call
_PROGRAMS = {
    "execve": (59, 221),
    "execveat": (322, 281),
}
_SOCKETS = {
    "socket": (41, 198),
    "socketpair": (53, 199),
    "connect": (42, 203),
    "bind": (49, 200),
    "listen": (50, 201),
    "accept": (43, 202),
    "accept4": (288, 242),
    "sendto": (44, 206),
    "recvfrom": (45, 207),
    "sendmsg": (46, 211),
    "recvmsg": (47, 212),
    "sendmmsg": (307, 269),
    "recvmmsg": (299, 243),
    "setsockopt": (54, 208),
}
_PROCESSES = {
    "fork": (57, 0),
    "vfork": (58, 0),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "process_madvise": (440, 440),
    "kcmp": (312, 272),
    "pidfd_open": (434, 434),
    "pidfd_getfd": (438, 438),
    "pidfd_send_signal": (424, 424),
    "kill": (62, 129),
    "tkill": (200, 130),
    "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240),
    "setpriority": (141, 140),
    "sched_setscheduler": (144, 119),
    "sched_setparam": (142, 118),
    "sched_setattr": (314, 274),
    "ioprio_set": (251, 30),
    "migrate_pages": (256, 238),
    "move_pages": (279, 239),
    "setuid": (105, 146),
    "setgid": (106, 144),
    "setreuid": (113, 145),
    "setregid": (114, 143),
    "setresuid": (117, 147),
    "setresgid": (119, 149),
    "setgroups": (116, 159),
    "setfsuid": (122, 151),
    "setfsgid": (123, 152),
    "capset": (126, 91),
}
_KERNEL = {
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "move_mount": (429, 429),
    "open_tree": (428, 428),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "open_by_handle_at": (304, 265),
    "name_to_handle_at": (303, 264),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "keyctl": (250, 219),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "fanotify_init": (300, 262),
    "inotify_init": (253, 0),
    "inotify_init1": (294, 26),
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "reboot": (169, 142),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "acct": (163, 89),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
    "clock_adjtime": (305, 266),
    "adjtimex": (159, 171),
    "iopl": (172, 0),
    "ioperm": (173, 0),
    "syslog": (103, 116),
    "personality": (135, 92),
    "sethostname": (170, 161),
    "setdomainname": (171, 162),
    "vhangup": (153, 58),
    "shmget": (29, 194),
    "shmat": (30, 196),
    "shmctl": (31, 195),
    "msgget": (68, 186),
    "msgsnd": (69, 189),
    "msgrcv": (70, 188),
    "semget": (64, 190),
    "semop": (65, 193),
    "mq_open": (240, 180),
    "mq_unlink": (241, 181),
}
_FILES = {
    "chmod": (90, 0),
    "fchmod": (91, 52),
    "fchmodat": (268, 53),
    "fchmodat2": (452, 452),
    "chown": (92, 0),
    "lchown": (94, 0),
    "fchown": (93, 55),
    "fchownat": (260, 54),
    "utime": (132, 0),
    "utimes": (235, 0),
    "utimensat": (280, 88),
    "futimesat": (261, 0),
    "setxattr": (188, 5),
    "lsetxattr": (189, 6),
    "fsetxattr": (190, 7),
    "removexattr": (197, 14),
    "lremovexattr": (198, 15),
    "fremovexattr": (199, 16),
    "truncate": (76, 45),
    "creat": (85, 0),
    "mkdir": (83, 0),
    "mkdirat": (258, 34),
    "rmdir": (84, 0),
    "unlink": (87, 0),
    "unlinkat": (263, 35),
    "rename": (82, 0),
    "renameat": (264, 38),
    "renameat2": (316, 276),
    "link": (86, 0),
    "linkat": (265, 37),
    "symlink": (88, 0),
    "symlinkat": (266, 36),
    "mknod": (133, 0),
    "mknodat": (259, 33),
}
_CLONE = (56, 220)
_CLONE3 = 435
_TGKILL = (234, 131)
_PRLIMIT = (302, 261)

Instruction = tuple[int, int, int, int]


def is_supported() -> bool:
    return sys.platform == "linux" and platform.machine() in _AUDIT_ARCH


def install(*, may_exec: bool = False) -> None:
    """Filter this process and its threads from now on, for good.

    may_exec: leave execve alone, for a child that is about to become ffmpeg.
    Needs no-new-privileges. Raises OSError when the kernel refuses.
    """
    code = b"".join(struct.pack("=HBBI", *line) for line in program(may_exec=may_exec))
    buffer = ctypes.create_string_buffer(code, len(code))
    header = struct.pack("@HP", len(code) // 8, ctypes.addressof(buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_SECCOMP, _MODE_FILTER, header, 0, 0) != 0:
        problem = ctypes.get_errno()
        raise OSError(problem, os.strerror(problem))


def program(*, may_exec: bool, machine: str = "", pid: int = 0) -> list[Instruction]:
    """The filter as BPF lines (code, jump if true, jump if false, operand).

    pid: the only process tgkill may name, so that abort() still works; 0 is our own.
    """
    machine = machine or platform.machine()
    column = _COLUMN[machine]
    no, unknown = _ERRNO | errno.EPERM, _ERRNO | errno.ENOSYS
    denied = _SOCKETS | _PROCESSES | _KERNEL | _FILES | ({} if may_exec else _PROGRAMS)
    lines: list[Instruction] = [
        (_LOAD, 0, 0, _ARCH_AT),
        (_EQUAL, 1, 0, _AUDIT_ARCH[machine]),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _NUMBER_AT),
        (_AT_LEAST, 0, 1, _X32_BIT),
        (_RETURN, 0, 0, _KILL),
        *_answer(_CLONE3, unknown),  # its flags lie in memory, unseen; libc falls back to clone
        *_unless(_CLONE[column], (_ANY_BIT, 1, 0, _CLONE_THREAD), no),
        *_unless(_TGKILL[column], (_EQUAL, 1, 0, pid or os.getpid()), no),
        *_unless(_PRLIMIT[column], (_EQUAL, 1, 0, 0), no),
    ]
    for numbers in denied.values():
        if numbers[column]:
            lines += _answer(numbers[column], no)
    lines += [(_AT_LEAST, 0, 1, _NEWEST_KNOWN + 1), (_RETURN, 0, 0, unknown)]
    return [*lines, (_RETURN, 0, 0, _ALLOW)]


def _answer(number: int, action: int) -> list[Instruction]:
    return [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, action)]


def _unless(number: int, test: Instruction, action: int) -> list[Instruction]:
    """Refuse `number` unless its first argument passes `test`; then go on with the number."""
    return [
        (_EQUAL, 0, 4, number),
        (_LOAD, 0, 0, _FIRST_ARGUMENT_AT),
        test,
        (_RETURN, 0, 0, action),
        (_RETURN, 0, 0, _ALLOW),
    ]
