"""What referrals said: our own referrals, and what the SAS platform told of its appointments.

Each function answers what it changed; what was known already changes nothing.
"""

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Any

import msgspec

from contracts.events.referrals import PlatformAppointmentReported
from contracts.recorded import Recorded
from services.indicators.domain.appointments import STATUS_RANKS, Appointment, TwinKey
from services.indicators.domain.days import start_minute
from services.indicators.domain.referrals import ACCEPTED, Answer, Booking, Referral, Status
from services.messaging.database import Connection


class ReferralChange(msgspec.Struct, frozen=True):
    """A referral of which more is known: before (None when new) and now."""

    previous: Referral | None
    present: Referral


class AppointmentChange(msgspec.Struct, frozen=True):
    """A platform appointment whose state changed: before (None when new) and now."""

    previous: Appointment | None
    present: Appointment


async def put_referrals(connection: Connection, said: Collection[Referral]) -> list[ReferralChange]:
    """Merges what was said of referrals; answers those of which more is known now."""
    if not said:
        return []
    rows = await connection.fetch(_PUT_REFERRALS, *_referral_arrays(list(said)))
    width = len(_READ)
    return [
        ReferralChange(
            None if row[width] is None else _referral(*row[width:]),
            _referral(*row[:width]),
        )
        for row in rows
    ]


# In the order of the arguments of `_referral`.
_READ = (
    "referral_id",
    "answer_sequence",
    "answer",
    "cpts_id",
    "answered_on",
    "received_at",
    "status_sequence",
    "status",
    "booking_sequence",
    "rpps",
    "starts_at",
)
_REFERRAL = ", ".join(f"referral.{column}" for column in _READ)
# In the order of the arrays of `_referral_arrays`.
_COLUMNS = (
    "referral_id, answer_sequence, answer, cpts_id, answered_on, received_at, "
    "status_sequence, status, booking_sequence, rpps, starts_at, start_minute"
)
_PUT_REFERRALS = f"""
    insert into referral as kept ({_COLUMNS})
    select * from unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::date[],
                         $6::timestamptz[], $7::bigint[], $8::text[], $9::bigint[], $10::text[],
                         $11::timestamptz[], $12::bigint[])
    on conflict (referral_id) do update
    set (answer_sequence, answer, cpts_id, answered_on, received_at) = (
            select said.* from (values
                (excluded.answer_sequence, excluded.answer, excluded.cpts_id,
                 excluded.answered_on, excluded.received_at),
                (kept.answer_sequence, kept.answer, kept.cpts_id, kept.answered_on,
                 kept.received_at)) as said (sequence, answer, cpts_id, answered_on, received_at)
            order by said.sequence desc limit 1),
        (status_sequence, status) = (
            select said.* from (values
                (excluded.status_sequence, excluded.status),
                (kept.status_sequence, kept.status)) as said (sequence, status)
            order by said.sequence desc limit 1),
        (booking_sequence, rpps, starts_at, start_minute) = (
            select said.* from (values
                (excluded.booking_sequence, excluded.rpps, excluded.starts_at,
                 excluded.start_minute),
                (kept.booking_sequence, kept.rpps, kept.starts_at, kept.start_minute))
                as said (sequence, rpps, starts_at, start_minute)
            order by said.sequence desc limit 1)
    where kept.answer_sequence < excluded.answer_sequence
       or kept.status_sequence < excluded.status_sequence
       or kept.booking_sequence < excluded.booking_sequence
    returning {", ".join(f"new.{column}" for column in _READ)},
              {", ".join(f"old.{column}" for column in _READ)}
"""  # noqa: S608  (only lists of columns are put in)


def _referral_arrays(said: Sequence[Referral]) -> tuple[list[Any], ...]:
    answers = [one.answer for one in said]
    statuses = [one.status for one in said]
    bookings = [one.booking for one in said]
    return (
        [one.referral_id for one in said],
        [one.sequence if one else 0 for one in answers],
        [one.answer if one else None for one in answers],
        [one.cpts_id if one else None for one in answers],
        [one.answered_on if one else None for one in answers],
        [one.received_at if one else None for one in answers],
        [one.sequence if one else 0 for one in statuses],
        [one.status if one else None for one in statuses],
        [one.sequence if one else 0 for one in bookings],
        [one.rpps if one else None for one in bookings],
        [one.starts_at if one else None for one in bookings],
        [start_minute(one.starts_at) if one else None for one in bookings],
    )


def _referral(
    referral_id: str,
    answer_sequence: int,
    answer: str,
    cpts_id: str,
    answered_on: date,
    received_at: datetime | None,
    status_sequence: int,
    status: str,
    booking_sequence: int,
    rpps: str,
    starts_at: datetime,
) -> Referral:
    """The referral in a row of `_READ`: a sequence of 0 stands where nothing was said."""
    answered = Answer(answer_sequence, answer, cpts_id, answered_on, received_at)
    return Referral(
        referral_id=referral_id,
        answer=answered if answer_sequence else None,
        status=Status(status_sequence, status) if status_sequence else None,
        booking=Booking(booking_sequence, rpps, starts_at) if booking_sequence else None,
    )


async def referrals_at(connection: Connection, keys: Collection[TwinKey]) -> list[Referral]:
    """The accepted referrals with one of these practitioners and start minutes."""
    rows = await connection.fetch(
        f"""
        select {_REFERRAL} from referral
        join unnest($1::text[], $2::bigint[]) as key (rpps, start_minute)
            using (rpps, start_minute)
        where answer = $3
        """,  # noqa: S608  (only the list of columns is put in)
        [rpps for rpps, _ in keys],
        [minute for _, minute in keys],
        ACCEPTED,
    )
    return [_referral(*row) for row in rows]


