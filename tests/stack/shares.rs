//! Share links, used and ended: never more redirects than uses, none without a durable audit record, and one same answer
//! for whoever doesn't get one.

use std::pin::pin;

use aws_sdk_s3::Client;
use bytes::Bytes;
use casefile::audit::Record;
use casefile::bucket::NewObject;
use casefile::config::Env;
use casefile::digest::Sha256;
use casefile::document::ownership;
use casefile::id::{Token, system_entropy};
use casefile::link::Links;
use casefile::link::settings::LinkSettings;
use casefile::link::share::{MAX_SHARE_BYTES, Share};
use casefile::name::{Owner, TenantId};
use casefile::time::Clock;
use casefile_local::client::call;
use casefile_local::s3::{Fault, FaultRule, S3Config, S3Server, When};
use futures::future::{Either, join_all, select};
use hyper::Method;
use jiff::{SignedDuration, Timestamp};
use lambda_runtime::{Context, LambdaEvent};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use signed_download::config::Config;
use signed_download::handler::SignedDownload;
use tempfile::TempDir;

const FILES: &str = "files";
const AUDIT: &str = "audit";
const KEY: &str = "bols/2025/PRT-2025-0042.pdf";
const BODY: &[u8] = b"%PDF-1.7 a bill of lading";
const BROWSER: &str = "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8";

fn in_a_minute() -> Timestamp {
    Timestamp::now() + SignedDuration::from_secs(61)
}

fn in_a_day() -> Timestamp {
    Timestamp::now() + SignedDuration::from_hours(24)
}

/// An S3 with one bill of lading of the tenant `acme`, and the function in this very process.
struct Desk {
    s3: S3Server,
    client: Client,
    function: SignedDownload,
    links: Links,
    _data: TempDir,
}

/// A link as its maker gets it.
struct Made {
    token: String,
    grant_id: String,
}

#[derive(Debug)]
struct Answer {
    status: i64,
    location: Option<String>,
    body: String,
    retry_after: bool,
}

/// A request as API Gateway hands it on.
#[derive(Clone)]
struct Call {
    method: &'static str,
    path: String,
    query: &'static str,
    accept: &'static str,
    ip: &'static str,
    claims: Value,
}

fn of_office(tenant: &str) -> Value {
    json!({"sub": "dana", "groups": "[office]", "tenant": tenant})
}

fn of_customer(customer: &str) -> Value {
    json!({"sub": format!("user-of-{customer}"), "groups": "[customer]", "tenant": "acme", "customer": customer})
}

impl Call {
    fn to(method: &'static str, path: String) -> Self {
        Self {
            method,
            path,
            query: "",
            accept: "*/*",
            ip: "192.0.2.7",
            claims: Value::Null,
        }
    }

    fn by(self, claims: Value) -> Self {
        Self { claims, ..self }
    }

    fn event(&self) -> LambdaEvent<Box<RawValue>> {
        let mut event = json!({
            "version": "2.0",
            "rawPath": self.path,
            "rawQueryString": self.query,
            "headers": {"accept": self.accept},
            "requestContext": {
                "http": {"method": self.method, "sourceIp": self.ip, "userAgent": "test"},
                "stage": "$default",
                "domainName": "api.example.com",
            },
            "isBase64Encoded": false,
        });
        if !self.claims.is_null() {
            event["requestContext"]["authorizer"] = json!({"jwt": {"claims": self.claims, "scopes": null}});
        }
        let mut context = Context::default();
        "request-1".clone_into(&mut context.request_id);
        LambdaEvent::new(RawValue::from_string(event.to_string()).unwrap(), context)
    }
}

fn settings(endpoint: &str) -> LinkSettings {
    let mut env = Env::of([
        ("AWS_ENDPOINT_URL_S3", endpoint),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "casefile"),
        ("AWS_SECRET_ACCESS_KEY", "casefile-local-secret"),
        ("S3_BUCKET_NAME", FILES),
        ("AUDIT_BUCKET_NAME", AUDIT),
    ]);
    let settings = LinkSettings::read(&mut env);
    env.finish(settings).unwrap()
}

