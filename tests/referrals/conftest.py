"""A real database of the referrals service, without its process."""

from services.referrals.app import SERVICE
from tests.desks import desk_fixtures

migrated, desk = desk_fixtures(SERVICE)
