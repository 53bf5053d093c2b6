"""Runs the payments service: `python -m services.payments`."""

from services.messaging.process import main
from services.payments.app import SERVICE

main(SERVICE)
