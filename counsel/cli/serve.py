"""`counsel serve`: gunicorn, preloaded, the schema made before the fork."""

import gc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from flask import Flask
from gunicorn.app.base import BaseApplication

from counsel.core.errors import SettingsError
from counsel.core.settings import Settings, load_settings

LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Server(BaseApplication):  # type: ignore[misc]
    """Gunicorn with our options instead of its command line."""

    def __init__(self, app: Flask, options: dict[str, Any]) -> None:
        self.flask, self.options = app, options
        super().__init__()

    def load_config(self) -> None:
        """Take the options."""
        for name, value in self.options.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        """Return the application, made once before the fork."""
        return self.flask


def options_of(settings: Settings, host: str, port: int, workers: int, tls: tuple[Path, Path] | None) -> dict[str, Any]:
    """Return gunicorn's options: no access log, no control socket in the home directory, requests bounded."""
    options: dict[str, Any] = {
        "bind": f"{host}:{port}",
        "workers": workers,
        "worker_class": "gthread",
        "threads": 2,
        "preload_app": True,
        "timeout": 60,
        "max_requests": 20_000,
        "max_requests_jitter": 2_000,
        "accesslog": None,
        "loglevel": "warning",
        "worker_tmp_dir": "/dev/shm" if Path("/dev/shm").exists() else None,  # noqa: S108
        "forwarded_allow_ips": "",
        "control_socket_disable": True,
    }
    if tls:
        options |= {"certfile": str(tls[0]), "keyfile": str(tls[1])}
    return options


def serve_command(create_app: Callable[[Settings], Flask]) -> click.Command:
    """Return the command; it is handed `create_app`, because nobody imports `app`."""

    @click.command("serve")
    @click.option("--host", default="127.0.0.1", help="Address to listen on.")
    @click.option("--port", default=5000, help="Port to listen on.")
    @click.option("--workers", default=2, help="Worker processes.")
    @click.option("--tls", type=click.Path(exists=True, path_type=Path), nargs=2, help="Certificate and key.")
    def serve(host: str, port: int, workers: int, tls: tuple[Path, Path] | None) -> None:
        """Serve the centre."""
        settings = load_settings()
        app = create_app(settings)
        if app.config["IS_DEMO"] and host not in LOOPBACK:
            raise SettingsError("a demonstration listens on this machine only")
        click.echo(f"counsel on http{'s' if tls else ''}://{host}:{port}", err=True)
        gc.collect()
        gc.freeze()  # what is made before the fork stays shared between the workers
        Server(app, options_of(settings, host, port, workers, tls)).run()

    return serve
