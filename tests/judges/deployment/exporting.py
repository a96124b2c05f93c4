"""Everything that session-export does."""

import base64
import hashlib
import io
import json
import zipfile

TEMPLATE = "_casefile/templates/report.txt.j2"


def session_export(scene):
    """Reviews in all their ways, and each other kind of file."""
    number = scene.number
    scene.put(TEMPLATE, b"{{ export.document_name }}\n")
    scene.http(200, "GET", "/v1/health", who=None)
    reviews(scene, number)
    uploads(scene, number)
    bills(scene, number)
    reports(scene, number)
    logs(scene, number)
    tables(scene, number)


def one_review(scene):
    """Something for post-process to look at, and for a model to be asked about: it is asked once about the same."""
    request = review(scene, f"one-{scene.number}")
    for name in ("feedback_data", "accepted_feedback"):
        for items in request["session"][name].values():
            for item in items:
                item["description"] += f" ({scene.number})"
    scene.http(201, "POST", "/v1/reviews", request)


def kept_and_sent_on(scene):
    """While S3 is down requests are kept; when it is back, the schedule's command sends them on."""
    scene.world.is_down = True
    kept = scene.http(202, "POST", "/v1/reviews", review(scene, f"kept-{scene.number}"))
    record = json.loads(scene.sample("bol/bol.json")) | {"idempotency_key": f"kept-{scene.number}"}
    scene.http(202, "POST", "/v1/bols", record)
    scene.world.is_down = False
    scene.step("it is kept", kept["stored"] == "local", str(kept)[:300])
    answer = scene.function.invoke({"command": "replay"})
    outcomes = [entry.get("outcome") for entry in answer.get("entries", [])]
    scene.step("replay", outcomes == ["sent", "sent"], str(answer)[:600])


def after_a_delivery(scene):
    """What came through the inbox is sent again by the API, and answered with a link, for it is verified by now."""
    delivered = [key for key in scene.keys() if "/delivered_" in key]
    for key in delivered:
        content = scene.s3.get_object(Bucket=scene.artifacts, Key=key)["Body"].read()
        scene.http(201, "POST", "/v1/clinical", {"file": inline(key.split("/")[-1], content)}, who="clerk")
    scene.step("there was a table and a snapshot", len(delivered) == 2, delivered)


def review(scene, session, **changes):
    """The sample review under another session's id."""
    request = json.loads(json.loads((scene.root / "tests/events/post_reviews.json").read_bytes())["body"])
    request["session"]["session_id"] = session
    return request | {"owner": "c-17"} | changes


def reviews(scene, number):
    """One, the same again, with other content, many, from a schedule, and as a ZIP."""
    first = review(scene, f"session-{number}")
    scene.http(201, "POST", "/v1/reviews", first)
    scene.http(201, "POST", "/v1/reviews", first)
    other = review(scene, f"session-{number}", revision=True)
    other["session"]["completed_at"] = "2025-11-14T15:00:00Z"
    scene.http(201, "POST", "/v1/reviews", other)
    scene.http(
        409,
        "POST",
        "/v1/reviews",
        other | {"revision": False, "session": other["session"] | {"completed_at": "2025-11-14T15:01:00Z"}},
    )
    both = [review(scene, f"batch-{number}-{one}") for one in "ab"]
    scene.http(200, "POST", "/v1/reviews/batch", {"reviews": both})
    scene.put(f"inbox/reviews/acme/night-{number}/a.json", json.dumps(review(scene, f"night-{number}")).encode())
    scene.command("export_reviews", staged=f"night-{number}/")
    scene.command("export_review", **review(scene, f"command-{number}"))
    scene.http(200, "POST", "/v1/reviews", review(scene, f"zip-{number}", destination="download"))


def uploads(scene, number):
    """What doesn't fit into a request; and an answer that doesn't fit into a response."""
    large = io.BytesIO(scene.sample("review/before.docx"))
    with zipfile.ZipFile(large, "a", zipfile.ZIP_STORED) as archive:
        archive.writestr("word/media/large.bin", hashlib.shake_256(b"large").digest(5_000_000))
    kind = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    upload = granted(scene, "reviews", "write-up.docx", large.getvalue(), kind)
    request = review(scene, f"upload-{number}")
    request["documents"]["before"] = {"file_name": "write-up.docx", "upload_id": upload}
    scene.http(201, "POST", "/v1/reviews", request)
    scene.http(
        200,
        "POST",
        "/v1/reviews",
        request | {"session": request["session"] | {"session_id": f"large-{number}"}, "destination": "download"},
    )
    whole = json.dumps(review(scene, f"uploaded-{number}")).encode()
    upload = granted(scene, "reviews", "request.json", whole, "application/json")
    scene.http(200, "POST", "/v1/reviews/batch", {"reviews": [{"upload_id": upload}]})
    content = scene.sample("clinical/encounter_maindata.parquet")
    upload = granted(scene, "clinical", "uploaded.parquet", content, "application/vnd.apache.parquet")
    scene.http(201, "POST", "/v1/clinical", {"file": {"file_name": f"uploaded_{number}.parquet", "upload_id": upload}})


