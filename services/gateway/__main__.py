"""`python -m services.gateway`."""

from services.gateway.app import SERVICE
from services.messaging.process import main

if __name__ == "__main__":
    main(SERVICE)
