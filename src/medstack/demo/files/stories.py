"""Who came when and what was done: the demonstration practice's year.

Each patient's story adds visits and files through a `Chart`. Dates count back from a given day, so
the practice is never out of date.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from medstack.demo.files import paper, paperwork, people, photos, trouble
from medstack.demo.files.charting import FULL_MOUTH, Chart, Visit
from medstack.demo.files.model import DemoAppointment, Practice
from medstack.people import AppointmentStatus

_SATURDAY = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class _Planned:
    patient: int
    days: int  # before today; negative: still to come
    at: time
    kind: str
    provider: int
    minutes: int = 60


def _plan(patient: int, *visits: tuple[int, str, str, int]) -> tuple[_Planned, ...]:
    return tuple(
        _Planned(patient=patient, days=days, at=time.fromisoformat(at), kind=kind, provider=by)
        for days, at, kind, by in visits
    )


_VISITS: tuple[_Planned, ...] = (
    *_plan(
        people.MARLOWE,
        (257, "09:10", "Recall", people.HADDAD),
        (46, "13:50", "Extraction 36", people.OKONJO),
        (7, "09:40", "Implant planning 36", people.OKONJO),
        (-3, "10:30", "Implant 36", people.OKONJO),
    ),
    *_plan(
        people.OYELARAN,
        (365, "11:00", "Recall", people.HADDAD),
        (181, "10:00", "Filling 46", people.OKONJO),
        (0, "11:00", "Recall", people.HADDAD),
    ),
    *_plan(
        people.BRANDT,
        (120, "08:30", "Root canal 26", people.OKONJO),
        (8, "09:00", "Crown 26, preparation", people.OKONJO),
        (0, "11:30", "Crown 26", people.OKONJO),
    ),
    *_plan(
        people.CHEN,
        (200, "15:00", "Recall", people.HADDAD),
        (9, "13:00", "Surgery planning 48", people.BAUM),
        (0, "13:30", "Surgery 48", people.BAUM),
    ),
    *_plan(
        people.DUARTE,
        (400, "14:00", "Orthodontic records", people.OKONJO),
        (210, "14:30", "Braces check", people.OKONJO),
        (60, "14:15", "Braces check", people.OKONJO),
        (0, "14:15", "Braces check", people.OKONJO),
    ),
    *_plan(
        people.NAIR,
        (110, "15:45", "Recall", people.HADDAD),
        (0, "15:45", "Sealants", people.HADDAD),
    ),
    *_plan(
        people.AALTO,
        (300, "10:00", "Recall", people.HADDAD),
        (19, "11:00", "Denture, impression", people.OKONJO),
        (-5, "09:00", "Denture", people.OKONJO),
    ),
    *_plan(
        people.BAKR,
        (175, "16:00", "Recall", people.HADDAD),
        (-10, "16:00", "Recall", people.HADDAD),
    ),
    *_plan(
        people.CASTELLANOS,
        (240, "09:30", "Emergency 16", people.OKONJO),
        (34, "12:00", "Root canal 16", people.OKONJO),
    ),
    *_plan(
        people.DAHL,
        (330, "08:15", "Recall", people.HADDAD),
        (95, "08:30", "Perio check", people.OKONJO),
    ),
    *_plan(
        people.FERRARI,
        (150, "17:00", "Recall", people.HADDAD),
        (14, "17:00", "Whitening", people.HADDAD),
        (-12, "17:00", "Whitening control", people.HADDAD),
    ),
    *_plan(people.KOWALCZYK, (0, "15:00", "First visit", people.OKONJO)),
)


def practice(seed: int, *, today: date) -> Practice:
    """The whole practice as it stands on `today`. The same arguments give the same practice."""
    appointments = _appointments(today)
    charts = [
        Chart(seed=seed, index=index, patient=patient)
        for index, patient in enumerate(people.PATIENTS)
    ]
    for index, story in _STORIES.items():
        story(charts[index], _visits_of(index, appointments))
    last = {index: _visits_of(index, appointments)[-1] for index in _STORIES}
    trouble.spread(charts, last)
    files = [file for chart in charts for file in chart.files]
    return Practice(
        name=paper.PRACTICE,
        patients=people.PATIENTS,
        accounts=people.ACCOUNTS,
        providers=people.PROVIDERS,
        assignments=people.ASSIGNMENTS,
        appointments=appointments,
        files=tuple(sorted(files, key=lambda file: (file.captured_at, file.patient, file.name))),
    )


def _appointments(today: date) -> tuple[DemoAppointment, ...]:
    made = [_appointment(planned, today) for planned in _VISITS]
    return tuple(sorted(made, key=lambda one: (one.starts_at, one.patient)))


def _appointment(planned: _Planned, today: date) -> DemoAppointment:
    day = today - timedelta(days=planned.days)
    if planned.days and day.weekday() >= _SATURDAY:  # closed; today is open whatever it is
        day -= timedelta(days=day.weekday() - _SATURDAY + 1)
    if planned.days < 0 and day <= today:
        day = today + timedelta(days=3)
    starts = datetime.combine(day, planned.at, UTC)
    status = AppointmentStatus.FULFILLED if planned.days > 0 else AppointmentStatus.BOOKED
    return DemoAppointment(
        patient=planned.patient, provider=planned.provider, starts_at=starts,
        ends_at=starts + timedelta(minutes=planned.minutes), kind=planned.kind, status=status,
    )  # fmt: skip


def _visits_of(patient: int, appointments: tuple[DemoAppointment, ...]) -> list[Visit]:
    """A patient's past visits, oldest first."""
    return [
        Visit(
            number=number, at=one.starts_at, kind=one.kind, provider=people.PROVIDERS[one.provider]
        )
        for number, one in enumerate(appointments)
        if one.patient == patient and one.status is AppointmentStatus.FULFILLED
    ]


