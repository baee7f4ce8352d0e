"""`python -m astero_bot_engine`: one process, one event loop, every bot of its share."""

import uvloop

from astero_bot_engine.app import run_engine
from astero_bot_engine.settings import EngineSettings
from astero_shared.observability import logs
from astero_shared.settings import ConfigurationError, exit_misconfigured, load_or_exit


def main() -> None:
    settings = load_or_exit(EngineSettings)
    logs.configure(service="bot-engine", secrets=logs.secrets_of(settings))
    try:
        uvloop.run(run_engine(settings))
    except ConfigurationError as error:
        exit_misconfigured(error)


if __name__ == "__main__":
    main()
