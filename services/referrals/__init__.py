"""Referrals: a SAS demand from its receipt to the outcome of its appointment."""
