"""`python -m services.gateway`."""

import argparse
import os
import sys

from services.gateway.app import gateway
from services.gateway.hub.settings import read_hub_settings
from services.gateway.outside.directory import read_membership_url
from services.gateway.outside.doors import (
    INSECURE_VARIABLE,
    DoorsUnfit,
    is_insecure_demo,
    read_doors,
)
from services.gateway.outside.fetching import read_fetcher
from services.gateway.outside.platforms import PlatformsUnfit, read_platforms
from services.messaging.process import main

if __name__ == "__main__":
    OWN = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    OWN.add_argument(
        "--insecure-demo",
        action="store_true",
        help="open the FHIR doors to anybody, without mutual TLS; refused in production",
    )
    if OWN.parse_known_args()[0].insecure_demo:
        os.environ[INSECURE_VARIABLE] = "1"
    try:
        read_hub_settings()  # a bridge that could never begin is told now
        SERVICE = gateway(
            read_platforms(),
            doors=read_doors(),
            fetcher=read_fetcher(),
            membership_url=read_membership_url(),
            is_insecure_demo=is_insecure_demo(),
        )
    except (ValueError, PlatformsUnfit, DoorsUnfit) as error:
        sys.exit(str(error))
    main(SERVICE, OWN)
