"""`mingdan serve`: the HTTP services.

Here: arguments, the address, and the server's settings. Not here: the service
(`mingdan.orders.http`).
"""

from __future__ import annotations

import ipaddress
import logging
from typing import Annotated

import typer
import uvicorn

from mingdan.cli.counter import PolicyFile, store_at
from mingdan.errors import WrongUsage
from mingdan.identifiers import load_key
from mingdan.orders.http.app import create_app
from mingdan.settings import Settings

app = typer.Typer(help="HTTP services, on this machine only by default.", callback=lambda: None)


@app.command()
def orders(
    *,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any free one.")] = 8080,
    allow_remote: Annotated[
        bool,
        typer.Option(
            "--allow-remote",
            help="Listen beyond this machine; put TLS in front, keys travel in clear.",
        ),
    ] = False,
    policy: PolicyFile = None,
) -> None:
    """Take orders and reservations over HTTP (TMF622); documents itself at /docs.

    Example:

        mingdan serve orders --port 8080
    """
    if not allow_remote and not _loopback(host):
        raise WrongUsage(
            f"{host} is not this machine alone: say --allow-remote if that is meant, "
            "and put TLS in front"
        )
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    secrets = Settings().secrets
    pepper, passwords = (load_key(secrets / name) for name in ("api-pepper", "password_pepper"))
    with store_at(policy) as store:
        uvicorn.run(
            create_app(store, pepper, password_pepper=passwords),
            host=host,
            port=port,
            # the door keeps its own log, without addresses and queries
            access_log=False,
            log_config=None,
            server_header=False,
            timeout_keep_alive=15,
            timeout_graceful_shutdown=30,
            limit_concurrency=200,
        )


def _loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
