"""`python -m services.gateway`."""

import sys

from services.gateway.app import gateway
from services.gateway.hub.settings import read_hub_settings
from services.gateway.outside.platforms import PlatformsUnfit, read_platforms
from services.messaging.process import main

if __name__ == "__main__":
    try:
        read_hub_settings()  # a bridge that could never begin is told now
        SERVICE = gateway(read_platforms())
    except (ValueError, PlatformsUnfit) as error:
        sys.exit(str(error))
    main(SERVICE)
