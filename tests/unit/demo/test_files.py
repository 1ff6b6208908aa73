"""The demonstration's files: the same each time, of the kinds they say, about whom they say."""

from __future__ import annotations

import hashlib
import io
import struct
import zipfile
from collections import Counter
from datetime import UTC, date, datetime

import numpy as np
import openpyxl
import pikepdf
import pydicom
import pypdfium2
import pytest
from PIL import Image

from medstack.demo.files import DemoFile, Practice, arches, clip, practice, sound
from medstack.demo.files.noise import rng_for
from medstack.kit.actor import Role
from medstack.people import AppointmentStatus, check_chart_number
from medstack.records import AccessLevel, Category, Status, subcategory_of

TODAY = date(2026, 11, 21)


@pytest.fixture(scope="module")
def made() -> Practice:
    return practice(1, today=TODAY)


def of(made: Practice, subcategory: str, **wanted: object) -> list[DemoFile]:
    return [
        file
        for file in made.files
        if file.subcategory == subcategory
        and all(getattr(file, name) == value for name, value in wanted.items())
    ]


def header(file: DemoFile) -> pydicom.Dataset:
    return pydicom.dcmread(io.BytesIO(file.make()), stop_before_pixels=True)


def one_of_each(made: Practice) -> list[DemoFile]:
    kinds = {(file.name.rsplit(".", 1)[-1], file.subcategory): file for file in made.files}
    return list(kinds.values())


def test_a_practice_has_a_dozen_patients_and_several_hundred_files(made):
    assert len(made.patients) == 12
    assert len(made.providers) == 3
    assert 300 <= len(made.files) <= 400
    for patient in made.patients:
        check_chart_number(patient.patient_id)


def test_every_category_is_the_owners_and_every_one_is_used(made):
    assert {file.category for file in made.files} == set(Category)
    for file in made.files:
        assert subcategory_of(file.category, file.subcategory) == file.subcategory


def test_each_role_has_an_account_and_only_the_patient_a_chart(made):
    assert [account.role for account in made.accounts] == [
        Role.ADMIN, Role.DENTIST, Role.STAFF, Role.PATIENT
    ]  # fmt: skip
    assert [account.patient for account in made.accounts] == [None, None, None, 0]


def test_staff_cares_for_some_patients_and_not_for_others(made):
    mine = {patient for email, patient in made.assignments if email == "staff@demo.test"}
    assert 0 < len(mine) < len(made.patients)


def test_files_come_oldest_first_and_within_their_own_patients_visit(made):
    times = [file.captured_at for file in made.files]
    assert times == sorted(times)
    for file in made.files:
        visit = made.appointments[file.appointment]
        assert visit.patient == file.patient
        assert visit.starts_at <= file.captured_at
        assert visit.starts_at.date() == file.captured_at.date()


@pytest.mark.parametrize("day", [date(2026, 11, 21), date(2026, 3, 2), date(2024, 2, 29)])
def test_the_past_is_done_and_the_future_is_booked(day):
    for visit in practice(1, today=day).appointments:
        is_past = visit.starts_at.date() < day
        assert is_past == (visit.status is AppointmentStatus.FULFILLED)


def test_the_first_visit_today_has_no_record_yet(made):
    assert not [file for file in made.files if file.patient == 11]
    assert any(visit.patient == 11 for visit in made.appointments)


@pytest.mark.slow
def test_the_same_seed_gives_the_same_bytes_in_any_order(made):
    again = practice(1, today=TODAY)
    by_name = {(file.patient, file.name): file for file in again.files}
    for file in reversed(one_of_each(made)):
        first = hashlib.sha256(file.make()).digest()
        assert first == hashlib.sha256(by_name[file.patient, file.name].make()).digest(), file.name


def test_only_another_seed_gives_other_films(made):
    again, other = practice(1, today=TODAY), practice(2, today=TODAY)
    assert of(made, "bitewing")[0].make() == of(again, "bitewing")[0].make()
    assert made.files[0].name == other.files[0].name
    assert of(made, "bitewing")[0].make() != of(other, "bitewing")[0].make()


def test_no_two_files_of_a_patient_share_name_and_time(made):
    seen = Counter((file.patient, file.name, file.captured_at) for file in made.files)
    assert max(seen.values()) == 1


@pytest.mark.parametrize("subcategory", ["bitewing", "periapical", "panoramic", "cbct"])
def test_a_dicom_header_names_the_patient_of_its_record(made, subcategory):
    for file in of(made, subcategory, expects=Status.AVAILABLE)[::16]:
        patient = made.patients[file.patient]
        found = header(file)
        assert found.PatientID == patient.patient_id
        assert found.PatientName.family_name == patient.demographics.family_name
        assert found.PatientName.given_name == patient.demographics.given_name
        assert found.PatientBirthDate == f"{patient.demographics.birth_date:%Y%m%d}"


def test_a_ct_is_one_series_in_order_upwards(made):
    slices = [header(file) for file in of(made, "cbct", patient=0)]
    assert len(slices) == 48
    assert len({one.SeriesInstanceUID for one in slices}) == 1
    assert len({one.SOPInstanceUID for one in slices}) == 48
    heights = [one.ImagePositionPatient[2] for one in slices]
    assert heights == sorted(heights)


def test_every_dicom_instance_is_its_own(made):
    films = [*of(made, "bitewing", patient=0), *of(made, "periapical", patient=0)]
    found = [header(file).SOPInstanceUID for file in films]
    assert len(set(found)) == len(films)