async def referrals_accepted(
    connection: Connection, years: Collection[tuple[str, date, date]]
) -> list[Referral]:
    """The referrals that each CPTS accepted between two days, both included."""
    rows = await connection.fetch(
        f"""
        select {_REFERRAL} from referral
        join unnest($1::text[], $2::date[], $3::date[]) as year (cpts_id, first, last)
            on referral.cpts_id = year.cpts_id and answered_on between first and last
        where answer = $4
        """,  # noqa: S608  (only the list of columns is put in)
        [cpts_id for cpts_id, _, _ in years],
        [first for _, first, _ in years],
        [last for _, _, last in years],
        ACCEPTED,
    )
    return [_referral(*row) for row in rows]


async def put_messages(
    connection: Connection, heard: Sequence[Recorded[PlatformAppointmentReported]]
) -> list[AppointmentChange]:
    """Keeps the platform's messages and each appointment's state; answers the states that changed.

    The state is what the message with the latest `sent_at` said, then of the strongest status, then
    of the greatest distribution id.
    """
    if not heard:
        return []
    rows = await connection.fetch(
        """
        with said as (
            select * from unnest($1::text[], $2::bigint[], $3::text[], $4::timestamptz[],
                                 $5::smallint[], $6::text[], $7::timestamptz[], $8::timestamptz[],
                                 $9::bigint[], $10::text[], $11::text[], $12::text[])
                as said (appointment_id, sequence, distribution_id, sent_at, status_rank, status,
                         created_at, starts_at, start_minute, category, finess, rpps)
        ), kept_message as (
            insert into appointment_message (appointment_id, sequence, distribution_id, sent_at,
                                             status, created_at, starts_at, category, finess, rpps)
            select appointment_id, sequence, distribution_id, sent_at, status, created_at,
                   starts_at, category, finess, rpps from said
            on conflict do nothing
        )
        insert into appointment as kept (appointment_id, sent_at, status_rank, distribution_id,
                                         status, created_at, starts_at, start_minute, category,
                                         finess, rpps)
        select distinct on (appointment_id) appointment_id, sent_at, status_rank, distribution_id,
               status, created_at, starts_at, start_minute, category, finess, rpps
        from said
        order by appointment_id, sent_at desc, status_rank desc, distribution_id collate "C" desc
        on conflict (appointment_id) do update
        set sent_at = excluded.sent_at, status_rank = excluded.status_rank,
            distribution_id = excluded.distribution_id, status = excluded.status,
            created_at = excluded.created_at, starts_at = excluded.starts_at,
            start_minute = excluded.start_minute, category = excluded.category,
            finess = excluded.finess, rpps = excluded.rpps
        where (kept.sent_at, kept.status_rank, kept.distribution_id)
            < (excluded.sent_at, excluded.status_rank, excluded.distribution_id)
        returning new.*, old.status as was_status, old.created_at as was_created_at,
                  old.starts_at as was_starts_at, old.category as was_category,
                  old.finess as was_finess, old.rpps as was_rpps
        """,
        [one.event.appointment_id for one in heard],
        [one.sequence for one in heard],
        [one.event.distribution_id for one in heard],
        [one.event.sent_at for one in heard],
        [STATUS_RANKS[one.event.status] for one in heard],
        [one.event.status for one in heard],
        [one.event.created_at for one in heard],
        [one.event.starts_at for one in heard],
        [start_minute(one.event.starts_at) for one in heard],
        [one.event.category for one in heard],
        [one.event.finess for one in heard],
        [one.event.practitioner_rpps for one in heard],
    )
    return [
        AppointmentChange(
            None if row["was_status"] is None else _appointment(row, "was_"),
            _appointment(row, ""),
        )
        for row in rows
    ]


async def appointments_at(connection: Connection, keys: Collection[TwinKey]) -> list[Appointment]:
    """The platform appointments with one of these practitioners and start minutes."""
    rows = await connection.fetch(
        """
        select appointment.* from appointment
        join unnest($1::text[], $2::bigint[]) as key (rpps, start_minute)
            using (rpps, start_minute)
        """,
        [rpps for rpps, _ in keys],
        [minute for _, minute in keys],
    )
    return [_appointment(row, "") for row in rows]


async def lock_appointment(connection: Connection, appointment_id: str) -> Appointment | None:
    """One platform appointment, locked for this transaction; None when it is not known."""
    row = await connection.fetchrow(
        "select * from appointment where appointment_id = $1 for update", appointment_id
    )
    return None if row is None else _appointment(row, "")


async def appointments_after(
    connection: Connection, appointment_id: str, limit: int
) -> list[Appointment]:
    """The next platform appointments, in order of their id."""
    rows = await connection.fetch(
        "select * from appointment where appointment_id > $1 order by appointment_id limit $2",
        appointment_id,
        limit,
    )
    return [_appointment(row, "") for row in rows]


async def appointments_of(
    connection: Connection, rpps: Collection[str], finess: Collection[str]
) -> list[Appointment]:
    """The platform appointments of these practitioners, or that name these organisations."""
    rows = await connection.fetch(
        """
        select * from appointment where rpps = any ($1)
        union
        select * from appointment where finess = any ($2)
        """,
        list(rpps),
        list(finess),
    )
    return [_appointment(row, "") for row in rows]


def _appointment(row: Any, prefix: str) -> Appointment:
    return Appointment(
        appointment_id=row["appointment_id"],
        status=row[prefix + "status"],
        created_at=row[prefix + "created_at"],
        starts_at=row[prefix + "starts_at"],
        category=row[prefix + "category"],
        finess=row[prefix + "finess"],
        rpps=row[prefix + "rpps"],
    )
