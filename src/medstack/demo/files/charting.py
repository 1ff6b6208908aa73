"""Filling a chart: turns "bitewings at this visit" into files with names, words and bytes to be.

One `Chart` per patient knows the state of the teeth, so films, photographs and scans of one person
agree with each other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from medstack.demo.files import arches, cbct, clip, dicom, intraoral, photos, portraits, sound
from medstack.demo.files.model import DemoFile, DemoPatient, DemoProvider
from medstack.demo.files.noise import rng_for
from medstack.demo.files.panoramic import MM_PER_PX as PANORAMIC_MM
from medstack.demo.files.panoramic import panoramic
from medstack.demo.files.tooth import Tooth, tooth
from medstack.people import Sex
from medstack.records import AccessLevel, Category, Status

_DIAGNOSTIC, _TREATMENT = Category.DIAGNOSTIC_IMAGES, Category.TREATMENT_PHOTOS
_BITEWINGS = {
    "right": ((18, 17, 16, 15, 14), (48, 47, 46, 45, 44)),
    "left": ((24, 25, 26, 27, 28), (34, 35, 36, 37, 38)),
}
FULL_MOUTH = (
    (18, 17, 16),
    (16, 15, 14),
    (14, 13, 12),
    (12, 11, 21, 22),
    (22, 23, 24),
    (24, 25, 26),
    (26, 27, 28),
    (48, 47, 46),
    (46, 45, 44),
    (44, 43, 42),
    (42, 41, 31, 32),
    (32, 33, 34),
    (34, 35, 36),
    (36, 37, 38),
)
_PHOTO_VIEWS = ("frontal", "right", "left", "upper", "lower")
_HARBOUR = (51.5033, -0.0277)  # where the practice's camera thinks it is


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One appointment of one patient, as the stories tell it."""

    number: int  # index into Practice.appointments
    at: datetime
    kind: str
    provider: DemoProvider


