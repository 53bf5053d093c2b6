"""Runs the indicators service: `python -m services.indicators`."""

from services.indicators.app import SERVICE
from services.messaging.process import main

main(SERVICE)