def granted(scene, collection, name, content, kind):
    """Puts a file where a grant says. moto doesn't look at presigned URLs, so somebody else does it."""
    asked = {
        "collection": collection,
        "file_name": name,
        "size": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "content_type": kind,
    }
    grant = scene.http(201, "POST", "/v1/uploads", asked)
    headers = {header.lower(): value for header, value in grant["headers"].items()}
    own = {key.removeprefix("x-amz-meta-"): value for key, value in headers.items() if key.startswith("x-amz-meta-")}
    key = grant["url"].split("?")[0].split(f"/{scene.artifacts}/", 1)[1]
    sums = {
        "ChecksumAlgorithm": "SHA256",
        "ChecksumSHA256": base64.b64encode(hashlib.sha256(content).digest()).decode(),
    }
    scene.put(key, content, ContentType=kind, Metadata=own, **sums)
    return grant["upload_id"]


def inline(name, content):
    """A file as it stands in a request."""
    return {"file_name": name, "content_base64": base64.b64encode(content).decode()}


def bills(scene, number):
    """A record, the same again, and a finished PDF."""
    record = json.loads(scene.sample("bol/bol.json")) | {"idempotency_key": f"key-{number}"}
    scene.http(201, "POST", "/v1/bols", record)
    scene.http(201, "POST", "/v1/bols", record)
    pdf = scene.sample("ecg/ECG_Report_20251028_143022.pdf") + f"\n% {number}\n".encode()
    scene.http(201, "POST", "/v1/bols", {"file": inline("bol.pdf", pdf), "date": "2025-11-04", "owner": "c-17"})
    scene.command("store_bol", **(record | {"idempotency_key": f"command-{number}"}))


def reports(scene, number):
    """An ECG report, again, other content under its name, and what isn't taken."""
    pdf = scene.sample("ecg/ECG_Report_20251028_143022.pdf")
    name = f"ECG_Report_{number}_20251028_143022.pdf"
    # moto computes another signature where metadata isn't ASCII.
    metadata = json.loads(scene.sample("ecg/metadata.json")) | {"patient_name": "Jane Roe"}
    request = {"file": inline(name, pdf), "metadata": metadata, "owner": "c-17"}
    scene.http(201, "POST", "/v1/ecg-reports", request)
    scene.http(201, "POST", "/v1/ecg-reports", request)
    scene.http(201, "POST", "/v1/ecg-reports", request | {"file": inline(name, pdf + b"\n")})
    metrics = scene.sample("ecg/metrics_20251028_143022.json")
    scene.http(201, "POST", "/v1/documents/ecg-reports", {"file": inline(f"metrics_{number}.json", metrics)})
    scene.http(200, "POST", "/v1/ecg-reports", {"file": inline("crash_logs.json", b"{}")})
    scene.command("store_file", collection="ecg-reports", file=inline(f"report_{number}_c.pdf", pdf))


def logs(scene, number):
    """A training log, again, and revised."""
    log = json.loads(scene.sample("training/session.json"))
    log["session"]["id"] = f"training-{number}"
    scene.http(201, "POST", "/v1/training-logs", log)
    scene.http(201, "POST", "/v1/training-logs", log)
    scene.http(409, "POST", "/v1/training-logs", log | {"training_results": log["training_results"] | {"steps": 9}})
    revised = log | {"training_results": log["training_results"] | {"steps": 2812}}
    scene.http(201, "POST", "/v1/training-logs", revised, revision="true")
    scene.command("store_training_log", log=log | {"session": log["session"] | {"id": f"command-{number}"}})


def tables(scene, number):
    """A table, its next version, and a snapshot."""
    name = f"demographics_{number}.parquet"
    first = scene.sample("clinical/demographics_maindata.parquet")
    answer = scene.http(201, "POST", "/v1/clinical", {"file": inline(name, first), "owner": "c-17"})
    second = scene.sample("clinical/encounter_maindata.parquet")
    replaces = {"file": inline(name, second), "owner": "c-17", "replaces": answer["version_id"]}
    scene.http(201, "POST", "/v1/clinical", replaces)
    scene.http(201, "POST", "/v1/clinical", replaces)
    snapshot = scene.sample("clinical/dmd_snapshot.json")
    scene.http(201, "POST", "/v1/clinical", {"file": inline(f"snapshot_{number}.json", snapshot), "owner": "c-17"})
