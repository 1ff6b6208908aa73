"""Why a file was stopped, for a person: what was wrong, and what to do. By the code on the record.

A sentence never holds a word of the file, of its name, or of the patient's.
"""

from __future__ import annotations

from collections.abc import Mapping

SENTENCES: Mapping[str, str] = {
    # what the content is
    "empty-file": "The file is empty. Export it again and send the new file.",
    "damaged-file": "The file is damaged or incomplete. Export it again and send the new file.",
    "extension-mismatch": (
        "The file is not the kind its name says. Rename it to what it is, or export it again."
    ),
    "ambiguous-kind": (
        "The file is more than one kind of file at once. Export it again from where it was made."
    ),
    "unrecognised-kind": (
        "This kind of file is not taken. Export it as one of the kinds in the documentation."
    ),
    "excessive-content": (
        "The file unpacks to more than is safe. Export it at a lower resolution or in parts."
    ),
    "encrypted-file": (
        "The file is protected by a password and could not be checked. Send it without one, or"
        " ask a dentist to look at it in the review queue."
    ),
    "parser-died": (
        "The file could not be read safely. A person has to look at it in the review queue."
    ),
    # what the malware engines say
    "scan-infected": (
        "A malware engine recognised this file. It is sealed; an administrator decides about it."
    ),
    "scan-forbidden": (
        "The file carries what no medical record needs: a program, a script, a second file or a"
        " bomb. Send a clean export."
    ),
    "scan-active": (
        "The file can act by itself, by macros or embedded programs. Send it without them, or"
        " ask a dentist to look at it in the review queue."
    ),
    "scan-limit": (
        "The malware engines could not look at all of the file. A person has to decide in the"
        " review queue."
    ),
    "scan-error": "The malware engine failed on this file. Try it again from the review queue.",
    "scan-unavailable": "The malware engine did not answer. The file is checked once it does.",
    "scanner-unavailable": "The malware engine did not answer. The file is checked once it does.",
    # what passes by itself
    "storage-full": "The disk is full. The file goes on by itself once there is room.",
    "storage-failed": "The disk reported errors. The file is tried again by itself.",
    "database-busy": "The database was too busy. The file goes on by itself.",
    "database-unreachable": "The database did not answer. The file goes on by itself.",
    "sandbox-unavailable": "No file could be read safely just then. It is tried again by itself.",
    # whose it is, and how large it may be
    "wrong-patient": (
        "The file names another patient than this chart's. Check whose it is: send it to the"
        " right chart, or let it go on from the review queue."
    ),
    "over-limit": (
        "The file is over the size limit of its kind. Send it in a clinical case, or in parts."
    ),
    "series-too-large": "The series is over its size limit. Send fewer images of it.",
    "quota-exceeded": "The patient's storage is full. Remove something or ask for more room.",
    "destroyed": "The file was destroyed by decision of a person. The log says who and why.",
}
OTHERWISE = "Processing stopped. A person has to look at it in the review queue."


def sentence_for(code: str | None) -> str | None:
    """What a person is told beside the code; None where nothing stopped."""
    return SENTENCES.get(code, OTHERWISE) if code else None
