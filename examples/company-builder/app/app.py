"""A web service that tells which release of a package it has."""

import os
from http.server import BaseHTTPRequestHandler, HTTPServer

import six


class Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(f"six {six.__version__}, logs as {os.environ['LOG_FORMAT']}\n".encode())


HTTPServer(("", int(os.environ["PORT"])), Answer).serve_forever()
