"""What the demonstration's papers say: consents, histories, letters, plans, claims, notes."""

from __future__ import annotations

from datetime import datetime

from medstack.demo.files.office import Table
from medstack.demo.files.paper import PRACTICE, Paper
from medstack.people import Demographics


def _who(person: Demographics, patient_id: str) -> tuple[str, ...]:
    return (
        f"= Patient: {person.family_name}, {person.given_name}",
        f"= Date of birth and chart: {person.birth_date:%d %b %Y}, {patient_id}",
    )


def consent(
    person: Demographics, patient_id: str, *, treatment: str, by: str, at: datetime
) -> Paper:
    return Paper(
        title=f"Consent: {treatment.lower()}",
        lines=(
            *_who(person, patient_id),
            f"= Planned treatment: {treatment}",
            f"= Explained by: {by}",
            "",
            "I have been told what will be done, what it can and cannot achieve, and what else "
            "could be done instead, including doing nothing for now. I could ask questions and "
            "they were answered.",
            "",
            "# I have understood that",
            "- swelling, bruising and some pain are usual for two to four days",
            "- numbness of lip, chin or tongue is possible and in rare cases lasting",
            "- the result depends on healing and on my own care, and cannot be promised",
            "- photographs and radiographs are taken and kept in my record",
            "",
            "I agree to the treatment. I can take this back at any time before it begins.",
        ),
        signed_by=f"{person.given_name} {person.family_name}",
        author=by,
        at=at,
    )


def medical_history(person: Demographics, patient_id: str, *, by: str, at: datetime) -> Paper:
    alerts = ", ".join(person.alerts) or "None known"
    return Paper(
        title="Medical history",
        lines=(
            *_who(person, patient_id),
            f"= Allergies and warnings: {alerts}",
            "= Regular medicines: "
            + ("Apixaban 5 mg twice daily" if "Apixaban" in alerts else "None"),
            "= Last seen by a physician: within the last year",
            "",
            "# Asked and answered",
            "- Heart, circulation and blood pressure discussed",
            "- No bleeding disorder known in the family",
            "- No surgery in the last six months",
            "- Does not smoke, or has been told what smoking does to healing",
            "",
            "The answers are complete to my knowledge. I will tell the practice of changes.",
        ),
        signed_by=f"{person.given_name} {person.family_name}",
        author=by,
        at=at,
    )


def treatment_plan(
    person: Demographics, patient_id: str, *, steps: tuple[str, ...], by: str, at: datetime
) -> Paper:
    return Paper(
        title="Treatment plan",
        lines=(
            *_who(person, patient_id),
            "",
            "# Steps",
            *(f"- {step}" for step in steps),
            "",
            "# Alternatives discussed",
            "A removable partial denture or leaving the gap were discussed. The patient prefers "
            "the plan above. Fees are listed in the separate estimate, valid for ninety days.",
        ),
        signed_by=by,
        author=by,
        at=at,
    )


def referral(
    person: Demographics, patient_id: str, *, question: str, by: str, at: datetime
) -> Paper:
    return Paper(
        title="Referral letter",
        lines=(
            "K. Sand, Oral and maxillofacial surgery, Northgate Hospital",
            "",
            *_who(person, patient_id),
            "",
            "Dear colleague,",
            "",
            f"Thank you for seeing this patient. {question}",
            "",
            "Clinically there is no swelling and mouth opening is normal. Radiographs were taken "
            "here and are shared by a secure link that ends in thirty days. Please let me know "
            "whether you would treat under local anaesthesia or sedation.",
            "",
            f"Known warnings: {', '.join(person.alerts) or 'none'}.",
            "",
            "With kind regards,",
        ),
        signed_by=by,
        author=by,
        at=at,
    )


def lab_prescription(
    person: Demographics, patient_id: str, *, work: str, shade: str, by: str, at: datetime
) -> Paper:
    return Paper(
        title="Lab prescription",
        lines=(
            "Tideway Dental Laboratory",
            "",
            f"= Chart: {patient_id}",
            f"= Work: {work}",
            f"= Shade: {shade}",
            "= Impression: digital, STL by secure transfer",
            "= Try-in wanted: yes, ten working days",
            "",
            "Contact points light, occlusion relieved by 50 micrometres, polished margins. Call "
            f"before casting if the margin is not readable. Ordered for {person.family_name}.",
        ),
        signed_by=by,
        author=by,
        at=at,
    )


