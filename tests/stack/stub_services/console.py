"""Stands in for the console."""

from tests.stack.stub_services import serve

serve("console")
