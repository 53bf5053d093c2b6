"""Questions: referrals with their history, worklists, Hub messages, codes and parameters."""

from typing import Annotated, Any

import msgspec
from litestar import Request, get
from litestar.params import FromPath, FromQuery, QueryParameter

from services.messaging.history import history_of
from services.messaging.pages import After, AfterNumber, Limit, Page, page
from services.messaging.problems import not_found
from services.referrals.domain.hub_message import HubNote
from services.referrals.domain.needs import Need
from services.referrals.domain.referral import Referral, Stage
from services.referrals.http.paging import read_cursor, write_cursor
from services.referrals.store import platform, referrals
from services.referrals.store.parameters import Parameters, parameters

AnyRequest = Request[Any, Any, Any]


@get("/referrals/{referral_id:str}")
async def referral(request: AnyRequest, referral_id: FromPath[str]) -> dict[str, Any]:
    """A referral: its present state and its history."""
    pool = request.app.state.pool
    found = await referrals.load(pool, [referral_id])
    if not found:
        raise not_found("La demande", referral_id)
    history = await history_of(pool, referral_id)
    return {**msgspec.structs.asdict(found[0]), "history": history}


@get("/referrals")
async def list_referrals(
    request: AnyRequest,
    with_state: Annotated[Stage | None, QueryParameter(name="state")] = None,
    cpts_id: FromQuery[str | None] = None,
    departement: FromQuery[str | None] = None,
    limit: Limit = 100,
    after: After = "",
) -> Page:
    """Referrals in the order in which they reached us."""
    items = await referrals.listed(
        request.app.state.pool,
        stage=with_state,
        cpts_id=cpts_id,
        departement=departement,
        after=read_cursor(after),
        limit=limit,
    )
    return page(items, limit, lambda one: write_cursor(one.recorded_at, one.referral_id))


@get("/worklists/held")
async def worklist_held(request: AnyRequest, limit: Limit = 100, after: After = "") -> Page:
    """The demands that wait for a CPTS and why, the most pressing first."""
    items = await referrals.held(request.app.state.pool, read_cursor(after), limit)
    return page(items, limit, lambda one: write_cursor(one.see_by, one.referral_id))


@get("/worklists/offered")
async def worklist_offered(
    request: AnyRequest,
    cpts_id: FromQuery[str | None] = None,
    limit: Limit = 100,
    after: After = "",
) -> Page:
    """The demands that await an answer, the most pressing first."""
    items = await referrals.offered(request.app.state.pool, cpts_id, read_cursor(after), limit)
    return page(items, limit, _offered_cursor)


@get("/sas/messages")
async def list_messages(
    request: AnyRequest,
    note: FromQuery[HubNote | None] = None,
    limit: Limit = 100,
    after: AfterNumber = 0,
) -> Page:
    """The Hub messages as they came, with their answers and without their bodies; all, or those
    in which one thing is odd.
    """
    items = await platform.messages(request.app.state.pool, after, limit, note)
    return page(items, limit, lambda one: str(one["position"]))


@get("/sas/appointments/{appointment_id:path}")
async def platform_appointment(
    request: AnyRequest, appointment_id: FromPath[str]
) -> dict[str, Any]:
    """An appointment of the SAS platform: what its latest message told, and all it told.

    Its id is the platform's, and may hold a `/`.
    """
    pool = request.app.state.pool
    appointment_id = appointment_id.removeprefix("/")
    found = await platform.load(pool, [appointment_id])
    if not found:
        raise not_found("Le rendez-vous", appointment_id)
    history = await history_of(pool, appointment_id)
    return {**msgspec.structs.asdict(found[0]), "history": history}


@get("/parameters", sync_to_thread=False)
def list_parameters() -> Parameters:
    """The parameters, with the text that fixes each and whether it was read."""
    return parameters()


@get("/needs", sync_to_thread=False)
def list_needs() -> Page:
    """What a demand may ask for, with its French label."""
    return Page(items=[{"code": need.value, "label": need.label} for need in Need], next=None)


QUESTIONS = (
    referral,
    list_referrals,
    worklist_held,
    worklist_offered,
    list_messages,
    platform_appointment,
    list_parameters,
    list_needs,
)


def _offered_cursor(one: Referral) -> str:
    assert one.answer_by is not None, "an offered referral has its limit"
    return write_cursor(one.answer_by, one.referral_id)
