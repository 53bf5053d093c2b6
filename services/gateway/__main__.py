"""`python -m services.gateway`."""

import sys

from services.gateway.app import SERVICE
from services.gateway.hub.settings import read_hub_settings
from services.messaging.process import main

if __name__ == "__main__":
    try:
        read_hub_settings()  # a bridge that could never begin is told now
    except ValueError as error:
        sys.exit(str(error))
    main(SERVICE)
