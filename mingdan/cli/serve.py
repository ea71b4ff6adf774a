"""`mingdan serve`: the HTTP services.

Here: arguments, the address, and the server's settings. Not here: the services
(`mingdan.orders.http`, `mingdan.lists.http`).
"""

from __future__ import annotations

import ipaddress
import logging
from typing import Annotated

import typer
import uvicorn
from fastapi import FastAPI

from mingdan.cli.counter import PolicyFile, store_at
from mingdan.errors import WrongUsage
from mingdan.identifiers import load_key
from mingdan.orders.http.app import create_app as orders_app
from mingdan.settings import Settings

app = typer.Typer(help="HTTP services, on this machine only by default.", callback=lambda: None)


Host = Annotated[str, typer.Option(help="Address to listen on.")]
Port = Annotated[int, typer.Option(min=0, max=65535, help="0: any free one.")]
AllowRemote = Annotated[
    bool,
    typer.Option(
        "--allow-remote",
        help="Listen beyond this machine; put TLS in front, keys travel in clear.",
    ),
]


@app.command()
def orders(
    *,
    host: Host = "127.0.0.1",
    port: Port = 8080,
    allow_remote: AllowRemote = False,
    policy: PolicyFile = None,
) -> None:
    """Take orders and reservations over HTTP (TMF622); documents itself at /docs.

    Example:

        mingdan serve orders --port 8080
    """
    _check(host, allow_remote)
    secrets = Settings().secrets
    pepper, passwords = (load_key(secrets / name) for name in ("api-pepper", "password_pepper"))
    with store_at(policy) as store:
        _serve(orders_app(store, pepper, password_pepper=passwords), host, port)


@app.command()
def partners(
    *,
    host: Host = "127.0.0.1",
    port: Port = 8081,
    allow_remote: AllowRemote = False,
    policy: PolicyFile = None,
) -> None:
    """Exchange lists with partners over HTTP; documents itself at /docs.

    Uploads wait for the night, questions of `match_only` are answered under the quota,
    channels are served as they are. An interface needs the permission LIST_EXCHANGE.

    Example:

        mingdan serve partners --port 8081
    """
    from mingdan.lists.http.app import create_app

    _check(host, allow_remote)
    settings = Settings()
    pepper = load_key(settings.secrets / "api-pepper")
    with store_at(policy) as store:
        _serve(create_app(settings, store, pepper), host, port)


def _check(host: str, allow_remote: bool) -> None:
    if not allow_remote and not _loopback(host):
        raise WrongUsage(
            f"{host} is not this machine alone: say --allow-remote if that is meant, "
            "and put TLS in front"
        )


def _serve(service: FastAPI, host: str, port: int) -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    uvicorn.run(
        service,
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
