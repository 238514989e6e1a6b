"""Lesson 1: a TCP server that echoes, one client at a time."""

import socket
import sys


def main() -> None:
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 10000
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("localhost", port))
    sock.listen(1)
    print("starting up on localhost port", sock.getsockname()[1], flush=True)

    while True:
        print("waiting for a connection", flush=True)
        connection, client_address = sock.accept()
        try:
            print("connection from", client_address, flush=True)
            while True:
                data = connection.recv(16)
                print(f"received {data!r}", flush=True)
                if not data:
                    print("no more data from", client_address, flush=True)
                    break
                connection.sendall(data)
        finally:
            connection.close()


if __name__ == "__main__":
    main()
