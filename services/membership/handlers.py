"""What membership does when it hears a batch: nothing, for it hears nothing.

Its state changes by HTTP orders alone; see `http`.
"""
