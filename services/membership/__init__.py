"""Membership: the CPTS, their territories, members, participation in the SAS, and their ACI."""
