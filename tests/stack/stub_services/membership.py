"""Stands in for membership."""

from tests.stack.stub_services import serve

serve("membership")
