"""Fixtures that every test may use."""

from tests.stack_fixtures import fresh_databases, namespace, stack

__all__ = ["fresh_databases", "namespace", "stack"]
