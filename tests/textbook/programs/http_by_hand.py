"""Lesson 7: HTTP is only text: a request typed into a socket, and what comes back until the server closes."""

import socket
import sys


def main() -> None:
    port, path = sys.argv[1:]
    with socket.create_connection(("127.0.0.1", int(port)), timeout=10) as sock:
        sock.send(f"GET {path} HTTP/1.1\r\n".encode())
        sock.send(b"Host: 127.0.0.1\r\nConnection: close\r\n\r\n")
        while data := sock.recv(512):
            print(data.decode(), end="")


if __name__ == "__main__":
    main()
