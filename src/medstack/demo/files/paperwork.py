"""The papers that follow a visit, put into a chart: each by one function of chart and visit."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from medstack.demo.files import office, paper, words
from medstack.demo.files.charting import Chart, Visit
from medstack.demo.files.noise import rng_for
from medstack.people import Demographics
from medstack.records import AccessLevel, Category

_FORMS, _ADMIN = Category.FORMS_DOCUMENTS, Category.ADMINISTRATIVE
_INSURANCE, _LETTERS = Category.INSURANCE, Category.CORRESPONDENCE


def consent(chart: Chart, visit: Visit, treatment: str) -> None:
    """Signed on paper and scanned for the older patients, on a screen for the others."""
    made = partial(
        words.consent, *_who(chart), treatment=treatment, by=visit.provider.name, at=visit.at
    )
    name = f"consent_{visit.at:%Y%m%d}"
    if chart.index % 2:
        chart.paper(
            visit,
            f"{name}.tif",
            category=_FORMS,
            subcategory="consent",
            words=f"Consent: {treatment.lower()}",
            make=lambda: paper.tiff(paper.scan(made(), seed=chart.seed)),
            tags=("signed", "scanned"),
        )
        return
    chart.paper(
        visit,
        f"{name}.pdf",
        category=_FORMS,
        subcategory="consent",
        words=f"Consent: {treatment.lower()}",
        make=lambda: paper.pdf(made()),
        tags=("signed",),
    )


def history(chart: Chart, visit: Visit) -> None:
    made = partial(words.medical_history, *_who(chart), by=visit.provider.name, at=visit.at)
    chart.paper(
        visit,
        "medical_history.pdf",
        category=_FORMS,
        subcategory="medical-history",
        words="Medical history",
        make=lambda: paper.pdf(made()),
        tags=("signed",),
        minute=1,
    )


def treatment_plan(chart: Chart, visit: Visit, steps: tuple[str, ...]) -> None:
    made = partial(
        words.treatment_plan, *_who(chart), steps=steps, by=visit.provider.name, at=visit.at
    )
    chart.paper(
        visit,
        f"treatment_plan_{visit.at:%Y%m%d}.pdf",
        category=_ADMIN,
        subcategory="treatment-plan",
        words="Treatment plan",
        make=lambda: paper.pdf(made()),
        minute=40,
    )


def note(chart: Chart, visit: Visit, teeth: str) -> None:
    by = visit.provider.name
    made = partial(
        office.docx,
        f"{visit.kind}, {visit.at:%d %b %Y}",
        words.progress_note(visit.kind, teeth, by),
        author=by,
        at=visit.at,
    )
    chart.paper(
        visit,
        f"note_{visit.at:%Y%m%d}.docx",
        category=_ADMIN,
        subcategory="progress-note",
        words=f"Note: {visit.kind.lower()}",
        make=made,
        access=AccessLevel.STAFF,
        minute=56,
    )


def dictation(chart: Chart, visit: Visit) -> None:
    said = partial(words.dictation, visit.kind, visit.provider.name, visit.at)
    chart.paper(
        visit,
        f"dictation_{visit.at:%Y%m%d}.txt",
        category=_ADMIN,
        subcategory="dictation",
        words="Dictation, typed",
        make=lambda: said().encode(),
        access=AccessLevel.DENTIST,
        minute=58,
    )


def lab_order(chart: Chart, visit: Visit, work: str, shade: str) -> None:
    made = partial(
        words.lab_prescription,
        *_who(chart),
        work=work,
        shade=shade,
        by=visit.provider.name,
        at=visit.at,
    )
    chart.paper(
        visit,
        f"lab_order_{visit.at:%Y%m%d}.pdf",
        category=_FORMS,
        subcategory="lab-prescription",
        words=work,
        make=lambda: paper.pdf(made()),
        tags=("lab",),
        minute=45,
    )


def blood(chart: Chart, visit: Visit, inr: float) -> None:
    """As the laboratory sends it: a table for machines and a sheet for people."""
    table = words.blood_results(inr, visit.at)
    chart.paper(
        visit,
        f"lab_{visit.at:%Y%m%d}.csv",
        category=_FORMS,
        subcategory="lab-result",
        words="Blood results",
        make=partial(office.comma_separated, table),
        tags=("lab", "INR"),
        minute=41,
    )
    made = partial(office.xlsx, "Results", table, author="Tideway Laboratory", at=visit.at)
    chart.paper(
        visit,
        f"lab_{visit.at:%Y%m%d}.xlsx",
        category=_FORMS,
        subcategory="lab-result",
        words="Blood results, sheet",
        make=made,
        tags=("lab",),
        minute=42,
    )


def pockets(chart: Chart, visit: Visit) -> None:
    rng = rng_for(chart.seed, chart.patient.patient_id, "pockets")
    numbers = [number for number in range(11, 49) if number % 10 in range(1, 9)]
    depths = rng.integers(2, 7, (len(numbers), 3))
    rows = tuple(
        (number, int(mesial), int(middle), int(distal))
        for number, (mesial, middle, distal) in zip(numbers, depths, strict=True)
    )
    made = partial(
        office.xlsx,
        "Periodontal chart",
        words.pocket_depths(rows),
        author=visit.provider.name,
        at=visit.at,
    )
    chart.paper(
        visit,
        f"perio_{visit.at:%Y%m%d}.xlsx",
        category=_FORMS,
        subcategory="chart",
        words="Periodontal chart",
        make=made,
        access=AccessLevel.STAFF,
        minute=22,
    )


def claim(
    chart: Chart, visit: Visit, treatment: str, amount: int, *, is_before: bool = False
) -> None:
    made = partial(
        words.claim,
        *_who(chart),
        treatment=treatment,
        amount=amount,
        by=visit.provider.name,
        at=visit.at,
        is_before=is_before,
    )
    kind = "pre-authorization" if is_before else "claim"
    chart.paper(
        visit,
        f"{kind}_{visit.at:%Y%m%d}.pdf",
        category=_INSURANCE,
        subcategory=kind,
        words=f"{treatment}, {amount}.00",
        make=lambda: paper.pdf(made()),
        tags=("insurer",),
        minute=47,
    )


def referral(chart: Chart, visit: Visit, question: str) -> None:
    """Written here, or come by post and scanned."""
    made = partial(
        words.referral, *_who(chart), question=question, by=visit.provider.name, at=visit.at
    )
    is_scanned = chart.index % 2 == 1
    make: Callable[[], bytes] = (
        (lambda: paper.jpeg(paper.scan(made(), seed=chart.seed)))
        if is_scanned
        else (lambda: paper.pdf(made()))
    )
    chart.paper(
        visit,
        f"referral_{visit.at:%Y%m%d}.{'jpg' if is_scanned else 'pdf'}",
        category=_FORMS,
        subcategory="referral-letter",
        words="Referral to oral surgery",
        make=make,
        tags=("scanned",) if is_scanned else ("sent",),
        minute=50,
    )


def recall_letter(chart: Chart, visit: Visit) -> None:
    made = partial(words.recall_letter, *_who(chart), by=visit.provider.name, at=visit.at)
    chart.paper(
        visit,
        f"recall_letter_{visit.at:%Y%m%d}.pdf",
        category=_LETTERS,
        subcategory="patient-communication",
        words="Recall letter",
        make=lambda: paper.pdf(made()),
        minute=59,
    )


def court_order(chart: Chart, visit: Visit) -> None:
    made = partial(words.custody, *_who(chart), at=visit.at)
    chart.paper(
        visit,
        "court_order.pdf",
        category=_ADMIN,
        subcategory="legal-document",
        words="Right to consent",
        make=lambda: paper.pdf(made()),
        access=AccessLevel.ADMIN,
        minute=55,
    )


def _who(chart: Chart) -> tuple[Demographics, str]:
    return chart.patient.demographics, chart.patient.patient_id
