"""Lesson 6: a web server from the standard library; GET shows a page, POST answers with what was posted."""

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.answer(200, "text/html", f"<h1>You asked for {self.path}</h1>".encode())

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        self.answer(201, self.headers["Content-Type"], self.rfile.read(length))

    def answer(self, status: int, content_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main() -> None:
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 8080
    server = ThreadingHTTPServer(("localhost", port), Handler)
    print("Server started on port", server.server_address[1], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
