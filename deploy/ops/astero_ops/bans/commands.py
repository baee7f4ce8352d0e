"""`astero ban …`: shut an address out of the api, let it in again. fail2ban calls this too."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Annotated, Final, NoReturn

import typer
from redis import Redis
from redis.exceptions import RedisError
from rich.console import Console

from astero_ops.bans import store
from astero_ops.exits import REFUSED, USAGE
from astero_ops.settings import BanSettings
from astero_shared.features.bans.rules import BanRefusedError, network_of, network_to_ban
from astero_shared.networks import Network
from astero_shared.settings import load_or_exit

app = typer.Typer(help="Shut an address out of the api, or let it in again.", no_args_is_help=True)
_console = Console(stderr=True)
_HOUR: Final = 3600
_LONGEST: Final = 30 * 24 * _HOUR

Where = Annotated[
    str, typer.Argument(help="An IPv4 address or prefix up to /24, or an IPv6 address (its /64).")
]


@app.command()
def add(
    address: Where,
    seconds: Annotated[int, typer.Option(min=1, max=_LONGEST, help="For how long.")] = _HOUR,
) -> None:
    """Shut ADDRESS out. Refused (exit code 4): our own networks, the proxies, the edge, wider prefixes."""
    settings = load_or_exit(BanSettings)
    never = (*settings.own_networks, *settings.trusted_proxies)
    network = _read(lambda: network_to_ban(address, never=never))
    with _redis(settings) as redis:
        store.insert_ban(redis, network, seconds=seconds)
    _console.print(f"{network} is shut out for {seconds} s", markup=False)


@app.command()
def remove(address: Where) -> None:
    """Let ADDRESS in again; one that is not shut out is no error."""
    settings = load_or_exit(BanSettings)
    network = _read(lambda: network_of(address))
    with _redis(settings) as redis:
        removed = store.delete_ban(redis, network)
    _console.print(f"{network} {'is let in again' if removed else 'was not shut out'}", markup=False)


@app.command(name="list")
def list_all() -> None:
    """What is shut out, and for how many seconds more."""
    with _redis(load_or_exit(BanSettings)) as redis:
        for banned, seconds in store.list_bans(redis):
            typer.echo(f"{banned} {seconds}")


def _read(reading: Callable[[], Network]) -> Network:
    try:
        return reading()
    except BanRefusedError as error:
        _stop(f"refused: {error}", REFUSED)
    except ValueError:
        _stop("this is no address and no prefix", USAGE)


@contextmanager
def _redis(settings: BanSettings) -> Generator[Redis]:
    with store.connect(settings.redis_url.reveal()) as redis:
        try:
            yield redis
        except RedisError as error:
            _stop(
                f"Redis refused ({type(error).__name__}): does it run, and is REDIS_URL the api's?", REFUSED
            )


def _stop(message: str, code: int) -> NoReturn:
    _console.print(message, markup=False)
    raise typer.Exit(code)
