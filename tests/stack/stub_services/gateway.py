"""Stands in for gateway."""

from tests.stack.stub_services import serve

serve("gateway")
