"""`just up` with stand-ins for the services: service=word … on the command line, see stand_in_service."""

import sys
from pathlib import Path

from astero_sandbox.up import main

_STAND_IN = Path(__file__).with_name("stand_in_service.py")

words = {"api": "serve", "worker": "serve", "engine": "serve"}
words |= dict(argument.split("=", 1) for argument in sys.argv[1:])
commands = {name: (sys.executable, str(_STAND_IN), word) for name, word in words.items()}
sys.exit(main(commands))
