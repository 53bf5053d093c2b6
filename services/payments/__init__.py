"""Payments: what the variable part of each CPTS's funding amounts to now, cent by cent, and why."""
