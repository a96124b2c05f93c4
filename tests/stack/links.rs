//! Links as callers meet them: who gets one, where it leads, and what it costs.

mod asked;
mod audit_down;

use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;
use casefile::audit::Record;
use casefile::bucket::Bucket;
use casefile::collection::Collection;
use casefile::digest::Sha256;
use casefile::document::ownership;
use casefile::link::request::LinkRequest;
use casefile::link::{Asking, Link};
use casefile::name::{Owner, TenantId};
use casefile::problem::Problem;
use casefile_local::client;
use hyper::{Method, Response};
use serde_json::{Value, json};

use crate::support::{
    BUCKET, Harness, RELEASED, TestStack, caller, folder, links, noon, office, sample, token,
};

/// Follows a link without a redirect, as a browser would.
pub(crate) async fn follow(url: &str) -> Response<Bytes> {
    fetch(Method::GET, url).await
}

async fn fetch(method: Method, url: &str) -> Response<Bytes> {
    let (address, target) = split(url);
    client::call(address.parse().unwrap(), method, &target, &[], Bytes::new())
        .await
        .unwrap()
}

/// Address and target of a URL of this machine.
pub(crate) fn split(url: &str) -> (&str, String) {
    let rest = url.strip_prefix("http://").unwrap();
    let (address, target) = rest.split_once('/').unwrap();
    (address, format!("/{target}"))
}

/// A path as it stands in a URL.
pub(crate) fn encoded(path: &str) -> String {
    let keep = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./".contains(&byte);
    let encode = |byte: u8| {
        if keep(byte) {
            char::from(byte).to_string()
        } else {
            format!("%{byte:02X}")
        }
    };
    path.bytes().map(encode).collect()
}

/// All audit records, oldest first.
pub(crate) async fn records(audit: &Bucket) -> Vec<Record> {
    let mut records = Vec::new();
    for key in audit.keys("audit/").await.unwrap() {
        let body = audit.read(&key, 100_000).await.unwrap();
        records.push(serde_json::from_slice(&body).unwrap());
    }
    records
}

async fn put(client: &aws_sdk_s3::Client, bucket: &str, key: &str, tenant: &str, owner: Option<&str>) {
    let tenant = TenantId::parse(tenant).unwrap();
    let owner = owner.map(|owner| Owner::parse(owner).unwrap());
    let mut put = client.put_object().bucket(bucket).key(key);
    for (name, value) in ownership(&tenant, owner.as_ref()) {
        put = put.metadata(name, value);
    }
    put.content_type("application/pdf")
        .tagging(RELEASED)
        .body(ByteStream::from_static(b"%PDF-"))
        .send()
        .await
        .unwrap();
}

/// A problem without what is each call's own.
fn anonymous(mut problem: Value) -> Value {
    problem.as_object_mut().unwrap().remove("instance").unwrap();
    problem
}