# ── one story a patient ──────────────────────────────────────────────────────────────────────


def _marlowe(chart: Chart, visits: list[Visit]) -> None:
    recall, extraction, planning = visits
    chart.teeth = {
        36: {"missing": True}, 26: {"filling": "root"}, 47: {"filling": "crown"},
        16: {"filling": "amalgam"}, 46: {"filling": "amalgam"}, 15: {"lesion_mm": 1.8},
        18: {"missing": True}, 38: {"missing": True}, 24: {"filling": "composite"},
    }  # fmt: skip
    chart.bone_loss_mm = 0.9
    before = photos.Teeth(shade=0.7, crowding=0.8, inflammation=0.3)
    chart.mouth = photos.Teeth(shade=0.7, crowding=0.8, missing_lower=frozenset({6}))
    chart.bitewings(recall)
    chart.periapicals(recall, FULL_MOUTH)
    paperwork.history(chart, recall)
    paperwork.note(chart, recall, "all")
    chart.periapicals(extraction, ((34, 35, 36, 37),), note="before")
    chart.periapicals(extraction, ((34, 35, 36, 37),), minute=55, note="after")
    chart.treatment_photo(
        extraction, "surgical", "Before extraction, lower", view="lower", mouth=before, minute=5
    )
    chart.treatment_photo(extraction, "surgical", "Socket, lower", view="lower", minute=50)
    paperwork.consent(chart, extraction, "Extraction of tooth 36")
    paperwork.note(chart, extraction, "36")
    paperwork.lab_order(chart, extraction, "Temporary partial denture 36", "A3")
    chart.panoramic(planning, is_annotated=True)
    chart.cbct(planning, missing=6)
    chart.bitewings(planning, minute=14)
    chart.photo_set(planning)
    chart.faces(planning, poses=("rest", "smile"))
    chart.scans(planning)
    chart.heart_sound(planning)
    chart.heart_sound(planning, place="aortic", murmur="")
    paperwork.consent(chart, planning, "Implant surgery, tooth 36")
    paperwork.blood(chart, planning, 2.4)
    steps = ("Implant 36, 4.1 × 10 mm", "Healing, twelve weeks", "Crown on implant 36",
             "Control of tooth 15 in six months")  # fmt: skip
    paperwork.treatment_plan(chart, planning, steps)
    paperwork.claim(chart, planning, "Implant 36", 2350, is_before=True)
    paperwork.referral(
        chart, planning, "She takes apixaban; may it be paused before an implant at 36?"
    )
    paperwork.recall_letter(chart, recall)


def _oyelaran(chart: Chart, visits: list[Visit]) -> None:
    recall, filling = visits
    chart.teeth = {46: {"filling": "composite"}, 17: {"caries": 0.5}}
    chart.mouth = photos.Teeth(crowding=0.4)
    chart.bitewings(recall)
    chart.panoramic(recall)
    paperwork.history(chart, recall)
    paperwork.note(chart, recall, "all")
    chart.periapicals(filling, ((47, 46, 45),), note="after")
    chart.treatment_photo(filling, "procedure", "Filling 46, lower", view="lower")
    chart.photo_set(filling)
    paperwork.note(chart, filling, "46")
    paperwork.claim(chart, filling, "Filling 46, two surfaces", 140)
    paperwork.recall_letter(chart, filling)


