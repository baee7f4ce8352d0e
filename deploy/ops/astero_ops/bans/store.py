"""The ban set in Redis: a key for each address or prefix, which goes by itself when its time is over."""

from collections.abc import Iterator

from redis import Redis

from astero_shared.features.bans.rules import PREFIX, keys_of_ban
from astero_shared.networks import Network

_SECONDS = 2.0


def connect(url: str) -> Redis:
    return Redis.from_url(
        url, socket_timeout=_SECONDS, socket_connect_timeout=_SECONDS, decode_responses=True
    )


def insert_ban(redis: Redis, network: Network, *, seconds: int) -> None:
    """All of it or nothing; a ban that stands already begins anew. Raises RedisError."""
    with redis.pipeline(transaction=True) as pipeline:
        for key in keys_of_ban(network):
            pipeline.set(key, "1", ex=seconds)
        pipeline.execute()


def delete_ban(redis: Redis, network: Network) -> bool:
    """False when nothing of it was banned. Raises RedisError."""
    return bool(redis.delete(*keys_of_ban(network)))


def list_bans(redis: Redis) -> Iterator[tuple[str, int]]:
    """What is banned, and for how many seconds more. Raises RedisError."""
    for key in sorted(redis.scan_iter(f"{PREFIX}*", count=1000)):
        left = redis.ttl(key)
        if left >= 0:
            yield key.removeprefix(PREFIX), left
