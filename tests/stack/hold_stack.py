"""Starts an ephemeral instance, says where it is, and holds it until it is ended."""

import sys
import time

from deploy.local.stack import Stack

with Stack("held", ephemeral=True) as stack:
    sys.stdout.write(f"{stack.folder}\n")
    sys.stdout.flush()
    while True:
        time.sleep(60)
