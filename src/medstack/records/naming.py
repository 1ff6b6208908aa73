"""Download names: `[PatientID]_[Category]_[Date]_[Sequence].[Ext]`.

Example: P001234_XRAY_20241206_001.jpg. A patient's number identifies the patient, so such a name is
only ever given to a file as it leaves; it is no storage key, no URL and in no log.
"""

from __future__ import annotations

import re

from medstack.kit.ids import PatientId
from medstack.records.model import DownloadName

PATTERN = re.compile(r"[A-Z0-9-]{1,20}_[A-Z]{2,6}_[0-9]{8}_[0-9]{3,}\.[a-z0-9]{2,5}\Z")


def download_name(patient: PatientId, name: DownloadName, extension: str) -> str:
    """The owner's file name. `patient` is the chart number; it is made safe, not checked."""
    number = re.sub(r"[^A-Z0-9-]", "-", patient.upper())[:20] or "X"
    suffix = re.sub(r"[^a-z0-9]", "", extension.lower())[:5]
    ending = suffix if len(suffix) >= 2 else "bin"
    return f"{number}_{name.code}_{name.on:%Y%m%d}_{name.sequence:03d}.{ending}"