async fn ask(function: &SignedDownload, call: &Call) -> Answer {
    let response = function.handle(call.event()).await.unwrap();
    let text = |name: &str| {
        response
            .headers
            .get(name)
            .map(|value| value.to_str().unwrap().to_owned())
    };
    assert_eq!(text("cache-control").as_deref(), Some("no-store"));
    Answer {
        status: response.status_code,
        location: text("location"),
        retry_after: text("retry-after").is_some(),
        body: response
            .body
            .map(|body| String::from_utf8(body.to_vec()).unwrap())
            .unwrap_or_default(),
    }
}

impl Desk {
    async fn start() -> Self {
        let data = TempDir::new().unwrap();
        let mut config = S3Config::new(data.path(), Timestamp::now);
        config.buckets = vec![FILES.to_owned(), AUDIT.to_owned()];
        let s3 = S3Server::start(config).await.unwrap();
        let desk = Self {
            client: settings(&s3.endpoint()).s3.client(),
            function: function(&s3, Timestamp::now),
            links: settings(&s3.endpoint())
                .links(Timestamp::now, system_entropy)
                .unwrap(),
            s3,
            _data: data,
        };
        let tenant = TenantId::parse("acme").unwrap();
        let object = NewObject {
            key: KEY.to_owned(),
            body: Bytes::from_static(BODY),
            sha256: Sha256::of(BODY),
            content_type: "application/pdf",
            metadata: ownership(&tenant, Owner::parse("c-17").ok().as_ref()),
        };
        desk.links.bucket.create(&object).await.unwrap();
        desk
    }

    /// The function as another process has it, with a clock of its own.
    fn other(&self, clock: Clock) -> SignedDownload {
        function(&self.s3, clock)
    }

    async fn ask(&self, call: &Call) -> Answer {
        ask(&self.function, call).await
    }

    async fn made_by(&self, claims: Value, query: &'static str) -> Made {
        let mut call = Call::to("GET", "/v1/links/bols/PRT-2025-0042".to_owned()).by(claims);
        call.query = query;
        let answer = self.ask(&call).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let link: Value = serde_json::from_str(&answer.body).unwrap();
        let url = link["url"].as_str().unwrap();
        Made {
            token: url
                .strip_prefix("https://api.example.com/v1/s/")
                .unwrap()
                .to_owned(),
            grant_id: link["grant_id"].as_str().unwrap().to_owned(),
        }
    }

    async fn make(&self, query: &'static str) -> Made {
        self.made_by(of_office("acme"), query).await
    }

    async fn share(&self, made: &Made) -> Share {
        let key = Share::key(Sha256::from_hex(&made.grant_id).unwrap());
        let bytes = self.links.bucket.read(&key, MAX_SHARE_BYTES).await.unwrap();
        serde_json::from_slice(&bytes).unwrap()
    }

    async fn uses(&self, made: &Made) -> usize {
        self.share(made).await.used.len()
    }

    /// The audit log's records of an activity, oldest first.
    async fn records(&self, activity: &str) -> Vec<Record> {
        let log = self.links.audit.bucket();
        let keys = log.keys("audit/").await.unwrap();
        let all = join_all(keys.iter().map(|key| log.read(key, 100_000))).await;
        let all = all
            .into_iter()
            .map(|bytes| serde_json::from_slice::<Record>(&bytes.unwrap()).unwrap());
        all.filter(|record| record.activity_name == activity).collect()
    }

    /// `None` for each that succeeded.
    async fn reasons(&self, activity: &str) -> Vec<Option<String>> {
        let records = self.records(activity).await;
        records.into_iter().map(|record| record.status_detail).collect()
    }

    /// Follows a redirect: status, headers and bytes.
    async fn follow(&self, location: &str) -> hyper::Response<Bytes> {
        let target = location.strip_prefix(&self.s3.endpoint()).unwrap();
        call(self.s3.address(), Method::GET, target, &[], Bytes::new())
            .await
            .unwrap()
    }

    async fn put(&self, body: &'static [u8], tenant: &str) {
        let put = self
            .client
            .put_object()
            .bucket(FILES)
            .key(KEY)
            .content_type("application/pdf");
        put.metadata("tenant", tenant)
            .body(body.to_vec().into())
            .send()
            .await
            .unwrap();
    }

    async fn delete(&self) {
        self.client
            .delete_object()
            .bucket(FILES)
            .key(KEY)
            .send()
            .await
            .unwrap();
    }
}