@dataclass(slots=True)
class Chart:
    """Collects one patient's files."""

    seed: int
    index: int
    patient: DemoPatient
    teeth: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)  # state by FDI number
    mouth: photos.Teeth = field(default_factory=photos.Teeth)
    bone_loss_mm: float = 0.0
    files: list[DemoFile] = field(default_factory=list)

    # ── radiographs ──────────────────────────────────────────────────────────────────────

    def bitewings(self, visit: Visit, *, minute: int = 4) -> None:
        for step, (side, rows) in enumerate(_BITEWINGS.items()):
            at = visit.at + timedelta(minutes=minute + step)
            shown = " ".join(str(n) for row in rows for n in row[1:-1])
            by = self._exposure(visit, "IO", at, f"Bitewing {side}", 1 + step, teeth=shown)
            self._add(
                visit,
                at,
                f"Bitewing_{side}_{at:%Y%m%d}.dcm",
                category=_DIAGNOSTIC,
                subcategory="bitewing",
                words=f"Bitewing {side}",
                tags=(side, "recall"),
                make=partial(self._bitewing, rows, by),
            )

    def periapicals(
        self, visit: Visit, films: tuple[tuple[int, ...], ...], *, minute: int = 12, note: str = ""
    ) -> None:
        for step, numbers in enumerate(films):
            at = visit.at + timedelta(minutes=minute, seconds=50 * step)
            shown = " ".join(str(n) for n in numbers)
            words = f"Periapical {shown}{f', {note}' if note else ''}"
            by = self._exposure(visit, "IO", at, words, 10 + minute * 2 + step, teeth=shown)
            name = f"PA_{'-'.join(str(n) for n in numbers)}_{at:%Y%m%d}.dcm"
            tags = tuple(f"tooth {n}" for n in numbers[:3])
            self._add(
                visit,
                at,
                name,
                category=_DIAGNOSTIC,
                subcategory="periapical",
                words=words,
                tags=tags,
                make=partial(self._periapical, numbers, by, note),
            )

    def panoramic(self, visit: Visit, *, is_annotated: bool = False) -> None:
        at = visit.at + timedelta(minutes=2)
        by = self._exposure(visit, "PX", at, "Panoramic", 1, is_annotated=is_annotated)
        self._add(
            visit,
            at,
            f"PANO_{at:%Y%m%d}.dcm",
            category=_DIAGNOSTIC,
            subcategory="panoramic",
            words="Panoramic radiograph",
            tags=("both jaws",),
            make=partial(self._panoramic, by),
        )

    def cbct(self, visit: Visit, *, missing: int = 0, has_implant: bool = False) -> None:
        at = visit.at + timedelta(minutes=8)
        for number in range(1, cbct.SLICES + 1):
            by = self._exposure(
                visit,
                "CT",
                at,
                "CBCT jaws",
                number,
                mm_per_px=cbct.MM_PER_PX,
                slice_mm=cbct.MM_PER_SLICE,
            )
            self._add(
                visit,
                at + timedelta(milliseconds=10 * number),
                f"CT{number:04d}.dcm",
                category=_DIAGNOSTIC,
                subcategory="cbct",
                words=f"CBCT jaws, slice {number} of {cbct.SLICES}",
                tags=("planning",),
                make=partial(self._slice, number, missing, has_implant, by),
            )

    # ── pictures, sounds, shapes ─────────────────────────────────────────────────────────

    def photo_set(self, visit: Visit, *, views: tuple[str, ...] = _PHOTO_VIEWS) -> None:
        for step, view in enumerate(views):
            at = visit.at + timedelta(minutes=20, seconds=35 * step)
            camera = photos.Camera(
                taken_at=at,
                orientation=(1, 1, 1, 3, 6)[step % 5],
                gps=_HARBOUR if self.index % 2 == 0 else None,
            )
            self._add(
                visit,
                at,
                self._camera_name(at),
                category=_DIAGNOSTIC,
                subcategory="intraoral-photo",
                words=f"Intraoral {view}",
                tags=(view,),
                make=partial(self._intraoral, view, camera),
            )

    def treatment_photo(
        self,
        visit: Visit,
        subcategory: str,
        words: str,
        *,
        view: str = "frontal",
        mouth: photos.Teeth | None = None,
        minute: int = 30,
    ) -> None:
        at = visit.at + timedelta(minutes=minute)
        camera = photos.Camera(taken_at=at)
        self._add(
            visit,
            at,
            self._camera_name(at),
            category=_TREATMENT,
            subcategory=subcategory,
            words=words,
            tags=tuple(words.lower().split(", ")[:2]),
            make=partial(self._intraoral, view, camera, mouth or self.mouth),
        )

    def faces(self, visit: Visit, *, poses: tuple[str, ...] = ("rest", "smile", "profile")) -> None:
        for step, pose in enumerate(poses):
            at = visit.at + timedelta(minutes=17, seconds=25 * step)
            camera = photos.Camera(taken_at=at)
            self._add(
                visit,
                at,
                self._camera_name(at),
                category=_DIAGNOSTIC,
                subcategory="extraoral-photo",
                words=f"Face, {pose}",
                tags=(pose,),
                make=partial(self._face, pose, camera),
            )

    def heart_sound(self, visit: Visit, *, murmur: str = "", place: str = "mitral") -> None:
        at = visit.at + timedelta(minutes=34)
        self._add(
            visit,
            at,
            f"heart_{place}_{at:%Y%m%d}.wav",
            category=_DIAGNOSTIC,
            subcategory="heart-sound",
            words=f"Heart sound, {place}, before surgery",
            tags=("pre-op", place),
            make=partial(self._heart, murmur, place),
        )

    def jaw_film(self, visit: Visit) -> None:
        at = visit.at + timedelta(minutes=25)
        self._add(
            visit,
            at,
            "jaw_movement.mp4",
            category=_DIAGNOSTIC,
            subcategory="patient-movement",
            words="Opening and closing, lateral",
            tags=("joint",),
            make=partial(clip.film, at),
        )

    def scans(self, visit: Visit, *, jaws: tuple[str, ...] = ("upper", "lower")) -> None:
        for step, jaw in enumerate(jaws):
            at = visit.at + timedelta(minutes=27 + step)
            self._add(
                visit,
                at,
                f"{jaw}_jaw_scan.stl",
                category=_DIAGNOSTIC,
                subcategory="digital-impression",
                words=f"Digital impression, {jaw} jaw",
                tags=("scan", jaw),
                make=partial(self._scan, jaw, 0.52 if jaw == "upper" else 0.48),
            )

    def die(self, visit: Visit) -> None:
        """A coarse model a laboratory sent back as text."""
        at = visit.at + timedelta(minutes=29)
        self._add(
            visit,
            at,
            "model_lower_ascii.stl",
            category=_DIAGNOSTIC,
            subcategory="digital-impression",
            words="Working model from the laboratory",
            tags=("scan", "lab"),
            make=partial(self._ascii_scan, "lower"),
        )

    # ── papers ───────────────────────────────────────────────────────────────────────────

    def paper(
        self,
        visit: Visit,
        name: str,
        *,
        category: Category,
        subcategory: str,
        words: str,
        make: Callable[[], bytes],
        tags: tuple[str, ...] = (),
        minute: int = 31,
        access: AccessLevel = AccessLevel.PATIENT,
        expects: Status = Status.AVAILABLE,
    ) -> None:
        at = visit.at + timedelta(minutes=minute)
        self._add(
            visit,
            at,
            name,
            category=category,
            subcategory=subcategory,
            words=words,
            tags=tags,
            make=make,
            access=access,
            expects=expects,
        )

    @property
    def subject(self) -> dicom.Subject:
        person = self.patient.demographics
        assert person.birth_date is not None
        return dicom.Subject(
            patient_id=self.patient.patient_id,
            family_name=person.family_name,
            given_name=person.given_name,
            birth_date=person.birth_date,
            sex={Sex.FEMALE: "F", Sex.MALE: "M"}.get(person.sex, "O"),
        )

    def film_of(self, visit: Visit, of: dicom.Subject, name: str) -> Callable[[], bytes]:
        """A bitewing in this mouth whose header names `of`."""
        by = self._exposure(visit, "IO", visit.at, name, 99)
        return partial(self._bitewing, _BITEWINGS["right"], by, of)

    # ── the bytes ────────────────────────────────────────────────────────────────────────

    def _bitewing(
        self, rows: tuple[tuple[int, ...], ...], by: dicom.Exposure, of: dicom.Subject | None = None
    ) -> bytes:
        rng = self._rng("bitewing", by.series, by.number)
        upper, lower = (self._row(numbers) for numbers in rows)
        return dicom.instance(intraoral.bitewing(upper, lower, rng), of or self.subject, by)

    def _periapical(self, numbers: tuple[int, ...], by: dicom.Exposure, note: str) -> bytes:
        is_front = any(number % 10 <= 2 for number in numbers)
        row = self._row(numbers, is_before=note == "before")
        pixels = intraoral.periapical(
            row,
            is_upper=numbers[0] < 30,
            is_tall=is_front,
            rng=self._rng("periapical", by.series, by.number),
        )
        return dicom.instance(pixels, self.subject, by)

    def _panoramic(self, by: dicom.Exposure) -> bytes:
        pixels = panoramic(self.teeth, self._rng("panoramic", by.series))
        if by.is_annotated:
            pixels = _annotated(pixels, self._burned_in(by))
        return dicom.instance(pixels, self.subject, by)

    def _slice(self, number: int, missing: int, has_implant: bool, by: dicom.Exposure) -> bytes:
        slices = cbct.volume(self.seed * 100 + self.index, implant=has_implant, missing=missing)
        return dicom.instance(slices[number - 1], self.subject, by)

    def _intraoral(
        self, view: str, camera: photos.Camera, mouth: photos.Teeth | None = None
    ) -> bytes:
        rng = self._rng("mouth", view, camera.taken_at.isoformat())
        mouth = mouth or self.mouth
        if view in ("upper", "lower"):
            image = photos.occlusal(mouth, rng, is_upper=view == "upper")
        else:
            yaw = {"right": -0.75, "left": 0.75}.get(view, 0.0)
            image = photos.frontal(mouth, rng, yaw=yaw)
        return photos.jpeg(image, camera)

    def _face(self, pose: str, camera: photos.Camera) -> bytes:
        head = portraits.HEADS[self.index % len(portraits.HEADS)]
        return photos.jpeg(portraits.portrait(head, pose=pose, seed=self.seed), camera)

    def _heart(self, murmur: str, place: str) -> bytes:
        rng = self._rng("heart", place)
        return sound.heart(rng, seconds=12, rate_per_min=64 + 3 * self.index, murmur=murmur)

    def _scan(self, jaw: str, step: float) -> bytes:
        triangles = self._triangles(jaw, step)
        return arches.binary_stl(triangles, f"Harbour scanner {jaw} {self.patient.patient_id}")

    def _ascii_scan(self, jaw: str) -> bytes:
        return arches.ascii_stl(self._triangles(jaw, 1.9), f"model_{jaw}")

    def _triangles(self, jaw: str, step: float) -> arches.Triangles:
        is_upper = jaw == "upper"
        missing = self.mouth.missing_upper if is_upper else self.mouth.missing_lower
        return arches.mesh(self._rng("scan", jaw), is_upper=is_upper, missing=missing, step=step)

    # ── small things ─────────────────────────────────────────────────────────────────────

    def _add(
        self,
        visit: Visit,
        at: datetime,
        name: str,
        *,
        category: Category,
        subcategory: str,
        words: str,
        tags: tuple[str, ...],
        make: Callable[[], bytes],
        access: AccessLevel = AccessLevel.PATIENT,
        expects: Status = Status.AVAILABLE,
    ) -> None:
        self.files.append(
            DemoFile(
                patient=self.index,
                name=name,
                category=category,
                subcategory=subcategory,
                description=words,
                tags=tags,
                appointment=visit.number,
                access_level=access,
                captured_at=at,
                make=make,
                expects=expects,
            )
        )

    def _exposure(
        self,
        visit: Visit,
        modality: str,
        at: datetime,
        words: str,
        number: int,
        *,
        teeth: str = "",
        mm_per_px: float = 0.0,
        slice_mm: float = 0.0,
        is_annotated: bool = False,
    ) -> dicom.Exposure:
        usual = {"IO": intraoral.MM_PER_PX, "PX": PANORAMIC_MM, "CT": cbct.MM_PER_PX}[modality]
        return dicom.Exposure(
            modality=modality,
            study=f"{visit.kind} {visit.at:%Y-%m-%d}",
            series=f"{modality} {visit.at:%Y%m%d}",
            number=number,
            taken_at=at,
            description=words,
            physician=_reversed(visit.provider.name),
            mm_per_px=mm_per_px or usual,
            teeth=teeth,
            side="R" if "right" in words else "L" if "left" in words else "",
            is_annotated=is_annotated,
            slice_mm=slice_mm,
            is_compressed=modality == "PX" or (modality == "IO" and visit.number % 2 == 0),
        )

    def _row(self, numbers: tuple[int, ...], *, is_before: bool = False) -> intraoral.Row:
        return intraoral.Row(
            teeth=tuple(self._tooth(number, is_before=is_before) for number in numbers),
            bone_loss_mm=self.bone_loss_mm,
        )

    def _tooth(self, number: int, *, is_before: bool) -> Tooth | None:
        state = dict(self.teeth.get(number, {}))
        if state.pop("missing", False):
            if not is_before:
                return None
            state = {"lesion_mm": 2.4, "caries": 0.9}
        return tooth(f"{'U' if number < 30 else 'L'}{number % 10}", **state)

    def _rng(self, *words: str | int) -> np.random.Generator:
        return rng_for(self.seed, self.patient.patient_id, *words)

    def _camera_name(self, at: datetime) -> str:
        return f"IMG_{2000 + 37 * self.index + len(self.files):04d}_{at:%m%d}.jpg"

    def _burned_in(self, by: dicom.Exposure) -> tuple[str, ...]:
        who = self.subject
        return (
            f"{who.family_name.upper()} {who.given_name.upper()}",
            f"{who.birth_date:%d.%m.%Y}  {who.patient_id}",
            f"{by.taken_at:%d.%m.%Y %H:%M}",
        )


def _annotated(pixels: intraoral.Grey, lines: tuple[str, ...]) -> intraoral.Grey:
    """Words burned into the upper left corner, as older devices do."""
    image = Image.new("L", (pixels.shape[1], pixels.shape[0]))
    draw = ImageDraw.Draw(image)
    for row, line in enumerate(lines):
        draw.text((26, 18 + 24 * row), line, fill=235, font=ImageFont.load_default(18))
    return np.asarray(np.maximum(pixels, np.asarray(image, np.uint16) << 4), np.uint16)


def _reversed(name: str) -> str:
    """ "Dr R. Okonjo" as a DICOM name."""
    *given, family = name.split()
    title = "Dr" if given[0] == "Dr" else ""
    return f"{family}^{' '.join(part for part in given if part != 'Dr')}^^{title}".rstrip("^")
