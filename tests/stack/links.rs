//! Links as callers meet them: who gets one, where it leads, and what it costs.

use aws_sdk_s3::primitives::ByteStream;
use bytes::Bytes;
use casefile::audit::Record;
use casefile::bucket::Bucket;
use casefile::collection::{Collection, LinkKind};
use casefile::digest::Sha256;
use casefile::document::ownership;
use casefile::link::request::LinkRequest;
use casefile::link::{Asking, Link};
use casefile::name::{Owner, TenantId};
use casefile::problem::{Problem, ProblemKind};
use casefile_local::client;
use casefile_local::s3::{Fault, FaultRule, When};
use hyper::{Method, Response};
use serde_json::{Value, json};

use crate::support::{
    AUDIT_BUCKET, BUCKET, Harness, TestStack, caller, folder, links, noon, office, sample, token,
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
    assert_eq!(foreign.len(), 2);
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

#[tokio::test(flavor = "multi_thread")]
async fn names_survive_the_whole_way_to_the_saved_file() {
    let stack = TestStack::start().await;
    let client = crate::support::client(&stack.stack.s3.endpoint());
    let bucket = stack.bucket();
    for name in [
        "Befund Müller & Söhne = 50% + #1.pdf",
        "报告 \"final\"; v=2.pdf",
        "a%20b%2Fc+d.pdf",
        "naïve 'quoted' (1)*.pdf",
    ] {
        let path = format!("2025/10/28/{name}");
        put(
            &client,
            bucket.name(),
            &format!("ecg-reports/{path}"),
            "acme",
            None,
        )
        .await;
        let target = format!("/v1/links/ecg-reports/{}", encoded(&path));
        let (status, link) = stack.get(&target, &office("acme")).await;
        assert_eq!(status, 200, "{name}: {link}");
        assert_eq!(link["file_name"], name);
        let file = follow(link["url"].as_str().unwrap()).await;
        assert_eq!(file.status(), 200, "{name}");
        let disposition = file.headers()["content-disposition"].to_str().unwrap();
        let (_, real) = disposition.split_once("filename*=UTF-8''").unwrap();
        assert_eq!(decoded(real), name);
    }
    let mut request = sample("names");
    let name = "Übersicht + 50% & a=b #1 final.docx";
    request["documents"]["before"]["file_name"] = json!(name);
    let (status, answer) = stack.export(&request).await;
    assert_eq!(status, 201, "{answer}");
    assert_eq!(answer["link"]["file_name"], format!("after_{name}"));
    assert_eq!(
        follow(answer["link"]["url"].as_str().unwrap()).await.status(),
        200
    );
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let hex = [rest.next().unwrap(), rest.next().unwrap()];
            bytes.push(u8::from_str_radix(std::str::from_utf8(&hex).unwrap(), 16).unwrap());
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_s_wishes_are_checked_all_at_once_and_clamped_honestly() {
    let stack = TestStack::start().await;
    let client = crate::support::client(&stack.stack.s3.endpoint());
    let bucket = stack.bucket();
    put(
        &client,
        bucket.name(),
        "bols/2025/PRT-2025-0042.pdf",
        "acme",
        None,
    )
    .await;
    let bol = "/v1/links/bols/PRT-2025-0042";
    let wrong = format!("{bol}?kind=both&expires_in=59&disposition=show&uses=0&network=x&redirect=1&x=y");
    let (status, problem) = stack.get(&wrong, &office("acme")).await;
    assert_eq!(status, 422);
    let pointers: Vec<_> = problem["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| &error["pointer"])
        .collect();
    let expected = [
        "?kind",
        "?expires_in",
        "?disposition",
        "?uses",
        "?network",
        "?redirect",
        "?x",
    ];
    assert_eq!(pointers, expected);

    let (_, share) = stack.get(bol, &office("acme")).await;
    assert_eq!(
        (&share["kind"], &share["expires_in"]),
        (&json!("share"), &json!(86_400))
    );
    assert_eq!(share["path"], "2025/PRT-2025-0042.pdf");
    let url = share["url"].as_str().unwrap();
    assert!(
        url.starts_with(&stack.stack.public_url()) && url.contains("/v1/s/"),
        "{url}"
    );
    let (_, clamped) = stack
        .get(&format!("{bol}?expires_in=604800"), &office("acme"))
        .await;
    assert_eq!(
        (&clamped["expires_in"], &clamped["clamped_by"]),
        (&json!(86_400), &json!("collection"))
    );
    let direct = format!("{bol}?kind=direct&expires_in=3600&disposition=inline");
    let (_, direct) = stack.get(&direct, &office("acme")).await;
    assert_eq!(
        (&direct["expires_in"], &direct["clamped_by"]),
        (&json!(900), &json!("maximum"))
    );
    let file = follow(direct["url"].as_str().unwrap()).await;
    assert!(
        file.headers()["content-disposition"]
            .to_str()
            .unwrap()
            .starts_with("inline;")
    );
    let (status, _) = stack
        .get(&format!("{bol}?kind=direct&uses=3"), &office("acme"))
        .await;
    assert_eq!(status, 422);

    let (_, answer) = stack.export(&sample("inline")).await;
    let docx = encoded(answer["link"]["path"].as_str().unwrap());
    let (status, problem) = stack
        .get(
            &format!("/v1/links/reviews/{docx}?disposition=inline"),
            &office("acme"),
        )
        .await;
    assert_eq!(
        (status, &problem["errors"][0]["pointer"]),
        (422, &json!("?disposition"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn in_bulk_each_item_has_its_own_outcome_and_its_own_record() {
    let stack = TestStack::start().await;
    let (_, answer) = stack.export(&sample("bulk")).await;
    let report = format!("{}/readable_report.txt", folder(&answer));
    let before = records(&stack.stack.audit().unwrap()).await.len();
    let body = json!({"items": [
        {"collection": "reviews", "path": report},
        {"collection": "reviews", "path": "20251114_142510_none/readable_report.txt"},
        {"collection": "reviews", "path": report, "kind": "share", "uses": 2, "network": "127.0.0.0/8"},
        {"collection": "reviews", "path": report, "disposition": "inline", "expires_in": 60},
    ]});
    let response = stack
        .call(Method::POST, "/v1/links", Some(&office("acme")), body.to_string())
        .await;
    assert_eq!(response.status(), 200);
    let answer: Value = serde_json::from_slice(response.body()).unwrap();
    let links = answer["links"].as_array().unwrap();
    let outcomes: Vec<_> = links
        .iter()
        .map(|item| item["status"].as_str().unwrap())
        .collect();
    assert_eq!(outcomes, ["granted", "refused", "granted", "granted"]);
    assert_eq!(links[1]["problem"]["status"], 404);
    assert_eq!(links[2]["link"]["network"], "127.0.0.0/8");
    for link in [&links[0], &links[3]] {
        assert_eq!(follow(link["link"]["url"].as_str().unwrap()).await.status(), 200);
    }
    let all = records(&stack.stack.audit().unwrap()).await;
    assert_eq!(all.len() - before, 4);
    let failures = all.iter().filter(|record| record.status_id == 2).count();
    assert_eq!(failures, 1);

    let wrong =
        json!({"items": [{"collection": "reviews"}, {"path": 1, "collection": "x", "more": 1}], "x": 1});
    let response = stack
        .call(
            Method::POST,
            "/v1/links",
            Some(&office("acme")),
            wrong.to_string(),
        )
        .await;
    let problem: Value = serde_json::from_slice(response.body()).unwrap();
    let pointers: Vec<_> = problem["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| &error["pointer"])
        .collect();
    assert_eq!(
        pointers,
        ["/x", "/items/0/path", "/items/1/path", "/items/1/more"],
        "{problem}"
    );
}

async fn issue(harness: &Harness, change: impl FnOnce(&mut LinkRequest)) -> Result<Link, Problem> {
    let links = links(harness.client.clone(), noon);
    let caller = caller("dana", &["office"], "acme");
    let origin = casefile::caller::Origin::default();
    let asking = Asking {
        caller: &caller,
        origin: &origin,
        base_url: None,
    };
    let mut request = LinkRequest::plain(Collection::EcgReports, "2025/10/28/x.pdf");
    change(&mut request);
    links.issue(&asking, &request).await
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_durable_record_no_link_of_either_kind_leaves() {
    let harness = Harness::start().await;
    put(
        &harness.client,
        BUCKET,
        "ecg-reports/2025/10/28/x.pdf",
        "acme",
        None,
    )
    .await;
    let faults = [
        (When::Before, Fault::error(503, "SlowDown")),
        (When::Before, Fault::error(403, "AccessDenied")),
        (When::Before, Fault::Cut),
        (When::After, Fault::error(500, "InternalError")),
        (When::After, Fault::Cut),
    ];
    for (when, fault) in faults {
        for kind in [LinkKind::Direct, LinkKind::Share] {
            let rule = FaultRule::on("PutObject").bucket(AUDIT_BUCKET);
            let injected = harness.s3.faults().inject(rule, when, fault.clone());
            let outcome = issue(&harness, |request| request.kind = Some(kind)).await;
            // A record that was written, and whose answer was lost, is found by a retry: then the link may leave.
            let recorded = records(&Bucket::new(harness.client.clone(), AUDIT_BUCKET.to_owned())).await;
            match outcome {
                Ok(link) => {
                    let is_on_record =
                        |record: &Record| record.unmapped.grant_id.as_ref() == Some(&link.grant_id);
                    assert!(recorded.iter().any(is_on_record), "{when:?} {fault:?} {kind:?}");
                    assert_eq!(when, When::After);
                }
                Err(problem) => {
                    assert_eq!(
                        problem.kind,
                        ProblemKind::Unavailable,
                        "{when:?} {fault:?} {kind:?}"
                    );
                    assert!(problem.retry_after.is_some() && !problem.to_string().contains("http"));
                }
            }
            injected.remove();
        }
        // A refusal without a record isn't told either.
        let rule = FaultRule::on("PutObject").bucket(AUDIT_BUCKET);
        let injected = harness.s3.faults().inject(rule, When::Before, fault.clone());
        let refused = issue(&harness, |request| {
            request.path = "2025/10/28/none.pdf".to_owned();
        })
        .await;
        assert_eq!(refused.unwrap_err().kind, ProblemKind::Unavailable);
        injected.remove();
    }
    let recovered = issue(&harness, |_| {}).await.unwrap();
    assert_eq!(recovered.expires_at, "2025-11-14T12:15:00.000Z");
}

#[tokio::test(flavor = "multi_thread")]
async fn with_the_audit_store_down_every_route_answers_503_and_gives_no_link() {
    let stack = TestStack::start().await;
    let (_, answer) = stack.export(&sample("down")).await;
    let report = format!("{}/readable_report.txt", folder(&answer));
    let link = format!("/v1/links/reviews/{}", encoded(&report));
    let (_, share) = stack
        .get(&format!("{link}?kind=share&uses=1"), &office("acme"))
        .await;
    let share_target = split(share["url"].as_str().unwrap()).1;
    let bulk = json!({"items": [{"collection": "reviews", "path": report}]}).to_string();
    let upload = json!({
        "collection": "reviews", "file_name": "x.docx", "size": 1, "sha256": "0".repeat(64),
        "content_type": "application/pdf",
    });
    let export = sample("down too").to_string().replace("down too", "down-too");
    let mut large = sample("zip");
    large["destination"] = json!("download");
    let audit = stack.stack.audit_bucket().unwrap().to_owned();
    let office = office("acme");
    for (when, fault) in [
        (When::Before, Fault::error(503, "SlowDown")),
        (When::After, Fault::error(500, "InternalError")),
    ] {
        let rule = FaultRule::any().bucket(&audit);
        let injected = stack.stack.s3.faults().inject(rule, when, fault);
        for (method, target, token, body) in [
            (Method::GET, link.as_str(), Some(&office), String::new()),
            (
                Method::GET,
                &format!("{link}?kind=share"),
                Some(&office),
                String::new(),
            ),
            (
                Method::GET,
                &format!("{link}?redirect=true"),
                Some(&office),
                String::new(),
            ),
            (Method::POST, "/v1/links", Some(&office), bulk.clone()),
            (Method::GET, &share_target, None, String::new()),
            (Method::POST, &share_target, None, String::new()),
            (Method::GET, "/v1/s/BwcHBwcHBwcHBwcHBwcHBw", None, String::new()),
            (Method::POST, "/v1/uploads", Some(&office), upload.to_string()),
            (Method::POST, "/v1/reviews", Some(&office), export.clone()),
            (Method::GET, "/v1/documents/reviews", Some(&office), String::new()),
            (
                Method::GET,
                &link.replace("links", "documents"),
                Some(&office),
                String::new(),
            ),
        ] {
            let response = stack
                .call(method.clone(), target, token.map(String::as_str), body)
                .await;
            assert_eq!(response.status(), 503, "{when:?} {method} {target}");
            assert!(
                response.headers().contains_key("retry-after"),
                "{method} {target}"
            );
            assert!(!response.headers().contains_key("location"), "{method} {target}");
            let body = String::from_utf8(response.body().to_vec()).unwrap();
            assert!(
                !body.contains("Signature") && !body.contains("/v1/s/"),
                "{method} {target}: {body}"
            );
        }
        injected.remove();
    }
    // The share's only use was given back.
    let redirect = stack.call(Method::GET, &share_target, None, String::new()).await;
    assert_eq!(redirect.status(), 302);
    assert_eq!(
        stack
            .call(Method::GET, &share_target, None, String::new())
            .await
            .status(),
        404
    );
    assert_eq!(stack.post(export).await.0, 201);
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
    put(
        &harness.client,
        BUCKET,
        "ecg-reports/2025/10/28/x.pdf",
        "acme",
        None,
    )
    .await;
    for path in ["2025/10/28/x.pdf", "2025/10/28/none.pdf"] {
        harness.s3.requests().record(true);
        let _ = issue(&harness, |request| request.path = path.to_owned()).await;
        let requests = harness.s3.requests().take();
        let operations: Vec<_> = requests
            .iter()
            .map(|request| request.operation.as_str())
            .collect();
        assert_eq!(operations, ["HeadObject", "PutObject"], "{path}");
    }
}
