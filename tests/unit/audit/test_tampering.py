"""What somebody who may write to the database does to the log, and that it shows."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import text
from tests.places import Place
from tests.unit.audit.practice import check, sign, write_at_once, write_events

from medstack.audit import Fault, VerifyReport, merkle
from medstack.db import Database, Tx

MANY = 12


@pytest.fixture
def log(db: Database) -> Database:
    write_events(db, MANY)
    return db


def run(db: Database, *statements: str) -> None:
    with db.begin() as tx:
        for statement in statements:
            tx.execute(text(statement))


def faults(report: VerifyReport) -> list[tuple[Fault, int | None]]:
    return [(finding.fault, finding.seq) for finding in report.findings]


def recompute(tx: Tx) -> None:
    """What a thorough forger does last: every hash and the head fit the rows again."""
    tx.execute(text("DELETE FROM audit_tiles"))
    edge = merkle.Edge()
    for seq, body in tx.execute(text("SELECT seq, body FROM audit_events ORDER BY seq")).all():
        leaf = merkle.leaf_hash(bytes(body))
        tx.execute(
            text("UPDATE audit_events SET leaf_hash = :leaf WHERE seq = :seq"),
            {"leaf": leaf, "seq": seq},
        )
        edge = edge.append(leaf)
    tx.execute(
        text("UPDATE audit_head SET size = :size, peaks = :peaks"),
        {"size": edge.size, "peaks": edge.to_bytes()},
    )


def rewrite_body(tx: Tx, seq: int, change: Callable[[bytes], bytes]) -> None:
    asked = {"seq": seq}
    body = tx.execute(text("SELECT body FROM audit_events WHERE seq = :seq"), asked).scalar_one()
    tx.execute(
        text("UPDATE audit_events SET body = :body WHERE seq = :seq"),
        {"body": change(bytes(body)), "seq": seq},
    )


def blame(body: bytes) -> bytes:
    return body.replace(b'"address":"127.0.0.1"', b'"address":"127.0.0.9"')


def test_an_untouched_log_is_whole(log: Database) -> None:
    report = check(log, checkpoint=sign(log))
    assert report.is_whole
    assert (report.size, report.checkpoints) == (MANY, 1)


def test_an_empty_log_is_whole(db: Database) -> None:
    report = check(db)
    assert report.is_whole
    assert report.root == merkle.EMPTY_ROOT


def test_an_edited_body_shows_where(log: Database) -> None:
    with log.begin() as tx:
        rewrite_body(tx, 5, blame)
    assert (Fault.EDITED, 5) in faults(check(log))


def test_an_edited_body_with_its_hash_recomputed_shows(log: Database) -> None:
    with log.begin() as tx:
        rewrite_body(tx, 5, blame)
        body = tx.execute(text("SELECT body FROM audit_events WHERE seq = 5")).scalar_one()
        leaf = hashlib.sha256(b"\x00" + bytes(body)).digest()
        tx.execute(text("UPDATE audit_events SET leaf_hash = :leaf WHERE seq = 5"), {"leaf": leaf})
    assert (Fault.HEAD, None) in faults(check(log))


@pytest.mark.parametrize(
    "value", ["actor_id = 8", "action = 'record.listed'", "at = 0", "at = at + 1"]
)
def test_an_edited_column_beside_the_body_shows(log: Database, value: str) -> None:
    run(log, f"UPDATE audit_events SET {value} WHERE seq = 4")
    assert faults(check(log)) == [(Fault.EDITED, 4)]


def test_a_deleted_event_in_the_middle_shows(log: Database) -> None:
    run(log, "DELETE FROM audit_events WHERE seq = 6")
    assert (Fault.MISSING, 6) in faults(check(log))


def test_a_deleted_tail_shows(log: Database) -> None:
    run(log, f"DELETE FROM audit_events WHERE seq >= {MANY - 2}")
    assert (Fault.TRUNCATED, MANY - 2) in faults(check(log))


def test_everything_deleted_shows(log: Database) -> None:
    run(log, "DELETE FROM audit_events")
    assert (Fault.TRUNCATED, 0) in faults(check(log))


def test_two_swapped_events_show(log: Database) -> None:
    run(
        log,
        "UPDATE audit_events SET seq = -99 WHERE seq = 3",
        "UPDATE audit_events SET seq = 3 WHERE seq = 4",
        "UPDATE audit_events SET seq = 4 WHERE seq = -99",
    )
    found = faults(check(log))
    assert (Fault.MISPLACED, 3) in found
    assert (Fault.MISPLACED, 4) in found


def test_two_swapped_events_show_after_recomputing_every_hash(log: Database) -> None:
    run(
        log,
        "UPDATE audit_events SET seq = -99 WHERE seq = 3",
        "UPDATE audit_events SET seq = 4 WHERE seq = -99 AND 1 = 0",
        "UPDATE audit_events SET seq = 3 WHERE seq = 4",
        "UPDATE audit_events SET seq = 4 WHERE seq = -99",
    )
    with log.begin() as tx:
        recompute(tx)
    assert (Fault.MISPLACED, 3) in faults(check(log))


def test_an_event_smuggled_in_behind_the_head_shows(log: Database) -> None:
    run(
        log,
        "INSERT INTO audit_events (seq, body, leaf_hash, at, actor_id, action) "
        f"SELECT {MANY}, body, leaf_hash, at, actor_id, action FROM audit_events WHERE seq = 0",
    )
    found = faults(check(log))
    assert (Fault.MISPLACED, MANY) in found
    assert (Fault.SURPLUS, MANY + 1) in found


def test_an_event_smuggled_in_before_the_first_shows(log: Database) -> None:
    run(
        log,
        "INSERT INTO audit_events (seq, body, leaf_hash, at, actor_id, action) "
        "SELECT -1, body, leaf_hash, at, actor_id, action FROM audit_events WHERE seq = 0",
    )
    assert (Fault.SURPLUS, -1) in faults(check(log))


def test_a_history_rewritten_with_every_hash_recomputed_shows_against_a_checkpoint(
    log: Database,
) -> None:
    kept = sign(log)
    with log.begin() as tx:
        tx.execute(text("DELETE FROM audit_checkpoints"))
        rewrite_body(tx, 5, blame)
        recompute(tx)
    assert check(log).is_whole  # nothing inside the database can tell
    assert (Fault.REWRITTEN, None) in faults(check(log, checkpoint=kept))


def test_a_rewritten_history_shows_against_the_checkpoints_left_in_the_database(
    log: Database,
) -> None:
    sign(log)
    with log.begin() as tx:
        rewrite_body(tx, 5, blame)
        recompute(tx)
    assert (Fault.REWRITTEN, None) in faults(check(log))


def test_a_tail_cut_off_with_every_hash_recomputed_shows_against_a_checkpoint(
    log: Database,
) -> None:
    kept = sign(log)
    with log.begin() as tx:
        for table in ("audit_events", "audit_subjects", "audit_details"):
            tx.execute(text(f"DELETE FROM {table} WHERE seq >= {MANY - 3}"))
        tx.execute(text("DELETE FROM audit_checkpoints"))
        recompute(tx)
    assert check(log).is_whole
    assert (Fault.TRUNCATED, MANY - 3) in faults(check(log, checkpoint=kept))


def test_an_emptied_log_shows_against_a_checkpoint(log: Database) -> None:
    kept = sign(log)
    tables = ("events", "subjects", "details", "tiles", "head", "checkpoints")
    run(log, *(f"DELETE FROM audit_{table}" for table in tables))
    assert check(log).is_whole
    assert (Fault.TRUNCATED, 0) in faults(check(log, checkpoint=kept))


def test_an_older_copy_put_back_shows_against_a_checkpoint(
    new_place: Callable[..., Place], tmp_path: Path
) -> None:
    place = new_place("sqlite")
    path = Path(place.url.removeprefix("sqlite:///"))
    log = place.open()
    write_events(log, 5)
    log.close()
    older = path.read_bytes()
    log = place.open()
    write_events(log, 4, first=5)
    kept = sign(log)
    log.close()
    path.write_bytes(older)
    log = place.open()
    assert check(log).is_whole
    assert (Fault.TRUNCATED, 5) in faults(check(log, checkpoint=kept))
    log.close()


def test_a_log_that_went_on_after_the_older_copy_was_put_back_shows(log: Database) -> None:
    kept = sign(log)
    with log.begin() as tx:
        for table in ("audit_events", "audit_subjects", "audit_details"):
            tx.execute(text(f"DELETE FROM {table} WHERE seq >= 5"))
        tx.execute(text("DELETE FROM audit_checkpoints"))
        recompute(tx)
    write_events(log, MANY, first=50)
    assert check(log).is_whole
    assert (Fault.REWRITTEN, None) in faults(check(log, checkpoint=kept))


def test_a_text_in_place_of_the_bytes_shows(new_place: Callable[..., Place]) -> None:
    log = new_place("sqlite").open()
    write_events(log, 4)
    run(
        log,
        "PRAGMA ignore_check_constraints = ON",
        "UPDATE audit_events SET body = CAST(body AS TEXT) WHERE seq = 2",
    )
    assert faults(check(log)) == [(Fault.EDITED, 2)]
    log.close()


@pytest.mark.parametrize("value", ["CAST(x'ff00fe' AS TEXT)", "12", "1.5", "x''", "'{}'"])
@pytest.mark.parametrize("column", ["body", "leaf_hash", "at", "actor_id", "action"])
def test_nonsense_in_any_column_is_a_finding_and_no_crash(
    new_place: Callable[..., Place], column: str, value: str
) -> None:
    log = new_place("sqlite").open()
    write_events(log, 4)
    run(
        log,
        "PRAGMA ignore_check_constraints = ON",
        f"UPDATE audit_events SET {column} = {value} WHERE seq = 2",
    )
    assert (Fault.EDITED, 2) in faults(check(log))
    log.close()


@pytest.mark.parametrize("value", ["CAST(x'ff00fe' AS TEXT)", "-12", "1.5", "x''", "'{}'"])
@pytest.mark.parametrize(
    "place",
    [
        "audit_subjects SET key",
        "audit_subjects SET kind",
        "audit_details SET salt",
        "audit_details SET body",
        "audit_head SET size",
        "audit_head SET peaks",
        "audit_checkpoints SET note",
    ],
)
def test_nonsense_beside_the_events_is_a_finding_and_no_crash(
    new_place: Callable[..., Place], place: str, value: str
) -> None:
    log = new_place("sqlite").open()
    write_events(log, 1)
    sign(log)
    run(log, "PRAGMA ignore_check_constraints = ON", f"UPDATE OR REPLACE {place} = {value}")
    assert not check(log).is_whole
    log.close()


def test_a_table_taken_away_is_a_finding_and_no_crash(log: Database) -> None:
    run(log, "DROP TABLE audit_subjects")
    assert (Fault.UNREADABLE, None) in faults(check(log))


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM audit_subjects WHERE seq = 7",
        "INSERT INTO audit_subjects (kind, key, seq) VALUES ('p', 99, 7)",
        "UPDATE audit_subjects SET key = 99 WHERE seq = 7 AND kind = 'r'",
    ],
)
def test_what_an_event_touched_cannot_be_changed_in_the_index(
    log: Database, statement: str
) -> None:
    run(log, statement)
    assert faults(check(log)) == [(Fault.EDITED, 7)]


def test_an_index_entry_of_no_event_shows(log: Database) -> None:
    run(log, "INSERT INTO audit_subjects (kind, key, seq) VALUES ('p', 1, 5000)")
    assert faults(check(log)) == [(Fault.SURPLUS, None)]


def test_edited_details_show(log: Database) -> None:
    with log.begin() as tx:
        tx.execute(
            text("UPDATE audit_details SET body = :body WHERE seq = 3"),
            {"body": b'{"query":"something else"}'},
        )
    assert faults(check(log)) == [(Fault.EDITED, 3)]


def test_a_head_taken_away_shows(log: Database) -> None:
    run(log, "DELETE FROM audit_head")
    assert (Fault.HEAD, None) in faults(check(log))


def test_a_checkpoint_nobody_signed_shows(log: Database) -> None:
    sign(log)
    run(log, "UPDATE audit_checkpoints SET note = 'medstack.test/audit'")
    assert (Fault.CHECKPOINT, None) in faults(check(log))


def test_a_forged_subtree_hash_shows(db: Database) -> None:
    write_at_once(db, 300)
    with db.begin() as tx:
        tx.execute(text("UPDATE audit_tiles SET hash = :hash"), {"hash": bytes(32)})
    assert faults(check(db)) == [(Fault.EDITED, 255)]


def test_findings_are_bounded_however_much_was_altered(db: Database) -> None:
    write_at_once(db, 300)
    run(db, "UPDATE audit_events SET actor_id = 99")
    assert len(check(db).findings) == 100
