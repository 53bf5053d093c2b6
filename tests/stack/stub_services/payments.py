"""Stands in for payments."""

from tests.stack.stub_services import serve

serve("payments")
