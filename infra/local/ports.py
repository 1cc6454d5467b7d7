"""Ports on this machine: taking one, and finding one that is free."""

import socket

from infra.local.ministack import free_port

HOST = "127.0.0.1"
BACKLOG = 128
LARGEST_PORT = 65_535


def listen(port: int) -> socket.socket:
    """A socket that listens on 127.0.0.1; raises OSError when somebody else has the port."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def at_or_anywhere(port: int) -> int:
    """`port` if it is free, else any that is."""
    if port > LARGEST_PORT:
        return free_port()
    try:
        listen(port).close()
    except OSError:
        return free_port()
    return port


def url(port: int) -> str:
    """The base URL of what listens there."""
    return f"http://{HOST}:{port}"
