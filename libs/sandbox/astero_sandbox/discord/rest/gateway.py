"""Where the gateway is and how many identifies are left today."""

import time
from typing import Any

from astero_sandbox.discord.gateway.identify import refresh_budget
from astero_sandbox.discord.models import IDENTIFIES_A_DAY

from .routing import Call, route


@route("GET", "/gateway", auth="none")
async def get_gateway(call: Call) -> Any:
    return {"url": call.sandbox.settings.gateway_url}


@route("GET", "/gateway/bot", limit=(2, 5.0))
async def get_gateway_bot(call: Call) -> Any:
    app = call.bot
    refresh_budget(app)
    return {
        "url": call.sandbox.settings.gateway_url,
        "shards": 1,
        "session_start_limit": {
            "total": IDENTIFIES_A_DAY,
            "remaining": app.identifies_left,
            "reset_after": max(0, round((app.identifies_reset_at - time.time()) * 1000)),
            "max_concurrency": 1,
        },
    }
