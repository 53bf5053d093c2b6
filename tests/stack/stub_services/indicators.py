"""Stands in for indicators."""

from tests.stack.stub_services import serve

serve("indicators")
