"""`medstack serve`: everything in one, as several processes that live and die together.

The first process only watches: it starts the web door and the worker, starts one again that
dies, and ends them when told to. Each can be started alone with --only.
"""

from __future__ import annotations

import argparse
import ctypes
import logging
import os
import signal
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from dataclasses import fields, replace
from ipaddress import ip_address
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from medstack.cli.words import Subparsers, add_data, settings_of
from medstack.kit import log
from medstack.kit.errors import Denied
from medstack.settings import Settings

if TYPE_CHECKING:
    from medstack.flows.house import House

PARTS = ("worker", "web")
DEMO = "demo"  # a part that ends by itself when the practice is in
RESTART_PAUSE_S = 1.0
STOP_WAIT_S = 20.0
_PR_SET_PDEATHSIG = 1


class NeedsTls(Denied):
    code = "needs-tls"
    title = "MedStack does not answer the network without TLS"


class NotInDemo(Denied):
    code = "demo-stays-local"
    title = "The demonstration practice answers this computer only"


def register(commands: Subparsers) -> None:
    command = commands.add_parser("serve", help="run the web door and the worker")
    add_data(command)
    command.add_argument("--host", metavar="H", help="address to listen on")
    command.add_argument("--port", type=int, metavar="P", help="port to listen on")
    command.add_argument("--demo", action="store_true", help="with a demonstration practice")
    command.add_argument("--only", choices=(*PARTS, DEMO), help="just this part")
    command.set_defaults(run=run)


def run(words: argparse.Namespace) -> int:
    settings = settings_of(words, host=words.host, port=words.port)
    refuse_open_door(settings, is_demo=words.demo)
    if words.demo and "MEDSTACK_LOG_LEVEL" not in os.environ:
        settings = replace(settings, log_level="warning")  # the person watches a progress bar
    if words.demo and "MEDSTACK_PRACTICE_NAME" not in os.environ:
        from medstack.demo.files.paper import PRACTICE

        settings = replace(settings, practice_name=PRACTICE)
    log.configure(logging.getLevelName(settings.log_level.upper()))
    if words.only:
        return _run_part(words.only, settings, is_demo=words.demo)
    from medstack.wiring import prepare

    prepare(settings)
    if words.demo:
        from medstack.demo import practice

        practice.prepare(settings)
    with Family(settings, is_demo=words.demo) as family:
        if not family.wait_until_ready(settings):
            return 1
        _announce(settings, is_demo=words.demo)
        if words.demo:
            family.start(DEMO)
        return family.watch()


def _announce(settings: Settings, *, is_demo: bool) -> None:
    from medstack.wiring import public_url

    print(f"MedStack is ready at {public_url(settings)}")
    if is_demo:
        from medstack.demo.practice import ACCOUNTS, PASSWORD

        print(f"Sign in with the password {PASSWORD} as:")
        for email, who in ACCOUNTS:
            print(f"  {email:<22} {who}")
    sys.stdout.flush()


def refuse_open_door(settings: Settings, *, is_demo: bool) -> None:
    """Raises NeedsTls, NotInDemo."""
    is_loopback = settings.host == "localhost" or _is_loopback(settings.host)
    if is_demo and not is_loopback:
        raise NotInDemo("Its passwords are public. Leave out --host, or leave out --demo.")
    if not is_loopback and not (settings.tls_cert and settings.tls_key):
        raise NeedsTls(
            "Set MEDSTACK_TLS_CERT and MEDSTACK_TLS_KEY, or listen on 127.0.0.1 behind a proxy."
        )


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _run_part(part: str, settings: Settings, *, is_demo: bool) -> int:
    from medstack import wiring

    if part == DEMO:
        from medstack.demo import practice

        practice.fill(settings)
        return 0
    with wiring.opened(settings, migrate=True, is_demo=is_demo) as house:
        if part == "web":
            _run_web(settings, house)
        else:
            _run_worker(settings, house)
    return 0


def _run_web(settings: Settings, house: House) -> None:
    from medstack.flows.notices import Notices
    from medstack.web import app, serving

    proxies = frozenset({"127.0.0.1", "::1"}) if settings.behind_proxy else frozenset[str]()
    serving.run(
        app.build(house, feed=Notices(house), trusted_proxies=proxies),
        host=settings.host,
        port=settings.port,
        tls_cert=settings.tls_cert,
        tls_key=settings.tls_key,
    )


def _run_worker(settings: Settings, house: House) -> None:
    from medstack import wiring
    from medstack.worker import running

    with wiring.bench(settings) as tools:
        running.run(house, wiring.engine(settings, house, tools))


class Family:
    """The parts as child processes of this one."""

    def __init__(self, settings: Settings, *, is_demo: bool) -> None:
        self._environment = os.environ | environment_of(settings)
        self._is_demo = is_demo
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._is_stopping = False

    def __enter__(self) -> Family:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop_asked)
        for part in PARTS:
            self.start(part)
        return self

    def __exit__(self, *_: object) -> None:
        for child in self._children.values():
            child.terminate()
        deadline = time.monotonic() + STOP_WAIT_S
        for child in self._children.values():
            try:
                child.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()

    def wait_until_ready(self, settings: Settings) -> bool:
        """True once the web door answers healthy; False if it dies, or we are told to stop."""
        scheme = "https" if settings.tls_cert else "http"
        url = f"{scheme}://{settings.host}:{settings.port}/healthz"
        ourselves = ssl.create_default_context()
        ourselves.check_hostname = False  # our own address: we need no proof of who answers
        ourselves.verify_mode = ssl.CERT_NONE
        while not self._is_stopping and self._children["web"].poll() is None:
            try:
                with urllib.request.urlopen(url, timeout=2, context=ourselves) as answer:  # noqa: S310
                    return bool(answer.status == 200)
            except OSError:
                time.sleep(0.1)
        return False

    def watch(self) -> int:
        """Until told to stop: start again whatever part dies before its time."""
        while not self._is_stopping:
            for part, child in list(self._children.items()):
                if child.poll() == 0 and part == DEMO:
                    del self._children[part]
                elif child.poll() is not None and not self._is_stopping:
                    log.event("serve.part_died", part=part, status=child.returncode)
                    time.sleep(RESTART_PAUSE_S)
                    self.start(part)
            time.sleep(0.2)
        return 0

    def start(self, part: str) -> None:
        """Run a part as a process that ends when we do."""
        command = [sys.executable, "-m", "medstack", "serve", "--only", part]
        if self._is_demo:
            command.append("--demo")
        self._children[part] = subprocess.Popen(  # noqa: S603 - our own program
            command,
            env=self._environment,
            preexec_fn=_die_with(os.getpid()),  # noqa: PLW1509 - this process has one thread
        )

    def _stop_asked(self, number: int, frame: FrameType | None) -> None:
        self._is_stopping = True


def environment_of(settings: Settings) -> dict[str, str]:
    """The settings as the environment a child process reads them from."""
    values = {spec.name: getattr(settings, spec.name) for spec in fields(settings)}
    return {
        f"MEDSTACK_{name.upper()}": str(value.resolve() if isinstance(value, Path) else value)
        for name, value in values.items()
    }


def _die_with(parent: int) -> Callable[[], None]:
    """A pre-exec step that ties the child's life to ours, even if we are killed."""

    def tie() -> None:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            os._exit(1)

    return tie
