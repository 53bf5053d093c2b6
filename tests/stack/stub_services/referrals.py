"""Stands in for referrals."""

from tests.stack.stub_services import serve

serve("referrals")