fn function(s3: &S3Server, clock: Clock) -> SignedDownload {
    let config = Config {
        links: settings(&s3.endpoint()),
    };
    SignedDownload::new(config, clock, system_entropy).unwrap()
}

impl Made {
    fn call(&self, method: &'static str) -> Call {
        Call::to(method, format!("/v1/s/{}", self.token))
    }

    fn revoke(&self) -> Call {
        Call::to("DELETE", format!("/v1/s/{}", self.grant_id))
    }

    fn page(&self) -> Call {
        Call {
            accept: BROWSER,
            ..self.call("GET")
        }
    }
}

fn parameter(url: &str, name: &str) -> Option<String> {
    let (_, query) = url.split_once('?')?;
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs
        .find(|(other, _)| *other == name)
        .map(|(_, value)| value.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_callers_at_once_get_exactly_as_many_redirects_as_there_are_uses() {
    let desk = Desk::start().await;
    let made = desk.make("uses=5").await;
    let functions: Vec<_> = (0..64).map(|_| desk.other(Timestamp::now)).collect();
    let calls = functions.into_iter().enumerate().map(|(number, function)| {
        let call = made.call(if number % 2 == 0 { "GET" } else { "POST" });
        async move { ask(&function, &call).await }
    });
    let answers: Vec<_> = join_all(calls).await;
    let redirects: Vec<_> = answers
        .iter()
        .filter_map(|answer| answer.location.as_deref())
        .collect();
    assert_eq!(redirects.len(), 5);
    assert_eq!(
        answers.iter().filter(|answer| answer.status == 404).count(),
        59,
        "{answers:?}"
    );
    let mut handed_out: Vec<_> = redirects
        .iter()
        .filter_map(|url| parameter(url, "x-grant-id"))
        .collect();
    handed_out.sort();
    let records = desk.records("Download").await;
    let (uses, refusals): (Vec<_>, Vec<_>) = records.into_iter().partition(|record| record.status_id == 1);
    let recorded: Vec<_> = uses
        .iter()
        .map(|record| record.metadata.uid.to_string())
        .collect();
    assert_eq!(handed_out, recorded);
    assert_eq!(refusals.len(), 59);
    assert!(
        refusals
            .iter()
            .all(|record| record.status_detail.as_deref() == Some("used_up"))
    );
    assert_eq!(desk.uses(&made).await, 5);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_callers_at_once_use_a_link_up_to_its_last_use() {
    let desk = Desk::start().await;
    let made = desk.make("uses=32").await;
    let functions: Vec<_> = (0..32).map(|_| desk.other(Timestamp::now)).collect();
    let calls = functions.into_iter().map(|function| {
        let call = made.call("GET");
        async move { ask(&function, &call).await.status }
    });
    let statuses: Vec<_> = join_all(calls).await;
    assert_eq!(statuses, [302; 32]);
}

#[tokio::test]
async fn a_use_leads_to_the_file_under_its_name_and_its_record_to_the_use() {
    let desk = Desk::start().await;
    for (method, status, query) in [("GET", 302, "uses=1"), ("POST", 303, "uses=1"), ("GET", 302, "")] {
        let made = desk.make(query).await;
        let mut call = made.call(method);
        call.query = "utm_source=mail&utm_source=mail";
        let answer = desk.ask(&call).await;
        assert_eq!(
            (answer.status, answer.body.as_str()),
            (status, ""),
            "{method} {query}"
        );
        let url = answer.location.unwrap();
        assert_eq!(parameter(&url, "X-Amz-Expires").as_deref(), Some("60"));
        let file = desk.follow(&url).await;
        assert_eq!((file.status().as_u16(), file.body().as_ref()), (200, BODY));
        assert_eq!(file.headers()["content-type"], "application/pdf");
        let disposition = file.headers()["content-disposition"].to_str().unwrap();
        assert!(
            disposition.starts_with("attachment; filename=\"PRT-2025-0042.pdf\""),
            "{disposition}"
        );
        let record = desk.records("Download").await.pop().unwrap();
        assert_eq!(
            parameter(&url, "x-grant-id"),
            Some(record.metadata.uid.to_string())
        );
        assert_eq!(record.unmapped.grant_id.as_ref(), Some(&made.grant_id));
        assert_eq!(record.unmapped.tenant.as_deref(), Some("acme"));
        assert_eq!(record.unmapped.given.expires_in, Some(60));
        assert!(record.actor.user.is_none() && record.actor.authorizations.is_empty());
        let file = record.file.as_ref().unwrap();
        assert_eq!((file.path.as_str(), file.size), (KEY, Some(BODY.len() as u64)));
        let written = serde_json::to_string(&record).unwrap();
        assert!(!written.contains(&made.token) && !written.contains("X-Amz"));
    }
}

#[tokio::test]
async fn every_refusal_is_one_same_answer_and_its_own_record() {
    let desk = Desk::start().await;
    let used_up = desk.make("uses=1").await;
    desk.ask(&used_up.call("GET")).await;
    let revoked = desk.make("uses=1").await;
    desk.ask(&revoked.revoke().by(of_office("acme"))).await;
    let elsewhere = desk.make("network=198.51.100.0/24").await;
    let plain = desk.make("").await;
    let unknown = Token::new(system_entropy).unwrap();
    let unknown = Call::to("GET", format!("/v1/s/{}", unknown.expose()));
    let late = desk.other(in_a_day);
    let before = desk.records("Download").await.len();
    let mut bodies = Vec::new();
    let mut expected = Vec::new();
    for (function, call, reason) in [
        (&desk.function, unknown, "unknown_link"),
        (
            &desk.function,
            Call::to("GET", "/v1/s/not-a-token".to_owned()),
            "unknown_link",
        ),
        (&desk.function, used_up.call("GET"), "used_up"),
        (&desk.function, used_up.call("HEAD"), "used_up"),
        (&desk.function, used_up.page(), "used_up"),
        (&desk.function, revoked.call("POST"), "revoked"),
        (&desk.function, elsewhere.call("GET"), "wrong_network"),
        (&late, plain.call("GET"), "expired"),
    ] {
        let answer = ask(function, &call).await;
        assert_eq!((answer.status, answer.location), (404, None), "{reason}");
        bodies.push(answer.body);
        expected.push(Some(reason.to_owned()));
    }
    desk.delete().await;
    bodies.push(desk.ask(&plain.call("GET")).await.body);
    bodies.dedup();
    assert_eq!(bodies.len(), 1, "{bodies:?}");
    // The one of tomorrow is the last of the log.
    let mut reasons = desk.reasons("Download").await.split_off(before);
    expected.insert(expected.len() - 1, Some("not_found".to_owned()));
    assert_eq!(reasons.pop(), expected.pop());
    assert_eq!(reasons, expected);
}

#[tokio::test]
async fn a_network_is_where_a_link_works() {
    let desk = Desk::start().await;
    let made = desk.make("network=192.0.2.0/28").await;
    for (ip, status) in [
        ("192.0.2.7", 302),
        ("192.0.2.16", 404),
        ("2001:db8::1", 404),
        ("", 404),
    ] {
        let call = Call {
            ip,
            ..made.call("GET")
        };
        assert_eq!(desk.ask(&call).await.status, status, "{ip}");
    }
}

#[tokio::test]
async fn looking_at_a_link_uses_nothing_up() {
    let desk = Desk::start().await;
    let made = desk.make("uses=2").await;
    for _ in 0..3 {
        let head = desk.ask(&made.call("HEAD")).await;
        assert_eq!((head.status, head.location, head.body.as_str()), (200, None, ""));
        let page = desk.ask(&made.page()).await;
        assert_eq!((page.status, page.location), (200, None));
        assert!(page.body.contains("<form method=\"post\">") && page.body.contains("<dd>2</dd>"));
        assert!(!page.body.contains(&made.token) && !page.body.contains("PRT-2025-0042"));
    }
    assert_eq!(
        (desk.uses(&made).await, desk.records("Download").await.len()),
        (0, 0)
    );
    let button = Call {
        method: "POST",
        ..made.page()
    };
    assert_eq!(desk.ask(&button).await.status, 303);
    assert!(desk.ask(&made.page()).await.body.contains("<dd>1</dd>"));
    let unlimited = desk.make("").await;
    assert_eq!(desk.ask(&unlimited.page()).await.status, 302);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_audit_record_nothing_leaves_and_the_use_is_given_back() {
    for (when, fault) in [
        (When::Before, Fault::error(503, "SlowDown")),
        (When::Before, Fault::error(403, "AccessDenied")),
        (When::After, Fault::error(500, "InternalError")),
        (When::After, Fault::Cut),
    ] {
        let desk = Desk::start().await;
        let limited = desk.make("uses=1").await;
        let unlimited = desk.make("").await;
        let injected = desk
            .s3
            .faults()
            .inject(FaultRule::on("PutObject").bucket(AUDIT), when, fault.clone());
        let calls = [
            limited.call("GET"),
            limited.call("POST"),
            unlimited.call("GET"),
            limited.revoke(),
        ];
        for call in &calls[..3] {
            let answer = desk.ask(call).await;
            assert_eq!(
                (answer.status, answer.location.as_deref()),
                (503, None),
                "{when:?} {fault:?}"
            );
            assert!(answer.retry_after && !answer.body.contains("X-Amz"));
        }
        assert_eq!(desk.uses(&limited).await, 0, "{when:?} {fault:?}");
        injected.remove();
        assert_eq!(
            desk.ask(&limited.call("GET")).await.status,
            302,
            "{when:?} {fault:?}"
        );
        assert_eq!(desk.ask(&limited.call("GET")).await.status, 404);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_that_can_not_be_recorded_is_no_answer() {
    let desk = Desk::start().await;
    let made = desk.make("uses=1").await;
    desk.ask(&made.call("GET")).await;
    let rule = FaultRule::on("PutObject").bucket(AUDIT);
    desk.s3
        .faults()
        .inject(rule, When::Before, Fault::error(503, "SlowDown"));
    let unknown = Call::to("GET", "/v1/s/not-a-token".to_owned());
    let foreign = made.revoke().by(of_office("other"));
    for call in [made.call("GET"), made.call("HEAD"), unknown, foreign] {
        assert_eq!(desk.ask(&call).await.status, 503, "{} {}", call.method, call.path);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_costs_no_use_and_gives_none() {
    for bucket in [FILES, AUDIT] {
        for fault in [
            Fault::error(500, "InternalError"),
            Fault::Cut,
            Fault::error(409, "ConditionalRequestConflict"),
        ] {
            let desk = Desk::start().await;
            let made = desk.make("uses=2").await;
            let rule = FaultRule::on("PutObject").bucket(bucket).times(1);
            desk.s3.faults().inject(rule, When::After, fault.clone());
            assert_eq!(
                desk.ask(&made.call("GET")).await.status,
                302,
                "{bucket} {fault:?}"
            );
            assert_eq!(desk.uses(&made).await, 1, "{bucket} {fault:?}");
            assert_eq!(desk.reasons("Download").await, [None], "{bucket} {fault:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn when_no_use_can_be_reserved_none_is_recorded() {
    for (when, fault) in [
        (When::Before, Fault::error(403, "AccessDenied")),
        (When::Before, Fault::error(412, "PreconditionFailed")),
    ] {
        let desk = Desk::start().await;
        let made = desk.make("uses=1").await;
        let injected = desk
            .s3
            .faults()
            .inject(FaultRule::on("PutObject").bucket(FILES), when, fault.clone());
        let answer = desk.ask(&made.call("GET")).await;
        assert!(
            matches!(answer.status, 500 | 503) && answer.location.is_none(),
            "{answer:?}"
        );
        injected.remove();
        assert_eq!(desk.reasons("Download").await, Vec::<Option<String>>::new());
        assert_eq!(desk.uses(&made).await, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_use_whose_function_died_comes_back_after_a_minute() {
    let desk = Desk::start().await;
    let made = desk.make("uses=2").await;
    desk.ask(&made.call("GET")).await;
    let mut point = desk
        .s3
        .faults()
        .pause(FaultRule::on("PutObject").bucket(AUDIT), When::Before);
    let call = made.call("GET");
    let held = {
        let dying = pin!(desk.ask(&call));
        let Either::Left((held, _)) = select(pin!(point.arrived()), dying).await else {
            panic!("the record was not awaited");
        };
        held.unwrap()
    };
    drop(point);
    assert_eq!(desk.uses(&made).await, 2);
    assert_eq!(
        desk.ask(&made.call("GET")).await.status,
        404,
        "it may still be under way"
    );
    let later = desk.other(in_a_minute);
    assert_eq!(ask(&later, &made.call("GET")).await.status, 302);
    assert_eq!(ask(&later, &made.call("GET")).await.status, 404);
    drop(held);
    let share = desk.share(&made).await;
    let settled: Vec<_> = share.used.iter().map(|used| used.is_settled).collect();
    assert_eq!(
        settled,
        [true, false],
        "the first one was found to count, and the last one is new"
    );
    let mut reasons = desk.reasons("Download").await;
    reasons.sort();
    assert_eq!(
        reasons,
        [
            None,
            None,
            Some("abandoned".to_owned()),
            Some("used_up".to_owned()),
            Some("used_up".to_owned())
        ]
    );
    // What is settled is never looked at again.
    desk.s3.requests().record(true);
    assert_eq!(ask(&later, &made.call("GET")).await.status, 404);
    let operations: Vec<_> = desk
        .s3
        .requests()
        .take()
        .into_iter()
        .map(|request| request.operation)
        .collect();
    assert_eq!(operations, ["GetObject", "PutObject"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_that_wakes_after_its_use_was_taken_back_hands_out_nothing() {
    let desk = Desk::start().await;
    let made = desk.make("uses=1").await;
    let mut point = desk
        .s3
        .faults()
        .pause(FaultRule::on("PutObject").bucket(AUDIT).times(1), When::Before);
    let call = made.call("GET");
    let later = desk.other(in_a_minute);
    let meanwhile = async {
        let held = point.arrived().await.unwrap();
        assert_eq!(ask(&later, &made.call("GET")).await.status, 302);
        held.release();
    };
    let (answer, ()) = tokio::join!(desk.ask(&call), meanwhile);
    assert_eq!((answer.status, answer.location), (503, None));
    assert_eq!(desk.uses(&made).await, 1, "the other one's use isn't given back");
    assert_eq!(desk.ask(&made.call("GET")).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn many_callers_at_once_settle_a_link_without_giving_more_than_it_has() {
    let desk = Desk::start().await;
    let made = desk.make("uses=3").await;
    for _ in 0..2 {
        assert_eq!(desk.ask(&made.call("GET")).await.status, 302);
    }
    // Neither the record nor the way back works: the use stays reserved.
    let refused = || Fault::error(403, "AccessDenied");
    let faults = desk.s3.faults();
    let no_record = faults.inject(FaultRule::on("PutObject").bucket(AUDIT), When::Before, refused());
    let no_way_back = FaultRule::on("PutObject").bucket(FILES).skip(1);
    let no_way_back = faults.inject(no_way_back, When::Before, refused());
    assert_eq!(desk.ask(&made.call("GET")).await.status, 503);
    no_record.remove();
    no_way_back.remove();
    assert_eq!(desk.uses(&made).await, 3);
    let functions: Vec<_> = (0..24).map(|_| desk.other(in_a_minute)).collect();
    let calls = functions.into_iter().map(|function| {
        let call = made.call("GET");
        async move { ask(&function, &call).await.status }
    });
    let mut statuses: Vec<_> = join_all(calls).await;
    statuses.sort_unstable();
    assert_eq!(statuses[0], 302);
    assert_eq!(statuses[1..], [404; 23]);
    assert_eq!(desk.uses(&made).await, 3);
}

#[tokio::test]
async fn a_revoked_link_leads_nowhere() {
    let desk = Desk::start().await;
    let made = desk.make("uses=3").await;
    assert_eq!(desk.ask(&made.call("GET")).await.status, 302);
    for _ in 0..2 {
        let answer = desk.ask(&made.revoke().by(of_office("acme"))).await;
        assert_eq!((answer.status, answer.body.as_str()), (204, ""));
    }
    assert_eq!(desk.ask(&made.call("GET")).await.status, 404);
    let share = desk.share(&made).await;
    assert_eq!(
        (share.revoked.unwrap().by.as_str(), share.used.len()),
        ("dana", 1)
    );
    let record = desk.records("Unshare").await.pop().unwrap();
    assert_eq!(record.unmapped.grant_id.as_ref(), Some(&made.grant_id));
    assert_eq!(record.file.unwrap().path, KEY);
    assert_eq!(
        record.actor.authorizations[0].policy.as_ref().unwrap().uid,
        "office"
    );
}

#[tokio::test]
async fn who_may_not_revoke_learns_nothing() {
    let desk = Desk::start().await;
    let made = desk.made_by(of_customer("c-17"), "").await;
    let shouted = Call::to("DELETE", format!("/v1/s/{}", made.grant_id.to_uppercase()));
    let unknown = Call::to("DELETE", format!("/v1/s/{}", Sha256::of(b"x")));
    let token = Call::to("DELETE", format!("/v1/s/{}", made.token));
    let office = || of_office("acme");
    let mut bodies = Vec::new();
    let mut reasons = Vec::new();
    for (call, reason) in [
        (made.revoke().by(of_office("other")), "not_found"),
        (made.revoke().by(of_customer("c-18")), "forbidden"),
        (shouted.by(office()), "not_found"),
        (unknown.by(office()), "not_found"),
        (token.by(office()), "not_found"),
    ] {
        let answer = desk.ask(&call).await;
        assert_eq!(answer.status, 404, "{reason}");
        bodies.push(answer.body);
        reasons.push(Some(reason.to_owned()));
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1, "{bodies:?}");
    assert_eq!(desk.reasons("Unshare").await, reasons);
    let foreign = desk.records("Unshare").await.remove(0);
    assert!(foreign.file.is_none() && foreign.actor.authorizations.is_empty());
    assert_eq!(foreign.unmapped.tenant.as_deref(), Some("other"));
    assert!(desk.share(&made).await.revoked.is_none());
    let own = made.revoke().by(of_customer("c-17"));
    let asking_more = Call {
        query: "now=true",
        ..own.clone()
    };
    assert_eq!(desk.ask(&asking_more).await.status, 422);
    assert_eq!(desk.ask(&own.clone().by(Value::Null)).await.status, 401);
    assert_eq!(desk.ask(&own).await.status, 204);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_stays_revoked_when_that_can_not_be_recorded() {
    let desk = Desk::start().await;
    let made = desk.make("").await;
    let rule = FaultRule::on("PutObject").bucket(AUDIT);
    let injected = desk
        .s3
        .faults()
        .inject(rule, When::Before, Fault::error(503, "SlowDown"));
    assert_eq!(desk.ask(&made.revoke().by(of_office("acme"))).await.status, 503);
    injected.remove();
    assert_eq!(desk.ask(&made.call("GET")).await.status, 404);
    assert_eq!(desk.ask(&made.revoke().by(of_office("acme"))).await.status, 204);
}

#[tokio::test]
async fn a_link_leads_to_the_version_that_was_shared_as_long_as_the_document_is_there() {
    let desk = Desk::start().await;
    let made = desk.make("").await;
    let shared = desk.share(&made).await.version_id;
    desk.put(b"newer", "acme").await;
    let url = desk.ask(&made.call("GET")).await.location.unwrap();
    assert_eq!(desk.follow(&url).await.body().as_ref(), BODY);
    let record = desk.records("Download").await.pop().unwrap().file.unwrap();
    assert_eq!((record.version, record.size), (shared, Some(BODY.len() as u64)));
    // Hidden, as what is deleted or quarantined is; then another tenant's.
    desk.delete().await;
    assert_eq!(desk.ask(&made.call("GET")).await.status, 404);
    desk.put(b"another's", "other").await;
    assert_eq!(desk.ask(&made.call("GET")).await.status, 404);
    let reasons = desk.reasons("Download").await;
    assert_eq!(
        reasons,
        [None, Some("not_found".to_owned()), Some("not_found".to_owned())]
    );
}

#[tokio::test]
async fn the_bucket_knows_a_link_only_by_its_digest() {
    let desk = Desk::start().await;
    let made = desk.make("uses=1").await;
    desk.ask(&made.call("GET")).await;
    for (bucket, keys) in [
        (&desk.links.bucket, desk.links.bucket.keys("").await.unwrap()),
        (
            desk.links.audit.bucket(),
            desk.links.audit.bucket().keys("").await.unwrap(),
        ),
    ] {
        for key in keys {
            let bytes = bucket.read(&key, 1_000_000).await.unwrap();
            let text = String::from_utf8_lossy(&bytes);
            assert!(!key.contains(&made.token) && !text.contains(&made.token), "{key}");
            assert!(!text.contains("X-Amz-Signature"), "{key}");
        }
    }
}