/// A record without its ids and times, and without the folder that was asked for.
fn without_its_own(record: &Record) -> Value {
    let path = record.unmapped.path.clone().unwrap();
    let (folder, _) = path.split_once('/').unwrap();
    let text = serde_json::to_string(record).unwrap().replace(folder, "FOLDER");
    let mut record: Value = serde_json::from_str(&text).unwrap();
    for (part, name) in [
        ("", "time"),
        ("", "time_dt"),
        ("/metadata", "uid"),
        ("/http_request", "uid"),
    ] {
        let part = record.pointer_mut(part).unwrap().as_object_mut().unwrap();
        part.remove(name).unwrap();
    }
    record
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_leads_to_just_this_version_and_to_nobody_s_cache() {
    let stack = TestStack::start().await;
    let (_, answer) = stack.export(&sample("linked")).await;
    let path = format!("{}/documents/after_write-up TR-20417.docx", folder(&answer));
    let target = format!("/v1/links/reviews/{}", encoded(&path));
    let response = stack
        .call(Method::GET, &target, Some(&office("acme")), String::new())
        .await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["cache-control"], "no-store");
    let link: Value = serde_json::from_slice(response.body()).unwrap();
    assert_eq!(link["kind"], "direct");
    assert_eq!(link["expires_in"], 900);
    assert_eq!(link["file_name"], "after_write-up TR-20417.docx");
    let listed = answer["uploaded_files"].as_array().unwrap();
    let listed = listed
        .iter()
        .find(|file| file["key"] == format!("tara/{path}"))
        .unwrap();
    assert_eq!(link["sha256"], listed["sha256"]);
    assert_eq!(link["size"], listed["size"]);

    let url = link["url"].as_str().unwrap();
    let grant_id = link["grant_id"].as_str().unwrap();
    assert!(
        url.contains("versionId=") && url.contains(&format!("x-grant-id={grant_id}")),
        "{url}"
    );
    let file = follow(url).await;
    assert_eq!(file.status(), 200);
    assert_eq!(json!(Sha256::of(file.body()).to_string()), link["sha256"]);
    assert_eq!(
        file.headers()["content-type"],
        listed["content_type"].as_str().unwrap()
    );
    for tampered in [
        url.replace(grant_id, "01939b7e-0000-7000-8000-000000000000"),
        url.replace("after_", "before_"),
        url.replace("X-Amz-Expires=900", "X-Amz-Expires=901"),
        url.replace("disposition=attachment", "disposition=inline"),
    ] {
        assert_ne!(tampered, url);
        assert_eq!(follow(&tampered).await.status(), 403, "{tampered}");
    }
    assert_eq!(fetch(Method::HEAD, url).await.status(), 403);

    let redirect = stack
        .call(
            Method::GET,
            &format!("{target}?redirect=true"),
            Some(&office("acme")),
            String::new(),
        )
        .await;
    assert_eq!(redirect.status(), 302);
    assert!(redirect.body().is_empty());
    let location = redirect.headers()["location"].to_str().unwrap();
    assert_eq!(follow(location).await.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_export_s_own_link_works_and_is_on_record() {
    let stack = TestStack::start().await;
    let (_, first) = stack.export(&sample("own")).await;
    let (_, again) = stack.export(&sample("own")).await;
    for answer in [&first, &again] {
        let link = &answer["link"];
        let file = follow(link["url"].as_str().unwrap()).await;
        assert_eq!(json!(Sha256::of(file.body()).to_string()), link["sha256"]);
        assert_eq!(link["file_name"], "after_write-up TR-20417.docx");
    }
    assert_eq!(first["link"]["version_id"], again["link"]["version_id"]);
    let records = records(&stack.stack.audit().unwrap()).await;
    let grants: Vec<_> = records
        .iter()
        .map(|record| record.unmapped.grant_id.clone())
        .collect();
    let given = [&first, &again].map(|answer| answer["link"]["grant_id"].as_str().map(str::to_owned));
    assert_eq!(grants, given);
    let record = &records[0];
    assert_eq!(
        (record.class_uid, record.activity_id, record.status_id),
        (6006, 12, 1)
    );
    let user = record.actor.user.as_ref().unwrap();
    assert_eq!((user.uid.as_str(), user.org.uid.as_str()), ("dana", "acme"));
    assert_eq!(
        record.actor.authorizations[0].policy.as_ref().unwrap().uid,
        "office"
    );
    assert_eq!(record.src_endpoint.ip, Some("127.0.0.1".parse().unwrap()));
    let text = serde_json::to_string(record).unwrap();
    assert!(!text.contains("Signature") && !text.contains("://"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_and_what_is_not_the_caller_s_look_the_same() {
    let stack = TestStack::start().await;
    let mut request = sample("mine");
    request["owner"] = json!("c-17");
    let (_, answer) = stack.export(&request).await;
    let path = encoded(&format!("{}/readable_report.txt", folder(&answer)));
    let there = format!("/v1/links/reviews/{path}");
    // Complete but for its manifest.
    let bucket = stack.bucket();
    let client = crate::support::client(&stack.stack.s3.endpoint());
    let open = "tara/20251114_142510_open/readable_report.txt";
    put(&client, bucket.name(), open, "acme", None).await;
    put(
        &client,
        bucket.name(),
        "ecg-reports/2025/10/28/nobody.pdf",
        "acme",
        None,
    )
    .await;
    client
        .put_object()
        .bucket(bucket.name())
        .key("ecg-reports/2025/10/28/no-tenant.pdf")
        .send()
        .await
        .unwrap();

    let office_other = office("globex");
    let customer = |id| token("carl", &["customer"], "acme", Some(id));
    let nobody = "/v1/links/reviews/20251114_142510_none/readable_report.txt".to_owned();
    let (status, unknown) = stack.get(&nobody, &office("acme")).await;
    assert_eq!(status, 404);
    let unknown = anonymous(unknown);
    let cases = [
        (&there, office_other.clone()),
        (&there, customer("c-18")),
        (&there, token("dave", &["device"], "acme", None)),
        (&there, token("nina", &[], "acme", None)),
        (&there, token("aude", &["auditor"], "acme", None)),
        (
            &"/v1/links/reviews/20251114_142510_open/readable_report.txt".to_owned(),
            office("acme"),
        ),
        (
            &"/v1/links/ecg-reports/2025/10/28/no-tenant.pdf".to_owned(),
            office("acme"),
        ),
        (
            &"/v1/links/ecg-reports/2025/10/28/nobody.pdf".to_owned(),
            customer("c-17"),
        ),
        (
            &"/v1/links/reviews/_casefile/sessions/acme/mine.json".to_owned(),
            office("acme"),
        ),
        (&"/v1/links/letters/x".to_owned(), office("acme")),
        (&"/v1/links/reviews/..%2F..%2Fx".to_owned(), office("acme")),
    ];
    for (target, token) in cases {
        let (status, problem) = stack.get(target, &token).await;
        assert_eq!((status, anonymous(problem)), (404, unknown.clone()), "{target}");
        let documents = target.replace("/v1/links/", "/v1/documents/");
        let (status, problem) = stack.get(&documents, &token).await;
        assert_eq!(
            (status, anonymous(problem)),
            (404, unknown.clone()),
            "{documents}"
        );
    }
    // Once more of what isn't there, from the other tenant.
    for target in [&nobody, &nobody.replace("/v1/links/", "/v1/documents/")] {
        let (status, problem) = stack.get(target, &office_other).await;
        assert_eq!((status, anonymous(problem)), (404, unknown.clone()), "{target}");
    }
    assert_eq!(stack.get(&there, &customer("c-17")).await.0, 200);
    assert_eq!(stack.get(&there, &office("acme")).await.0, 200);
    let anonymous = stack.call(Method::GET, &there, None, String::new()).await;
    assert_eq!(anonymous.status(), 401);

    // The other tenant's own log doesn't tell it either.
    let records = records(&stack.stack.audit().unwrap()).await;
    let foreign: Vec<_> = records
        .iter()
        .filter(|record| record.unmapped.tenant.as_deref() == Some("globex"))
        .collect();
    assert_eq!(foreign.len(), 4);
    for activity in ["Share", "Preview"] {
        let mut told = foreign.iter().filter(|record| record.activity_name == activity);
        let (one, other) = (told.next().unwrap(), told.next().unwrap());
        assert_ne!(one.unmapped.path, other.unmapped.path);
        assert_eq!(without_its_own(one), without_its_own(other));
    }
    for record in foreign {
        assert_eq!(record.status_detail.as_deref(), Some("not_found"));
        assert!(record.actor.authorizations.is_empty());
        let file = &record.file;
        assert!(file.size.is_none() && file.version.is_none() && file.hashes.is_empty());
    }
    let reason = |user: &str| {
        let mut found = records.iter().filter(|record| {
            record.actor.user.as_ref().is_some_and(|actor| actor.uid == user) && record.status_id == 2
        });
        found.next().unwrap().status_detail.clone().unwrap()
    };
    assert_eq!(reason("nina"), "forbidden");
}

async fn issue(harness: &Harness, change: impl FnOnce(&mut LinkRequest)) -> Result<Link, Problem> {
    let links = links(harness.client.clone(), noon);
    let caller = caller("dana", &["office"], "acme");
    let origin = casefile::caller::Origin::default();
    let asking = Asking {
        caller: &caller,
        origin: &origin,
        base_url: None,
        kept_at: None,
    };
    let mut request = LinkRequest::plain(Collection::ecg_reports(), "2025/10/28/x.pdf");
    change(&mut request);
    links.issue(&asking, &request).await
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_callers_at_once_on_five_uses_get_just_five_redirects() {
    let stack = TestStack::start().await;
    let (_, answer) = stack.export(&sample("crowd")).await;
    let report = encoded(&format!("{}/readable_report.txt", folder(&answer)));
    let (_, share) = stack
        .get(
            &format!("/v1/links/reviews/{report}?kind=share&uses=5"),
            &office("acme"),
        )
        .await;
    let target = split(share["url"].as_str().unwrap()).1;
    let callers = (0..64).map(|_| stack.call(Method::GET, &target, None, String::new()));
    let answers = futures::future::join_all(callers).await;
    let count = |status: u16| answers.iter().filter(|answer| answer.status() == status).count();
    assert_eq!((count(302), count(404)), (5, 59));
    for answer in answers.iter().filter(|answer| answer.status() == 302) {
        let location = answer.headers()["location"].to_str().unwrap();
        assert_eq!(follow(location).await.status(), 200);
    }
    let records = records(&stack.stack.audit().unwrap()).await;
    let tries = records.iter().filter(|record| record.activity_name == "Download");
    let uses = tries.clone().filter(|record| record.status_id == 1).count();
    assert_eq!((uses, tries.count()), (5, 64));
}

#[tokio::test]
async fn a_link_costs_a_head_and_the_record() {
    let harness = Harness::start().await;
    let [log, ecg] = ["training-logs/2025/10/x.log", "ecg-reports/2025/10/28/x.pdf"];
    for key in [log, ecg] {
        put(&harness.client, BUCKET, key, "acme", None).await;
    }
    let logs = Collection::training_logs();
    for (collection, path, looks) in [
        (logs, "2025/10/x.log", &["HeadObject"][..]),
        (logs, "2025/10/none.log", &["HeadObject"]),
        // Where verification is demanded, its tags are asked for at the same time.
        (
            Collection::ecg_reports(),
            "2025/10/28/x.pdf",
            &["GetObjectTagging", "HeadObject"],
        ),
        (
            Collection::ecg_reports(),
            "2025/10/28/none.pdf",
            &["GetObjectTagging", "HeadObject"],
        ),
    ] {
        harness.s3.requests().record(true);
        let _ = issue(&harness, |request| {
            *request = LinkRequest::plain(collection, path);
        })
        .await;
        let mut requests = harness.s3.requests().take();
        let record = requests.pop().unwrap();
        assert_eq!(record.operation, "PutObject", "{path}");
        let mut operations: Vec<_> = requests
            .iter()
            .map(|request| request.operation.as_str())
            .collect();
        operations.sort_unstable();
        assert_eq!(operations, looks, "{path}");
    }
}
