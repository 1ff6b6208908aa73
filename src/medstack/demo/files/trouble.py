"""Files that must not simply arrive: one for each way a practice's day goes wrong."""

from __future__ import annotations

from functools import partial

from medstack.demo.files import office, people, photos
from medstack.demo.files.charting import Chart, Visit
from medstack.demo.files.noise import rng_for
from medstack.records import Category, Status
from medstack.scanners.eicar import eicar_file


def another_patients_film(chart: Chart, visit: Visit, other: Chart) -> None:
    """A bitewing whose own header names `other`: put into the wrong chart."""
    chart.paper(
        visit,
        "Bitewing_left_2.dcm",
        category=Category.DIAGNOSTIC_IMAGES,
        subcategory="bitewing",
        words="Bitewing left",
        make=chart.film_of(visit, other.subject, "Bitewing left"),
        expects=Status.QUARANTINED,
        minute=6,
    )


def harmless_virus(chart: Chart, visit: Visit) -> None:
    """The test file every scanner knows, as if it came with a mail."""
    chart.paper(
        visit,
        "invoice_overdue.txt",
        category=Category.CORRESPONDENCE,
        subcategory="specialist-communication",
        words="Attachment of a mail",
        make=eicar_file,
        expects=Status.QUARANTINED,
        minute=57,
    )


def torn_photo(chart: Chart, visit: Visit) -> None:
    """A photograph whose transfer broke off at two thirds."""
    chart.paper(
        visit,
        "IMG_2231.jpg",
        category=Category.DIAGNOSTIC_IMAGES,
        subcategory="intraoral-photo",
        words="Intraoral frontal",
        make=partial(_torn, chart, visit),
        expects=Status.REJECTED,
        minute=24,
    )


def macro_form(chart: Chart, visit: Visit) -> None:
    """A form from an insurer that brings a macro along: a person decides."""
    made = partial(office.docx_with_macros, "Claim form", author="Meridian Mutual", at=visit.at)
    chart.paper(
        visit,
        "claim_form_meridian.docx",
        category=Category.INSURANCE,
        subcategory="claim",
        words="Form to fill in",
        make=made,
        expects=Status.HELD,
        minute=58,
    )


def spread(charts: list[Chart], visits: dict[int, Visit]) -> None:
    """Put each into the last visit of somebody. visits: by patient."""
    brandt, ferrari = charts[people.BRANDT], charts[people.FERRARI]
    another_patients_film(brandt, visits[people.BRANDT], charts[people.OYELARAN])
    torn_photo(charts[people.MARLOWE], visits[people.MARLOWE])
    harmless_virus(ferrari, visits[people.FERRARI])
    macro_form(charts[people.DUARTE], visits[people.DUARTE])


def _torn(chart: Chart, visit: Visit) -> bytes:
    rng = rng_for(chart.seed, "torn", chart.patient.patient_id)
    whole = photos.jpeg(photos.frontal(chart.mouth, rng), photos.Camera(taken_at=visit.at))
    return whole[: len(whole) * 2 // 3]
