"""Lesson 3: many clients in one thread with select; what a client cannot take yet waits in its queue."""

import select
import socket
import sys

clients: dict[socket.socket, bytes] = {}


def accept(server: socket.socket) -> None:
    connection, client_address = server.accept()
    print("connection from", client_address, flush=True)
    connection.setblocking(False)
    clients[connection] = b""


def close(connection: socket.socket) -> None:
    del clients[connection]
    connection.close()


def receive(connection: socket.socket) -> None:
    try:
        data = connection.recv(1024)
    except ConnectionError:
        data = b""
    if data:
        clients[connection] += data
    else:
        close(connection)


def send(connection: socket.socket) -> None:
    try:
        sent = connection.send(clients[connection])
    except ConnectionError:
        close(connection)
    else:
        clients[connection] = clients[connection][sent:]


def main() -> None:
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 10000
    server = socket.create_server(("localhost", port), backlog=5)
    print("starting up on localhost port", server.getsockname()[1], flush=True)
    while True:
        writing = [connection for connection, waiting in clients.items() if waiting]
        readable, writable, _ = select.select([server, *clients], writing, [])
        for sock in readable:
            if sock is server:
                accept(server)
            else:
                receive(sock)
        for sock in writable:
            if sock in clients:
                send(sock)


if __name__ == "__main__":
    main()
