"""Who is in the demonstration practice. All invented."""

from __future__ import annotations

from datetime import date

from medstack.demo.files.model import DemoAccount, DemoPatient, DemoProvider
from medstack.kit.actor import Role
from medstack.people import Demographics, Sex

MARLOWE, OYELARAN, BRANDT, CHEN, DUARTE, NAIR = range(6)
AALTO, BAKR, CASTELLANOS, DAHL, FERRARI, KOWALCZYK = range(6, 12)
OKONJO, BAUM, HADDAD = range(3)

ADMIN, DENTIST, STAFF, PATIENT = (
    f"{name}@demo.test" for name in ("admin", "dentist", "staff", "patient")
)

_F, _M = Sex.FEMALE, Sex.MALE
_PEOPLE = (
    ("Marlowe", "Anna K.", date(1961, 4, 12), _F, ("Penicillin allergy", "Apixaban")),
    ("Oyelaran", "Tunde", date(1988, 2, 2), _M, ()),
    ("Brandt", "Jonas", date(1974, 9, 30), _M, ()),
    ("Chen", "Mei-Ling", date(1995, 1, 8), _F, ("Latex allergy",)),
    ("Duarte", "Inês", date(2009, 7, 17), _F, ()),
    ("Nair", "Saanvi", date(2016, 5, 5), _F, ("Asthma",)),
    ("Aalto", "Henna", date(1957, 3, 19), _F, ()),
    ("Bakr", "Farid", date(1990, 11, 11), _M, ()),
    ("Castellanos", "Eva", date(1982, 8, 25), _F, ("Penicillin allergy",)),
    ("Dahl", "Oskar", date(1948, 6, 6), _M, ("Pacemaker", "Systolic murmur")),
    ("Ferrari", "Giulia", date(1999, 2, 14), _F, ()),
    ("Kowalczyk", "Piotr", date(1969, 12, 22), _M, ()),
)

PATIENTS = tuple(
    DemoPatient(
        patient_id=f"P{1001 + index:06d}",
        demographics=Demographics(
            family_name=family,
            given_name=given,
            birth_date=born,
            sex=sex,
            phone=f"+44 20 7946 0{100 + index}",
            address=(f"{3 + 7 * index} Quay Lane", "Harbour Street"),
            alerts=alerts,
        ),
    )
    for index, (family, given, born, sex, alerts) in enumerate(_PEOPLE)
)

ACCOUNTS = (
    DemoAccount(email=ADMIN, display_name="A. Vasquez", role=Role.ADMIN),
    DemoAccount(email=DENTIST, display_name="Dr R. Okonjo", role=Role.DENTIST),
    DemoAccount(email=STAFF, display_name="L. Haddad", role=Role.STAFF),
    DemoAccount(email=PATIENT, display_name="Anna K. Marlowe", role=Role.PATIENT, patient=MARLOWE),
)

PROVIDERS = (
    DemoProvider(name="Dr R. Okonjo", discipline="General dentistry", account=DENTIST),
    DemoProvider(name="Dr T. Baum", discipline="Oral surgery"),
    DemoProvider(name="L. Haddad", discipline="Dental hygiene", account=STAFF),
)

ASSIGNMENTS = (
    *((DENTIST, index) for index in range(len(PATIENTS))),
    *((STAFF, index) for index in (MARLOWE, OYELARAN, DUARTE, NAIR, AALTO, FERRARI)),
)