def claim(
    person: Demographics, patient_id: str, *, treatment: str, amount: int, by: str, at: datetime,
    is_before: bool,
) -> Paper:  # fmt: skip
    return Paper(
        title="Pre-authorisation request" if is_before else "Insurance claim",
        lines=(
            *_who(person, patient_id),
            "= Insurer: Meridian Mutual, member 0" + str(40_000 + amount),
            f"= Treatment: {treatment}",
            f"= Fee: {amount}.00",
            "",
            "# Enclosed",
            "- Radiograph taken before treatment",
            "- Treatment plan, signed",
            *(() if is_before else ("- Radiograph taken after treatment",)),
            "",
            "The treatment is needed because the tooth cannot be kept or restored otherwise.",
        ),
        signed_by=by,
        author=by,
        at=at,
    )


def recall_letter(person: Demographics, patient_id: str, *, by: str, at: datetime) -> Paper:
    return Paper(
        title="Your next check-up",
        lines=(
            f"{person.given_name} {person.family_name}",
            *person.address,
            "",
            f"Dear {person.given_name} {person.family_name},",
            "",
            "your last check-up was six months ago. Please call or book online for the next one. "
            "It takes forty minutes, and we will look at your gums and take two small films if "
            "the last ones are older than a year.",
            "",
            f"Your chart number is {patient_id}. Bring a list of your medicines if it changed.",
            "",
            f"{PRACTICE} is open from eight to six, Monday to Friday.",
        ),
        signed_by=by,
        author=by,
        at=at,
    )


def custody(person: Demographics, patient_id: str, *, at: datetime) -> Paper:
    return Paper(
        title="Court order: right to consent",
        lines=(
            *_who(person, patient_id),
            "",
            "Copy of the order of the family court received by the practice. Both parents share "
            "the right to consent to treatment. Either may receive records; letters go to both "
            "addresses. The order stands until the child comes of age.",
        ),
        author=PRACTICE,
        at=at,
    )


def progress_note(kind: str, teeth: str, by: str) -> tuple[str, ...]:
    return (
        "# Findings",
        f"Visit: {kind}. Teeth looked at: {teeth or 'all'}. Soft tissue healthy, hygiene fair.",
        "Probing depths up to 3 mm, bleeding at two sites. No percussion pain.",
        "# Done",
        "Explained the findings on the radiographs. Local anaesthesia articaine 4 %, 1.7 ml, where "
        "needed. Treatment without complication. Instructions given in writing.",
        "# Next",
        "Control in the time agreed. Earlier if there is pain or swelling.",
        by,
    )


def dictation(kind: str, by: str, at: datetime) -> str:
    return (
        f"Dictated by {by}, {at:%d %b %Y}\r\n\r\n"
        f"{kind}. Patient comfortable. Medical history unchanged since the last visit. "
        "Radiographs show bone levels as before. Occlusion stable, no new wear. "
        "Agreed to review at the next regular visit.\r\n"
    )


def blood_results(inr: float, at: datetime) -> Table:
    return (
        ("Collected", "Test", "Result", "Unit", "Low", "High", "Flag"),
        (f"{at:%Y-%m-%d}", "Haemoglobin", 13.4, "g/dL", 12.0, 16.0, ""),
        (f"{at:%Y-%m-%d}", "Leukocytes", 6.1, "10^9/L", 4.0, 10.0, ""),
        (f"{at:%Y-%m-%d}", "Platelets", 241, "10^9/L", 150, 400, ""),
        (f"{at:%Y-%m-%d}", "INR", inr, "", 0.8, 1.2, "H" if inr > 1.2 else ""),
        (f"{at:%Y-%m-%d}", "HbA1c", 5.4, "%", 4.0, 5.9, ""),
        (f"{at:%Y-%m-%d}", "CRP", 2.1, "mg/L", 0.0, 5.0, ""),
    )


def pocket_depths(rows: tuple[tuple[int, int, int, int], ...]) -> Table:
    """Periodontal chart: tooth, then depth in mm mesial, middle, distal."""
    return (("Tooth", "Mesial mm", "Middle mm", "Distal mm"), *rows)
