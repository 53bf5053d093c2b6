"""The indicators service: figures of each CPTS and contract year, counted from facts."""
