"""Tables of patients and of the people who care for them."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    text,
)

from medstack.db.schema import metadata
from medstack.db.types import Json, Timestamp


def _sorted(length: int) -> String:
    """Text that both databases order by its bytes."""
    return String(length).with_variant(String(length, collation="C"), "postgresql")


patients = Table(
    "patients",
    metadata,
    Column("key", BigInteger, primary_key=True, autoincrement=False),
    Column("id", String(20), nullable=False, unique=True),
    Column("family_name", Text, nullable=False),
    Column("given_name", Text, nullable=False),
    Column("sort_name", _sorted(220), nullable=False),
    Column("birth_date", Date),
    Column("sex", String(10), nullable=False),
    Column("phone", Text, nullable=False),
    Column("email", Text, nullable=False),
    Column("address", Json, nullable=False),
    Column("alerts", Json, nullable=False),
    Column("note", Text, nullable=False),
    Column("is_archived", Boolean, nullable=False),
    Column("quota_bytes", BigInteger),
    Column("created_at", Timestamp, nullable=False),
    Column("revision", Integer, nullable=False),
    Index(None, "is_archived", "sort_name", "key"),
)

# Every word a patient is found by: names and chart number, folded.
patient_words = Table(
    "patient_words",
    metadata,
    Column("word", _sorted(60), primary_key=True),
    Column("patient_key", ForeignKey(patients.c.key), primary_key=True, index=True),
    sqlite_with_rowid=False,
)

# One row: the next chart number to try.
chart_numbers = Table(
    "chart_numbers",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("next", BigInteger, nullable=False),
)

accounts = Table(
    "accounts",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("email", Text, nullable=False),
    Column("email_key", _sorted(254), nullable=False, unique=True),
    Column("display_name", Text, nullable=False),
    Column("role", String(10), nullable=False),
    Column("patient_key", ForeignKey(patients.c.key), index=True),
    Column("password_hash", Text),
    Column("is_enabled", Boolean, nullable=False),
    Column("must_change_password", Boolean, nullable=False),
    Column("created_at", Timestamp, nullable=False),
    Column("revision", Integer, nullable=False),
    CheckConstraint("(role = 'patient') = (patient_key IS NOT NULL)", name="patient_of_patient"),
)

# Secrets are kept as SHA-256 only: 256 random bits need no slow hash.
sessions = Table(
    "sessions",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("secret_hash", LargeBinary, nullable=False, unique=True),
    Column("account_id", ForeignKey(accounts.c.id), nullable=False, index=True),
    Column("created_at", Timestamp, nullable=False),
    Column("seen_at", Timestamp, nullable=False),
    Column("expires_at", Timestamp, nullable=False, index=True),
    Column("address", Text, nullable=False),
    Column("agent", Text, nullable=False),
)

tokens = Table(
    "tokens",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("secret_hash", LargeBinary, nullable=False, unique=True),
    Column("account_id", ForeignKey(accounts.c.id), nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("created_at", Timestamp, nullable=False),
    Column("expires_at", Timestamp, nullable=False, index=True),
)

# Sign-ins that have not succeeded, by whom they are counted for.
attempts = Table(
    "sign_in_attempts",
    metadata,
    Column("subject", LargeBinary, primary_key=True),
    Column("at", Timestamp, primary_key=True, autoincrement=False, index=True),
    Column("id", BigInteger, primary_key=True, autoincrement=False),
)

assignments = Table(
    "assignments",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("account_id", ForeignKey(accounts.c.id), nullable=False),
    Column("patient_key", ForeignKey(patients.c.key), nullable=False),
    Column("from_at", Timestamp, nullable=False),
    Column("until_at", Timestamp),
    Column("created_by", BigInteger, nullable=False),
    Index(None, "account_id", "patient_key", "from_at", "until_at"),
    Index(None, "patient_key", "account_id"),
    Index(
        "uq_assignments_open",
        "account_id",
        "patient_key",
        unique=True,
        sqlite_where=text("until_at IS NULL"),
        postgresql_where=text("until_at IS NULL"),
    ),
)

providers = Table(
    "providers",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False),
    Column("sort_name", _sorted(130), nullable=False),
    Column("discipline", Text, nullable=False),
    Column("account_id", ForeignKey(accounts.c.id), index=True),
    Column("is_archived", Boolean, nullable=False),
    Column("revision", Integer, nullable=False),
)

appointments = Table(
    "appointments",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("patient_key", ForeignKey(patients.c.key), nullable=False),
    Column("provider_id", ForeignKey(providers.c.id), nullable=False),
    Column("starts_at", Timestamp, nullable=False),
    Column("ends_at", Timestamp, nullable=False),
    Column("kind", Text, nullable=False),
    Column("status", String(20), nullable=False),
    Column("note", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    Index(None, "starts_at", "id"),
    Index(None, "patient_key", "starts_at", "id"),
    Index(None, "provider_id", "starts_at", "id"),
)

cases = Table(
    "cases",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("patient_key", ForeignKey(patients.c.key), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("title", Text, nullable=False),
    Column("opened_at", Timestamp, nullable=False),
    Column("closed_at", Timestamp),
    Column("revision", Integer, nullable=False),
    Index(None, "patient_key", "id"),
)
