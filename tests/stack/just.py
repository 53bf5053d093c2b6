"""The commands behind the Justfile, with the stand-ins as services."""

import sys

from deploy.local.__main__ import main

sys.exit(main(services_package="tests.stack.stub_services"))
