"""The practice's own rules as data: switches, numbers and size limits, each with a name.

What ships is here; what an administrator changed lies in a table and comes as a `Policies`.
MB = 2^20 bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from medstack.access.problems import BadPolicy, OverLimit, UnknownPolicy

MB = 1 << 20
GB = 1 << 30
LARGEST = 1 << 50

ADMIN_CONTENT_NEEDS_REASON = "admin-content-needs-reason"
LINK_TTL_S = "link-ttl-s"
LINK_LONGEST_S = "link-longest-s"

SWITCHES: Mapping[str, bool] = {ADMIN_CONTENT_NEEDS_REASON: False}
NUMBERS: Mapping[str, int] = {LINK_TTL_S: 300, LINK_LONGEST_S: 24 * 3600}


class Measure(StrEnum):
    """What a limit counts."""

    FILE = "file"
    BATCH = "batch"  # all files of one upload together
    SERIES = "series"  # all instances of one DICOM series
    STUDY = "study"  # all series of one DICOM study
    QUOTA = "quota"  # all originals of one patient


class Context(StrEnum):
    """A purpose with limits of its own; it wins over the kind of file."""

    QUICK_CONSULTATION = "quick-consultation"
    CLINICAL_CASE = "clinical-case"

    @classmethod
    def of_case(cls, kind: str | None) -> Context | None:
        """The context of a record in a case of this kind, if it has one."""
        found = {"quick": cls.QUICK_CONSULTATION, "clinical": cls.CLINICAL_CASE}
        return found.get(kind or "")


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitRule:
    """One named limit as shipped. Neither context nor family: the default."""

    name: str
    measure: Measure
    bytes: int
    context: Context | None = None
    family: str | None = None


LIMITS = (
    LimitRule(name="limits.default", measure=Measure.FILE, bytes=50 * MB),
    LimitRule(
        name="limits.quick-consultation",
        measure=Measure.FILE,
        bytes=20 * MB,
        context=Context.QUICK_CONSULTATION,
    ),
    LimitRule(
        name="limits.clinical-case",
        measure=Measure.FILE,
        bytes=100 * MB,
        context=Context.CLINICAL_CASE,
    ),
    LimitRule(name="limits.video", measure=Measure.FILE, bytes=200 * MB, family="video"),
    LimitRule(name="limits.mesh", measure=Measure.FILE, bytes=200 * MB, family="mesh"),
    # One instance can be a whole series: a CBCT in a single file.
    LimitRule(name="limits.dicom-series", measure=Measure.FILE, bytes=500 * MB, family="dicom"),
    LimitRule(name="limits.batch", measure=Measure.BATCH, bytes=200 * MB),
    # A batch of DICOM is a study, and each of its series is counted by itself.
    LimitRule(name="limits.dicom-study", measure=Measure.BATCH, bytes=4 * GB, family="dicom"),
    LimitRule(name="limits.dicom-series", measure=Measure.SERIES, bytes=500 * MB),
    LimitRule(name="limits.dicom-study", measure=Measure.STUDY, bytes=4 * GB),
    LimitRule(name="limits.patient-quota", measure=Measure.QUOTA, bytes=5 * GB),
)
FAMILIES: Mapping[str, str] = {
    **dict.fromkeys(("mp4", "m4v", "mov", "avi", "webm", "mkv", "mpeg", "wmv"), "video"),
    **dict.fromkeys(("stl", "ply", "obj"), "mesh"),
    "dicom": "dicom",
}
_SHIPPED_LIMITS = {rule.name: rule.bytes for rule in LIMITS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """A limit that applies, and the rule it comes from."""

    rule: str
    bytes: int

    def check(self, size_bytes: int) -> None:
        """Raise OverLimit for a single byte more than the limit."""
        if size_bytes > self.bytes:
            raise OverLimit(
                f"{size_bytes} bytes; the limit is {self.bytes} bytes"
                f" ({self.bytes / MB:g} MB), rule {self.rule}.",
                rule=self.rule,
                limit_bytes=self.bytes,
                size_bytes=size_bytes,
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Policies:
    """Every policy as it stands: what ships, and over it what this practice changed."""

    changed: Mapping[str, bool | int] = field(default_factory=dict)

    def is_on(self, switch: str) -> bool:
        return bool(self.changed.get(switch, SWITCHES[switch]))

    def number(self, name: str) -> int:
        return int(self.changed.get(name, NUMBERS[name]))

    def limit(
        self, measure: Measure, *, context: Context | None = None, kind: str | None = None
    ) -> Limit:
        """The named context's rule, else the kind's, else the default.

        kind: a format's name ("jpeg", "dicom"), as the sniffer or the extension tells it.
        """
        family = FAMILIES.get(kind or "")
        rules = [rule for rule in LIMITS if rule.measure is measure]
        by_context = [rule for rule in rules if rule.context and rule.context is context]
        by_family = [rule for rule in rules if rule.family and rule.family == family]
        default = [rule for rule in rules if not rule.context and not rule.family]
        return self._limit([*by_context, *by_family, *default][0])

    def largest(self) -> Limit:
        """The most that any rule takes as one file."""
        files = [self._limit(rule) for rule in LIMITS if rule.measure is Measure.FILE]
        return max(files, key=lambda limit: limit.bytes)

    def quota(self, own_bytes: int | None = None) -> Limit:
        """A patient's quota: the chart's own, else the practice's."""
        if own_bytes is not None:
            return Limit(rule="limits.patient-quota", bytes=own_bytes)
        return self.limit(Measure.QUOTA)

    def all(self) -> dict[str, bool | int]:
        """Every policy's name and value, for the page that shows them."""
        return {**SWITCHES, **NUMBERS, **_SHIPPED_LIMITS, **self.changed}

    def _limit(self, rule: LimitRule) -> Limit:
        return Limit(rule=rule.name, bytes=int(self.changed.get(rule.name, rule.bytes)))


SHIPPED = Policies()


def check_policy(name: str, value: bool | int) -> None:
    """Raises UnknownPolicy, BadPolicy."""
    if name in SWITCHES:
        if not isinstance(value, bool):
            raise BadPolicy("This policy is on or off.", policy=name)
    elif name in NUMBERS or name in _SHIPPED_LIMITS:
        if isinstance(value, bool) or not 1 <= value <= LARGEST:
            raise BadPolicy("This policy is a whole number above nought.", policy=name)
    else:
        raise UnknownPolicy("Choose one of those listed.")