def _brandt(chart: Chart, visits: list[Visit]) -> None:
    canal, preparation = visits
    chart.teeth = {26: {"filling": "root"}, 16: {"filling": "amalgam"}, 36: {"filling": "amalgam"},
                   48: {"missing": True}}  # fmt: skip
    chart.bone_loss_mm = 0.6
    chart.mouth = photos.Teeth(shade=0.5)
    chart.bitewings(canal)
    chart.panoramic(canal)
    chart.periapicals(canal, ((25, 26, 27), (24, 25, 26)), note="working length")
    chart.periapicals(canal, ((25, 26, 27),), minute=50, note="after")
    paperwork.history(chart, canal)
    paperwork.consent(chart, canal, "Root canal treatment, tooth 26")
    paperwork.note(chart, canal, "26")
    chart.periapicals(preparation, ((25, 26, 27),))
    chart.scans(preparation)
    chart.die(preparation)
    chart.photo_set(preparation)
    chart.treatment_photo(preparation, "prosthetic", "Crown preparation 26, upper", view="upper")
    paperwork.lab_order(chart, preparation, "Zirconia crown 26", "A2")
    paperwork.note(chart, preparation, "26")
    paperwork.claim(chart, preparation, "Crown 26", 980, is_before=True)
    paperwork.referral(
        chart, preparation, "The apex of 26 stays tender. Would you see an indication for surgery?"
    )


def _chen(chart: Chart, visits: list[Visit]) -> None:
    recall, planning = visits
    chart.teeth = {38: {"missing": True}, 18: {"missing": True}}
    chart.mouth = photos.Teeth(crowding=0.5)
    chart.bitewings(recall)
    chart.photo_set(recall)
    paperwork.history(chart, recall)
    paperwork.note(chart, recall, "all")
    chart.panoramic(planning, is_annotated=True)
    chart.cbct(planning)
    chart.periapicals(planning, ((48, 47, 46),))
    chart.faces(planning)
    chart.heart_sound(planning, murmur="ejection")
    paperwork.consent(chart, planning, "Removal of tooth 48")
    paperwork.blood(chart, planning, 1.0)
    paperwork.treatment_plan(
        chart, planning, ("Removal of 48 under local anaesthesia", "Control after a week")
    )
    paperwork.referral(
        chart, planning, "Tooth 48 lies close to the canal. Please advise on the approach."
    )
    paperwork.claim(chart, planning, "Surgical removal 48", 420, is_before=True)


def _duarte(chart: Chart, visits: list[Visit]) -> None:
    records, first, second = visits
    crowded = photos.Teeth(crowding=2.6)
    chart.mouth = crowded
    chart.panoramic(records)
    chart.bitewings(records)
    chart.faces(records)
    chart.photo_set(records)
    chart.scans(records)
    paperwork.history(chart, records)
    paperwork.consent(chart, records, "Orthodontic treatment")
    paperwork.treatment_plan(
        chart, records, ("Upper and lower fixed braces", "Eighteen months", "Retainers")
    )
    paperwork.court_order(chart, records)
    chart.mouth = photos.Teeth(crowding=1.6, has_brackets=True)
    chart.photo_set(first)
    chart.treatment_photo(first, "progress", "Progress, seven months")
    paperwork.note(chart, first, "all")
    chart.mouth = photos.Teeth(crowding=0.7, has_brackets=True, inflammation=0.6)
    chart.photo_set(second)
    chart.jaw_film(second)
    chart.faces(second)
    chart.treatment_photo(second, "progress", "Progress, twelve months")
    paperwork.note(chart, second, "all")
    paperwork.claim(chart, second, "Fixed braces, second year", 1600)


def _nair(chart: Chart, visits: list[Visit]) -> None:
    (recall,) = visits
    chart.teeth = {number: {"missing": True} for number in (18, 28, 38, 48)}
    chart.bitewings(recall)
    chart.photo_set(recall, views=("frontal", "upper", "lower"))
    paperwork.history(chart, recall)
    paperwork.consent(chart, recall, "Fissure sealing of four molars")
    paperwork.note(chart, recall, "16 26 36 46")
    paperwork.recall_letter(chart, recall)


def _aalto(chart: Chart, visits: list[Visit]) -> None:
    recall, impression = visits
    gone = (18, 17, 16, 26, 27, 28, 38, 37, 46, 47, 48)
    chart.teeth = {number: {"missing": True} for number in gone} | {
        15: {"filling": "crown"}, 36: {"filling": "root"}
    }  # fmt: skip
    chart.bone_loss_mm = 2.2
    chart.mouth = photos.Teeth(
        shade=1.0, crowding=1.2, inflammation=0.5,
        missing_upper=frozenset({6, 7, -6, -7}), missing_lower=frozenset({7, -6, -7}),
    )  # fmt: skip
    chart.panoramic(recall)
    chart.periapicals(recall, ((14, 13, 12), (12, 11, 21, 22), (44, 43, 42), (42, 41, 31, 32)))
    paperwork.history(chart, recall)
    paperwork.pockets(chart, recall)
    chart.photo_set(impression)
    chart.faces(impression)
    chart.scans(impression)
    chart.jaw_film(impression)
    paperwork.consent(chart, impression, "Partial denture, upper")
    paperwork.lab_order(chart, impression, "Cobalt chrome partial denture, upper", "A3.5")
    paperwork.treatment_plan(
        chart, impression, ("Partial denture, upper", "Scaling", "Control at six months")
    )
    paperwork.note(chart, impression, "all")


