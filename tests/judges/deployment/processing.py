"""Everything that post-process does."""

import json

import events

WATCHED = ("tara/", "bols/", "ecg-reports/", "training-logs/", "parquet/", "snapshots/", "files/", "inbox/")
ROUNDS = 4


def post_process(scene):
    """What has arrived, what devices deliver, what is broken, and what is no event at all."""
    number = scene.number
    tell(scene, "what the API has stored")
    mend(scene)
    device(scene, number)
    tell(scene, "what a device has delivered")
    broken(scene, number)
    tell(scene, "what is broken")
    odd(scene, number)


def tell(scene, what):
    """S3's events of all that is new, and of what comes of it: what is filed arrives, too."""
    for _ in range(ROUNDS):
        new = [one for one in versions(scene) if one["VersionId"] not in scene.told]
        if not new:
            return
        scene.told |= {one["VersionId"] for one in new}
        records = [event(scene, one) for one in new]
        for start in range(0, len(records), 10):
            scene.batch(what, [{"Records": [record]} for record in records[start : start + 10]])


def versions(scene):
    """What lies where events come from, but for what is staged for an export. Of sessions, the last one: the others are
    no different."""
    pages = scene.s3.get_paginator("list_object_versions").paginate(Bucket=scene.artifacts)
    found = [one for page in pages for one in page.get("Versions", []) if one["Key"].startswith(WATCHED)]
    last = max(one["Key"].split("/")[1] for one in found if one["Key"].startswith("tara/"))
    sessions = [one for one in found if one["Key"].startswith(f"tara/{last}/")]
    return sessions + [one for one in found if not one["Key"].startswith(("tara/", "inbox/reviews/"))]


def event(scene, one):
    """What S3 tells of a version."""
    return events.created(scene.artifacts, one["Key"], one["VersionId"], one["Size"], one["ETag"])


def device(scene, number):
    """What is taken, and what isn't."""
    pdf = scene.sample("ecg/ECG_Report_20251028_143022.pdf")
    scene.put(f"inbox/ecg-reports/ECG_Report_{number}_d_20251028.pdf", pdf, Metadata={"report_date": "2025-10-28"})
    scene.put(f"inbox/ecg-reports/session_{number}.log", b"not a report")
    scene.put(f"inbox/clinical/delivered_{number}.parquet", scene.sample("clinical/demographics_maindata.parquet"))
    scene.put(f"inbox/clinical/delivered_{number}.json", scene.sample("clinical/dmd_snapshot.json"))


def broken(scene, number):
    """In each collection, and through the inbox: all of it is quarantined."""
    scene.put(f"bols/2025/PRT-2025-{9000 + number}.pdf", b"no PDF", Metadata={"tenant": "acme"})
    scene.put(f"ecg-reports/2025/10/28/report_{number}_x.pdf", b"no PDF", Metadata={"tenant": "acme"})
    scene.put(f"training-logs/2025/11/broken-{number}.log", b"{}", Metadata={"tenant": "acme"})
    scene.put(f"parquet/broken_{number}.parquet", b"PAR1 no table PAR1", Metadata={"tenant": "acme"})
    scene.put(f"snapshots/broken_{number}.json", b"{", Metadata={"tenant": "acme"})
    scene.put(f"inbox/ecg-reports/ECG_Report_{number}_x_20251028.pdf", b"no PDF")
    manifests = [one["Key"] for one in versions(scene) if one["Key"].endswith("/manifest.json")]
    report = manifests[-1].replace("manifest.json", "readable_report.txt")
    scene.put(report, b"other bytes than the manifest's")


def mend(scene):
    """An entry that is missing in the lists comes back with the next event of what it is about."""
    entries = scene.keys("_casefile/by-")
    for key in entries:
        scene.s3.delete_object(Bucket=scene.artifacts, Key=key)
    current = {one["Key"].split("/")[0]: one for one in versions(scene) if one["IsLatest"] and is_listed(one["Key"])}
    scene.batch("lists are mended", [{"Records": [event(scene, one)]} for one in current.values()])
    found = len(scene.keys("_casefile/by-"))
    scene.step("lists are mended", found >= len(current), f"{found} entries came back of {sorted(current)}")


def is_listed(key):
    """Whether an event about it brings its entry back: a session's comes with its manifest."""
    return not key.startswith(("inbox/", "tara/")) or key.endswith("/manifest.json")


def odd(scene, number):
    """A version that is gone, S3's test event, another bucket's object, and what can't be read."""
    gone = scene.put(f"bols/2025/PRT-2025-{8000 + number}.pdf", b"gone")
    scene.s3.delete_object(
        Bucket=scene.artifacts, Key=f"bols/2025/PRT-2025-{8000 + number}.pdf", VersionId=gone["VersionId"]
    )
    key = f"bols/2025/PRT-2025-{8000 + number}.pdf"
    scene.batch(
        "a version that is gone", [{"Records": [events.created(scene.artifacts, key, gone["VersionId"], 4, "x")]}]
    )
    test = json.loads((scene.root / "tests/events/post-process/s3_test_event.json").read_bytes())
    scene.batch("S3's test event", [test])
    other = events.created("somebody-elses-bucket", "bols/x.pdf", "1", 4, "x")
    scene.batch("what goes to the dead letters", [{"Records": [other]}, "not JSON"])
