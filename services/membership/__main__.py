"""`python -m services.membership`: run the service, or rebuild it from the log."""

from services.membership.app import SERVICE
from services.messaging.process import main

if __name__ == "__main__":
    main(SERVICE)
