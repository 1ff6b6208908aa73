"""Untrusted files are parsed here: one disposable process each, behind walls.

`ProcessSandbox` implements `kit.sandbox.Sandbox`. The importing side stays light: nothing here
imports a parser.
"""

from medstack.worker.sandbox.ffmpeg import Ffmpeg
from medstack.worker.sandbox.nursery import SandboxUnavailable
from medstack.worker.sandbox.parent import ProcessSandbox
from medstack.worker.sandbox.preload import TASK_MODULES
from medstack.worker.sandbox.walls import Layers, Limits, holds

__all__ = [
    "TASK_MODULES",
    "Ffmpeg",
    "Layers",
    "Limits",
    "ProcessSandbox",
    "SandboxUnavailable",
    "holds",
]
