"""The owner's categories, the types he names in each, and their short codes in file names.

Literal tables, kept in his order. Sources: requirements/medical-records.md "File Types &
Categories" and "Billing Integration"; requirements/attachments-and-media.md for the clinical
photos, reports, recordings and sounds. Codes: research/field.md §4.
"""

from __future__ import annotations

from medstack.kit.errors import Invalid
from medstack.records.model import Category

SUBCATEGORIES: dict[Category, dict[str, str]] = {
    Category.DIAGNOSTIC_IMAGES: {
        "periapical": "XRAY",
        "bitewing": "XRAY",
        "panoramic": "XRAY",
        "x-ray": "XRAY",
        "intraoral-photo": "IOP",
        "extraoral-photo": "EOP",
        "cbct": "CBCT",
        "digital-impression": "SCAN",
        "dicom-image": "DCM",
        "heart-sound": "AUD",
        "lung-sound": "AUD",
        "physical-exam": "EXAM",
        "patient-movement": "EXAM",
    },
    Category.TREATMENT_PHOTOS: {
        "before-after": "TXBA",
        "surgical": "SURG",
        "prosthetic": "PROS",
        "progress": "PROG",
        "dermatological": "DERM",
        "wound": "WND",
        "procedure": "PROC",
    },
    Category.FORMS_DOCUMENTS: {
        "medical-history": "HX",
        "consent": "CONS",
        "insurance-form": "INSF",
        "referral-letter": "REF",
        "lab-prescription": "LABRX",
        "lab-result": "LAB",
        "pathology-report": "PATH",
        "consultation-note": "CONSL",
        "historical-record": "HIST",
        "test-result": "TEST",
        "chart": "CHART",
    },
    Category.ADMINISTRATIVE: {
        "treatment-plan": "TXP",
        "progress-note": "NOTE",
        "correspondence": "CORR",
        "legal-document": "LEGAL",
        "dictation": "AUD",
        "conference": "AUD",
        "educational": "EDU",
    },
    Category.INSURANCE: {
        "claim": "CLAIM",
        "pre-authorization": "PREAU",
        "treatment-verification": "VERIF",
    },
    Category.CORRESPONDENCE: {
        "patient-communication": "CORR",
        "specialist-communication": "CORR",
    },
}

CATEGORY_CODES: dict[Category, str] = {
    Category.DIAGNOSTIC_IMAGES: "DIAG",
    Category.TREATMENT_PHOTOS: "PHOTO",
    Category.FORMS_DOCUMENTS: "FORM",
    Category.ADMINISTRATIVE: "ADMIN",
    Category.INSURANCE: "INS",
    Category.CORRESPONDENCE: "CORR",
}


class UnknownCategory(Invalid):
    code = "unknown-category"
    title = "This category does not exist"


class UnknownSubcategory(Invalid):
    code = "unknown-subcategory"
    title = "This subcategory does not exist in its category"


def category_of(text: str) -> Category:
    """Read a category. Raises UnknownCategory, naming the six."""
    try:
        return Category(text)
    except ValueError:
        raise UnknownCategory("Give one of the six categories.", allowed=tuple(Category)) from None


def subcategory_of(category: Category, text: str | None) -> str | None:
    """Read a subcategory; empty is none. Raises UnknownSubcategory, naming its category's."""
    if not text:
        return None
    if text not in SUBCATEGORIES[category]:
        raise UnknownSubcategory(
            "Give a subcategory of the record's category, or none.",
            allowed=tuple(SUBCATEGORIES[category]),
        )
    return text


def short_code(category: Category, subcategory: str | None) -> str:
    """The two to six capitals that stand for a type in a download name."""
    if subcategory is None:
        return CATEGORY_CODES[category]
    return SUBCATEGORIES[category][subcategory]
