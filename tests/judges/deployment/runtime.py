"""A function as Lambda runs it: its own process, which asks a Runtime API for work.

Source: Lambda developer guide, "Using the Lambda runtime API for custom runtimes".
"""

import http.server
import itertools
import json
import os
import pathlib
import queue
import subprocess
import threading
import time

import sam

# A call that takes longer has hung.
LIMIT = 60
NUMBERS = itertools.count(1)


class Function:
    """One process with its role's credentials and the variables that the template gives it."""

    def __init__(self, binary, variables, credentials, endpoint, folder):
        self.work, self.answers = queue.Queue(), queue.Queue()
        self.api = Api(("127.0.0.1", 0), self._handler())
        threading.Thread(target=self.api.serve_forever, daemon=True).start()
        self.log = pathlib.Path(folder, f"{binary.name}-{next(NUMBERS)}.log")
        services = ("S3", "SQS", "SNS", "BEDROCK_RUNTIME")
        environment = {name: str(value) for name, value in variables.items()} | {
            "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{self.api.server_port}",
            "AWS_LAMBDA_FUNCTION_NAME": binary.name,
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
            "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{binary.name}",
            "AWS_LAMBDA_LOG_STREAM_NAME": "judge",
            "AWS_LAMBDA_LOG_FORMAT": "JSON",
            "AWS_REGION": sam.REGION,
            **{name.upper(): value for name, value in credentials.items()},
            **{f"AWS_ENDPOINT_URL_{service}": endpoint for service in services},
        }
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen([binary], env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def invoke(self, event):
        """What the function answers; a failure as {"errorType", "errorMessage"}."""
        self.work.put(json.dumps(event).encode())
        deadline = time.monotonic() + LIMIT
        while True:
            try:
                return json.loads(self.answers.get(timeout=0.2) or b"null")
            except queue.Empty:
                ended = self.process.poll() is not None
                if ended or time.monotonic() > deadline:
                    state = "has ended" if ended else "doesn't answer"
                    raise RuntimeError(f"{self.log.stem} {state}:\n{self.log.read_text()[-4000:]}") from None

    def lines(self):
        """What it has logged."""
        return self.log.read_text().splitlines()

    def close(self):
        """Ends the process and its Runtime API."""
        self.process.kill()
        self.process.wait()
        self.api.shutdown()
        self.api.server_close()

    def _handler(function):  # noqa: N805
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):  # noqa: N802
                event = function.work.get()
                self.send_response(200)
                headers = {
                    "Lambda-Runtime-Aws-Request-Id": f"00000000-0000-0000-0000-{next(NUMBERS):012}",
                    "Lambda-Runtime-Deadline-Ms": str(int(time.time() * 1000) + 29_000),
                    "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:us-east-1:123456789012:function:judged",
                    "Lambda-Runtime-Trace-Id": "Root=1-00000000-000000000000000000000000",
                    "Content-Type": "application/json",
                    "Content-Length": str(len(event)),
                }
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(event)

            def do_POST(self):  # noqa: N802
                if self.headers.get("Transfer-Encoding") == "chunked":
                    body = b"".join(iter(self._chunk, b""))
                else:
                    body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                function.answers.put(body)
                self.send_response(202)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def _chunk(self):
                chunk = self.rfile.read(int(self.rfile.readline(), 16))
                self.rfile.readline()
                return chunk

            def log_message(self, *_):
                """Says nothing."""

        return Handler


class Api(http.server.ThreadingHTTPServer):
    """Says nothing when the process ends in the middle of asking."""

    daemon_threads = True

    def handle_error(self, *_):
        """The connection is gone with its process."""


def binaries(root):
    """The functions' programs, as cargo has built them."""
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", root / "target"))
    return {name: target / "debug" / name for name in ("session-export", "signed-download", "post-process")}
