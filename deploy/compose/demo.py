"""`just compose-demo`: the season of `just demo`, on the platform in containers."""

import os
import sys

from deploy.compose.stack import ComposeStack
from deploy.local.demo.__main__ import main

READABLE_BY_ALL = 0o022

if __name__ == "__main__":
    os.umask(READABLE_BY_ALL)  # the accounts inside the containers read the clock that is written
    sys.exit(main(prog="just compose-demo", open_stack=ComposeStack))