def _bakr(chart: Chart, visits: list[Visit]) -> None:
    (recall,) = visits
    chart.teeth = {37: {"filling": "amalgam"}, 27: {"caries": -0.6}}
    chart.bitewings(recall)
    chart.panoramic(recall)
    chart.periapicals(recall, ((25, 26, 27),))
    chart.photo_set(recall)
    paperwork.history(chart, recall)
    paperwork.note(chart, recall, "27 37")
    paperwork.recall_letter(chart, recall)
    paperwork.dictation(chart, recall)


def _castellanos(chart: Chart, visits: list[Visit]) -> None:
    emergency, canal = visits
    chart.teeth = {16: {"filling": "root", "lesion_mm": 2.2}, 46: {"filling": "composite"}}
    chart.mouth = photos.Teeth(shade=0.3, inflammation=0.8)
    chart.periapicals(emergency, ((17, 16, 15),), note="pain")
    chart.panoramic(emergency)
    chart.photo_set(emergency, views=("frontal", "upper"))
    paperwork.history(chart, emergency)
    paperwork.note(chart, emergency, "16")
    chart.periapicals(canal, ((17, 16, 15), (16, 15, 14)), note="working length")
    chart.periapicals(canal, ((17, 16, 15),), minute=52, note="after")
    chart.bitewings(canal)
    paperwork.consent(chart, canal, "Root canal treatment, tooth 16")
    paperwork.note(chart, canal, "16")
    paperwork.claim(chart, canal, "Root canal treatment 16", 640)
    paperwork.referral(
        chart, canal, "A fourth canal at 16 could not be found. Would you look under magnification?"
    )


def _dahl(chart: Chart, visits: list[Visit]) -> None:
    recall, perio = visits
    chart.teeth = {
        46: {"filling": "crown"}, 36: {"filling": "crown"}, 26: {"filling": "amalgam"},
        17: {"missing": True}, 28: {"missing": True}, 45: {"filling": "root"},
    }  # fmt: skip
    chart.bone_loss_mm = 3.0
    chart.mouth = photos.Teeth(shade=1.0, crowding=1.4, inflammation=1.0)
    chart.panoramic(recall, is_annotated=True)
    chart.bitewings(recall)
    paperwork.history(chart, recall)
    paperwork.note(chart, recall, "all")
    chart.periapicals(perio, ((47, 46, 45), (35, 36, 37), (12, 11, 21, 22), (42, 41, 31, 32)))
    chart.photo_set(perio)
    chart.heart_sound(perio, murmur="systolic")
    paperwork.pockets(chart, perio)
    paperwork.blood(chart, perio, 1.1)
    paperwork.referral(
        chart, perio, "A systolic murmur was heard. Is prophylaxis wanted before scaling?"
    )
    paperwork.recall_letter(chart, recall)


def _ferrari(chart: Chart, visits: list[Visit]) -> None:
    recall, whitening = visits
    chart.mouth = photos.Teeth(shade=0.8, crowding=0.2)
    chart.bitewings(recall)
    chart.panoramic(recall)
    chart.photo_set(recall)
    paperwork.history(chart, recall)
    paperwork.note(chart, recall, "all")
    chart.faces(whitening, poses=("smile",))
    chart.treatment_photo(whitening, "before-after", "Before, whitening", minute=3)
    bright = photos.Teeth(shade=0.0, crowding=0.2)
    chart.treatment_photo(whitening, "before-after", "After, whitening", mouth=bright, minute=48)
    paperwork.consent(chart, whitening, "Whitening")
    paperwork.dictation(chart, whitening)


_STORIES: dict[int, Callable[[Chart, list[Visit]], None]] = {
    people.MARLOWE: _marlowe,
    people.OYELARAN: _oyelaran,
    people.BRANDT: _brandt,
    people.CHEN: _chen,
    people.DUARTE: _duarte,
    people.NAIR: _nair,
    people.AALTO: _aalto,
    people.BAKR: _bakr,
    people.CASTELLANOS: _castellanos,
    people.DAHL: _dahl,
    people.FERRARI: _ferrari,
}
