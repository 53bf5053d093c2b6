"""What may be asked or ordered: by platforms under `/fhir`, by CPTS and regulators beside it."""

from services.gateway.http.agendas import (
    close_slots,
    list_agendas,
    list_slots,
    open_slots,
    put_agenda,
    put_phone,
    set_hours,
)
from services.gateway.http.bookings import book_slot, show_booking
from services.gateway.http.declarations import list_declarations, resend_declaration
from services.gateway.http.directory import list_agenda_differences
from services.gateway.http.feeds import set_feed, show_feed, stop_feed
from services.gateway.http.hub import list_hub_messages, show_hub
from services.gateway.http.importing import import_slots
from services.gateway.http.metadata import show_metadata
from services.gateway.http.reading import READS
from services.gateway.http.regulators import change_account, open_account
from services.gateway.http.slots import search_slots

DOORS = (show_metadata, search_slots, open_account, change_account, *READS)
ORDERS = (
    *(put_agenda, set_hours, open_slots, close_slots, import_slots, put_phone, book_slot),
    *(resend_declaration, set_feed, stop_feed),
)
QUESTIONS = (
    *(list_agendas, list_slots, show_booking, show_hub, list_hub_messages),
    *(list_declarations, show_feed, list_agenda_differences),
)
ROUTES = (*DOORS, *ORDERS, *QUESTIONS)
