"""Everything that signed-download does."""

import urllib.parse


def signed_download(scene):
    """Lists, what is known of each, links of both kinds, and the audit log."""
    documents = {}
    for collection in ("reviews", "bols", "ecg-reports", "training-logs", "clinical"):
        listed = scene.http(200, "GET", f"/v1/documents/{collection}", limit="100")
        shown = [one for one in listed["documents"] if one.get("status") != "rejected"]
        scene.step(f"{collection} are listed", bool(shown), str(listed)[:300])
        documents[collection] = shown
    scene.http(200, "GET", "/v1/documents/reviews", who="customer")
    paths = {name: [one["path"] for one in found] for name, found in documents.items()}
    for collection, (first, *_) in paths.items():
        scene.http(200, "GET", f"/v1/documents/{collection}/{quoted(first)}")
    links(scene, paths)
    shares(scene, paths["bols"][0])
    scene.http(404, "GET", "/v1/documents/bols/2025/PRT-2025-7777.pdf")
    scene.http(404, "GET", "/v1/links/bols/PRT-2025-7777")
    scene.http(200, "GET", "/v1/audit", who="auditor")
    scene.http(200, "GET", "/v1/audit", who="auditor", user="dana", outcome="success")


def quoted(path):
    """A path as it stands in a URL."""
    return urllib.parse.quote(path)


def links(scene, paths):
    """One of each kind, and many at once."""
    report = f"{paths['reviews'][0]}/comprehensive_report.json"
    scene.http(200, "GET", f"/v1/links/reviews/{quoted(report)}")
    scene.http(200, "GET", f"/v1/links/reviews/{quoted(report)}", disposition="inline", expires_in="60")
    for collection in ("bols", "ecg-reports", "training-logs", "clinical"):
        scene.http(200, "GET", f"/v1/links/{collection}/{quoted(paths[collection][0])}", kind="direct")
    # What came through the inbox has to be verified first.
    listed = scene.http(200, "GET", "/v1/documents/clinical", who="clerk")["documents"]
    delivered = [one["path"] for one in listed]
    scene.step("deliveries are listed", {one.rsplit(".", 1)[1] for one in delivered} == {"json", "parquet"}, delivered)
    for one in delivered:
        scene.http(200, "GET", f"/v1/links/clinical/{quoted(one)}", who="clerk")
    items = [{"collection": name, "path": found[0]} for name, found in paths.items() if name != "reviews"]
    scene.http(200, "POST", "/v1/links", {"items": items + [{"collection": "reviews", "path": report}]})


def shares(scene, path):
    """Issued, used by whoever has it, used up, and revoked."""
    made = scene.http(200, "GET", f"/v1/links/bols/{quoted(path)}", kind="share", uses="2")
    token = urllib.parse.urlsplit(made["url"]).path.rsplit("/", 1)[1]
    scene.http(302, "GET", f"/v1/s/{token}", who=None)
    scene.http(303, "POST", f"/v1/s/{token}", who=None)
    scene.http(404, "POST", f"/v1/s/{token}", who=None)
    made = scene.http(200, "GET", f"/v1/links/bols/{quoted(path)}", kind="share")
    token = urllib.parse.urlsplit(made["url"]).path.rsplit("/", 1)[1]
    scene.http(302, "GET", f"/v1/s/{token}", who=None)
    scene.http(204, "DELETE", f"/v1/s/{made['grant_id']}")
    scene.http(404, "GET", f"/v1/s/{token}", who=None)
    scene.http(404, "GET", "/v1/s/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", who=None)
