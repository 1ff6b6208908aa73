"""Realistic clinical files of people who do not exist, made from a seed.

`practice(seed, today=…)` is a value: patients, accounts, visits, and several hundred files whose
bytes are made on demand and are the same each time.
"""

from medstack.demo.files.model import (
    DemoAccount,
    DemoAppointment,
    DemoFile,
    DemoPatient,
    DemoProvider,
    Practice,
)
from medstack.demo.files.stories import practice

__all__ = [
    "DemoAccount",
    "DemoAppointment",
    "DemoFile",
    "DemoPatient",
    "DemoProvider",
    "Practice",
    "practice",
]
