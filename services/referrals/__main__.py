"""`python -m services.referrals`."""

from services.messaging.process import main
from services.referrals.app import SERVICE

if __name__ == "__main__":
    main(SERVICE)