def test_a_bitewing_has_dark_gaps_and_bright_enamel(made):
    films = (pydicom.dcmread(io.BytesIO(file.make())) for file in of(made, "bitewing"))
    grey = next(film for film in films if not film.file_meta.TransferSyntaxUID.is_compressed)
    low, high = np.percentile(grey.pixel_array, (4, 96))
    assert low < 900
    assert high > 3000


def test_photographs_know_their_time_their_turn_and_some_their_place(made):
    shots = of(made, "intraoral-photo", expects=Status.AVAILABLE)[::6]
    turns, places = set(), 0
    for file in shots:
        with Image.open(io.BytesIO(file.make())) as image:
            exif = image.getexif()
        turns.add(exif[0x0112])
        places += bool(exif.get_ifd(0x8825))
        assert exif[0x0132] == f"{file.captured_at:%Y:%m:%d %H:%M:%S}"
    assert turns == {1, 3, 6}
    assert 0 < places < len(shots)


def test_a_photograph_stands_upright_once_turned(made):
    for file in of(made, "intraoral-photo", patient=0, expects=Status.AVAILABLE)[2:5]:
        with Image.open(io.BytesIO(file.make())) as image:
            size = image.size if image.getexif()[0x0112] < 5 else image.size[::-1]
        assert size == (1280, 854)


def test_papers_have_a_text_layer_and_no_syntax_error(made):
    for file in made.files:
        if file.name.endswith(".pdf"):
            content = file.make()
            with pikepdf.open(io.BytesIO(content)) as whole:
                assert whole.check_pdf_syntax() == []
            with pypdfium2.PdfDocument(content) as whole:
                page = whole[0]
                text = page.get_textpage().get_text_range()
            assert made.patients[file.patient].demographics.family_name in text


def test_notes_and_tables_open(made):
    notes = of(made, "progress-note")
    with zipfile.ZipFile(io.BytesIO(notes[0].make())) as archive:
        assert b"Findings" in archive.read("word/document.xml")
    for file in of(made, "chart"):
        sheet = openpyxl.load_workbook(io.BytesIO(file.make())).active
        assert sheet["A1"].value == "Tooth"
        assert 2 <= sheet["B2"].value <= 6


def test_letters_are_scanned_in_black_and_in_grey(made):
    scans = [*of(made, "consent")[:3], *of(made, "referral-letter")[:3]]
    modes = set()
    for file in scans:
        if not file.name.endswith(".pdf"):
            with Image.open(io.BytesIO(file.make())) as image:
                modes.add(image.mode)
    assert modes == {"1", "L"}


@pytest.mark.parametrize("is_upper", [True, False])
def test_an_arch_is_closed_and_of_a_scanners_size(is_upper):
    triangles = arches.mesh(rng_for(1), is_upper=is_upper, step=0.5)
    assert 35_000 <= len(triangles) <= 80_000
    corners, faces = np.unique(triangles.reshape(-1, 3), axis=0, return_inverse=True)
    assert np.isfinite(corners).all()
    a, b, c = faces.reshape(-1, 3).T
    edges = set(zip(np.r_[a, b, c].tolist(), np.r_[b, c, a].tolist(), strict=True))
    assert len(edges) == 3 * len(triangles)
    assert all((end, start) in edges for start, end in edges)


def test_an_impression_says_how_many_faces_it_has(made):
    for file in of(made, "digital-impression"):
        content = file.make()
        if not content.startswith(b"solid"):
            (count,) = struct.unpack_from("<I", content, 80)
            assert len(content) == 84 + 50 * count


def test_a_murmur_is_heard_between_the_sounds_and_only_there():
    def loudness(murmur: str) -> float:
        content = sound.heart(rng_for(3), seconds=6, rate_per_min=60, murmur=murmur)
        wave = np.frombuffer(content[44:], "<i2").astype(float)
        spectrum = np.abs(np.fft.rfft(wave))
        hertz = np.fft.rfftfreq(len(wave), 1 / sound.RATE)
        return float(spectrum[(hertz > 200) & (hertz < 400)].sum())

    assert loudness("systolic") > 3 * loudness("")


def test_the_film_is_small_and_says_when_it_was_taken():
    taken = datetime(2026, 9, 22, 14, 40, tzinfo=UTC)
    film = clip.film(taken)
    assert len(film) < 150_000
    assert film[4:8] == b"ftyp"
    at = film.index(b"mvhd") + 8
    (seconds,) = struct.unpack_from(">I", film, at)
    assert seconds - 2_082_844_800 == taken.timestamp()


def test_four_files_are_trouble_each_in_its_way(made):
    trouble = {file.name: file for file in made.files if file.expects is not Status.AVAILABLE}
    assert {name: file.expects for name, file in trouble.items()} == {
        "Bitewing_left_2.dcm": Status.QUARANTINED,
        "invoice_overdue.txt": Status.QUARANTINED,
        "IMG_2231.jpg": Status.REJECTED,
        "claim_form_meridian.docx": Status.HELD,
    }
    misfiled = trouble["Bitewing_left_2.dcm"]
    own = made.patients[misfiled.patient]
    assert header(misfiled).PatientID != own.patient_id
    assert b"EICAR" in trouble["invoice_overdue.txt"].make()
    with Image.open(io.BytesIO(trouble["IMG_2231.jpg"].make())) as torn, pytest.raises(OSError):
        torn.load()


def test_access_levels_beyond_the_patients_are_used(made):
    assert {file.access_level for file in made.files} == set(AccessLevel)
