"""What a function is asked, step by step, until something is denied."""

import json

import events


class Denied(Exception):
    """AWS refused something, or the answer wasn't the one that was wanted."""


class Scene:
    """One run of a function's scenario. Each has a number of its own, so that it finds nothing that another has left."""

    def __init__(self, world, role, function, deployed, root, number, told):
        self.world, self.role, self.function, self.root, self.number = world, role, function, root, number
        self.steps, self.urls, self.seen = 0, [], len(world.calls)
        # The versions whose events have come.
        self.told = told
        self.artifacts, self.quarantine = (deployed.name(f"{name}Bucket") for name in ("Artifacts", "Quarantine"))
        self.s3 = world.client("s3")

    def http(self, status, method, path, body=None, **more):
        """A request to the API; its answer's body."""
        answer = self.function.invoke(events.http(method, path, body, **more))
        found = answer.get("statusCode")
        self.step(f"{method} {path}", found == status, f"{found} instead of {status}: {str(answer)[:600]}")
        text = answer.get("body")
        parsed = json.loads(text) if text and text.startswith(("{", "[")) else text
        self._presigned(parsed)
        self._presigned(answer.get("headers", {}).get("location"))
        return parsed

    def command(self, name, **more):
        """An event that is no request."""
        answer = self.function.invoke({"command": name, "tenant": "acme", **more})
        self.step(name, isinstance(answer, dict) and "errorType" not in answer, str(answer)[:600])
        self._presigned(answer)
        return answer

    def batch(self, what, bodies, failures=()):
        """A batch of messages, of which all go through."""
        answer = self.function.invoke(events.messages(bodies))
        self.step(what, answer == {"batchItemFailures": list(failures)}, str(answer)[:600])

    def step(self, what, went_well, why):
        """Ends the scene when AWS has refused anything, or the answer is wrong."""
        self.steps += 1
        calls, self.seen = self.world.calls[self.seen :], len(self.world.calls)
        denied = [str(call) for call in calls if call.status == 403 and self.world.role_of.get(call.who) == self.role]
        if denied:
            raise Denied(f"{what}: {denied[0]}")
        if not went_well:
            raise Denied(f"{what}: {why}")

    def sample(self, path):
        """A file of tests/fixtures."""
        return (self.root / "tests/fixtures" / path).read_bytes()

    def keys(self, prefix=""):
        """What lies in the artifacts bucket."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.artifacts, Prefix=prefix)
        return [one["Key"] for page in pages for one in page.get("Contents", [])]

    def put(self, key, content, **more):
        """As somebody else, who may put anything."""
        return self.s3.put_object(Bucket=self.artifacts, Key=key, Body=content, **more)

    def _presigned(self, answer):
        """Collects the presigned URLs in an answer, with the method and the headers that they are for."""
        if isinstance(answer, dict):
            if "X-Amz-Signature" in str(answer.get("url")):
                self.urls.append((answer["url"], answer.get("method", "GET"), answer.get("headers", {})))
            for name, value in answer.items():
                if name != "url":
                    self._presigned(value)
        elif isinstance(answer, list):
            for value in answer:
                self._presigned(value)
        elif isinstance(answer, str) and answer.startswith("http") and "X-Amz-Signature" in answer:
            self.urls.append((answer, "GET", {}))
