"""What stands beside its visits in a clinic that has been there for long: what was done, told, sent, filed and said."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import psycopg

from clinicdesk.core.trail import seal

_STAFF = 10
_STATEMENTS = (
    "CREATE TEMP TABLE somebody AS SELECT id, row_number() OVER (ORDER BY id) - 1 AS place FROM patient",
    "CREATE INDEX ON somebody (place)",
    # Two entries for each visit, one every ten minutes; a thousandth of them were refused.
    """
    INSERT INTO audit_entry
    SELECT
        nth, (extract(epoch FROM now()) * 1000000)::bigint - (2 * %(visits)s - nth) * 600000000, md5(nth::text),
        lpad(to_hex(nth %% %(staff)s), 32, '0'), 'Colleague ' || nth %% %(staff)s, 'receptionist', 'Desk 1',
        CASE WHEN nth %% 3 = 0 THEN 'C' ELSE 'R' END,
        (ARRAY['appointments.book', 'patients.open_record', 'appointments.find_visits'])[1 + nth %% 3], 'appointment', '',
        replace(somebody.id::text, '-', ''), CASE WHEN nth %% 1000 = 1 THEN 'refused' ELSE 'ok' END, '{}', sha256('')
    FROM generate_series(1, 2 * %(visits)s::bigint) AS nth
    JOIN somebody ON place = nth * 7919 %% %(patients)s
    """,
    "INSERT INTO audit_head (id, seq, hash, mac) VALUES (1, 2 * %(visits)s, sha256(''), %(mac)s)",
    """
    INSERT INTO notification (id, user_id, kind, params, quiet, created_at, read_at)
    SELECT
        lpad(to_hex(nth), 32, '0')::uuid, (%(users)s::uuid[])[1 + nth %% 2], 'visit_booked', '{}', false, now(),
        CASE WHEN nth > 40 THEN now() END
    FROM generate_series(1, %(visits)s / 10) AS nth
    """,
    """
    INSERT INTO outbound_message (
        id, version, dedup_key, channel, template, params, patient_id, address, state, release_at, next_try_at, attempts,
        error, created_at, sent_at
    )
    SELECT
        lpad(to_hex(nth), 32, '0')::uuid, 1, nth::text, 'email', 'visit_reminder', '{}', somebody.id, 'a@harbour.example',
        CASE WHEN nth %% (%(visits)s / 20) = 1 THEN 'failed' ELSE 'sent' END, now(), now(), 1, '', now(), now()
    FROM generate_series(1, %(visits)s) AS nth JOIN somebody ON place = nth %% %(patients)s
    """,
    """
    INSERT INTO document (
        id, version, patient_id, type, title, dated_on, status, status_at, filename, media_type, size, sha256, content_key,
        author, from_patient, filed_at
    )
    SELECT
        lpad(to_hex(nth), 32, '0')::uuid, 1, somebody.id, 'insurance', 'A letter', current_date, 'current', now(), '',
        'application/pdf', 1, '', md5(nth::text), '', false, now() - nth * interval '1 minute'
    FROM generate_series(1, %(visits)s / 10) AS nth JOIN somebody ON place = nth %% %(patients)s
    """,
    """
    INSERT INTO conversation (id, version, kind, title, last_seq, last_at, created_at)
    SELECT lpad(to_hex(nth), 32, '0')::uuid, 1, 'group', 'Group ' || nth, %(visits)s / 20, now() - nth * interval '1 hour', now()
    FROM generate_series(0, 4) AS nth
    """,
    """
    INSERT INTO conversation_member (conversation_id, user_id, read_seq, joined_at)
    SELECT lpad(to_hex(nth), 32, '0')::uuid, member, %(visits)s / 20 - 10, now()
    FROM generate_series(0, 4) AS nth, unnest(%(users)s::uuid[]) AS member
    """,
    """
    INSERT INTO chat_message (id, version, conversation_id, seq, author_id, text, created_at)
    SELECT
        lpad(to_hex(nth), 32, '0')::uuid, 1, lpad(to_hex(nth %% 5), 32, '0')::uuid, 1 + nth / 5,
        (%(users)s::uuid[])[1 + nth / 5 %% 2], 'Room 3 is free', now()
    FROM generate_series(0, %(visits)s / 4 - 1) AS nth
    """,
    # A tenth was cancelled, a twentieth missed; whoever came waited.
    """
    UPDATE appointment SET
        status = CASE WHEN place %% 20 < 2 THEN 'cancelled' WHEN place %% 20 = 2 THEN 'noshow' ELSE status END,
        arrived_at = CASE WHEN place %% 20 > 2 THEN start - interval '5 minutes' END,
        started_at = CASE WHEN place %% 20 > 2 THEN start + place %% 20 * interval '1 minute' END,
        created_at = start - place %% 60 * interval '1 day'
    FROM (SELECT id AS of_id, abs(hashtext(id::text)) AS place FROM appointment WHERE status = 'fulfilled') AS drawn
    WHERE id = of_id
    """,
    "CLUSTER appointment USING ix_appointment_start",
)


def fill_beside(connection: psycopg.Connection[Any], visits: int, patients: int, users: list[UUID], key: bytes) -> None:
    """Put it into a database that has so many visits; `users` are two accounts, `key` seals the audit trail."""
    entries = 2 * visits
    root = bytes.fromhex("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    values = {"visits": visits, "patients": patients, "users": users, "staff": _STAFF, "mac": seal(key, entries, root)}
    with connection.cursor() as cursor:
        for statement in _STATEMENTS:
            cursor.execute(statement, values)
