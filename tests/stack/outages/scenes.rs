//! What signed-download is asked for, and what lies in S3 before: one of everything that it asks S3 differently for.

use std::path::Path;

use aws_sdk_s3::primitives::ByteStream;
use casefile::document::ownership;
use casefile::id::{TimeId, system_entropy};
use casefile::link::share::{Share, Use};
use casefile::name::{Owner, TenantId};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use session_export::review::ReviewExport;
use session_export::review::readable::ReportTemplate;
use tempfile::TempDir;

use super::branch::{Branch, Visit, of_office};
use crate::support::{BUCKET, RELEASED, links, noon, owned, store};

const BOL: &str = "bols/2025/PRT-2025-0042.pdf";
const REPLACED: &str = "bols/2025/PRT-2025-0043.pdf";
const ECG: &str = "ecg-reports/2025/10/28/report.pdf";
const ECG_TO_COME: &str = "ecg-reports/2025/10/28/report_2.pdf";
const LOG: &str = "training-logs/2025/10/run-7.log";
const BROWSER: &str = "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8";

/// Something that is asked for.
#[derive(Debug, Clone)]
pub(super) struct Scene {
    pub(super) name: &'static str,
    pub(super) visit: Visit,
    pub(super) status: i64,
    /// The share whose only use it is.
    pub(super) uses_up: Option<String>,
    /// Whether it leaves something else than it found, beside records.
    pub(super) is_change: bool,
}

/// A folder with all that the scenes need.
pub(super) struct Stock {
    folder: TempDir,
    pub(super) scenes: Vec<Scene>,
}

/// A share link, as its maker gets it.
struct Made {
    token: String,
    grant_id: String,
}

impl Stock {
    pub(super) async fn fill() -> Self {
        let branch = Branch::open(TempDir::new().unwrap()).await;
        let session = export(&branch).await;
        for (key, tags) in [
            (BOL, ""),
            (REPLACED, ""),
            (ECG, RELEASED),
            (ECG_TO_COME, ""),
            (LOG, ""),
        ] {
            put(&branch, key, tags).await;
        }
        let mut scenes = links_and_documents(&session);
        scenes.extend(shares(&branch).await);
        Self {
            folder: branch.close().await,
            scenes,
        }
    }

    /// The function, on the same state each time.
    pub(super) async fn open(&self) -> Branch {
        let folder = TempDir::new().unwrap();
        copy(self.folder.path(), folder.path());
        Branch::open(folder).await
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// A session of the tenant's; its folder.
async fn export(branch: &Branch) -> String {
    let links = links(branch.client.clone(), noon);
    let export = ReviewExport::new(links, ReportTemplate::new(None).unwrap(), "test/1".to_owned());
    store(&export, &owned("s1")).await.unwrap().folder_name
}

async fn put(branch: &Branch, key: &str, tags: &str) {
    let tenant = TenantId::parse("acme").unwrap();
    let owner = Owner::parse("c-17").unwrap();
    let mut put = branch.client.put_object().bucket(BUCKET).key(key);
    for (name, value) in ownership(&tenant, Some(&owner)) {
        put = put.metadata(name, value);
    }
    put = put.content_type("application/pdf").tagging(tags);
    let body = ByteStream::from_static(b"%PDF-1.7 a file");
    put.body(body).send().await.unwrap();
}

fn scene(name: &'static str, status: i64, visit: Visit) -> Scene {
    Scene {
        name,
        visit,
        status,
        uses_up: None,
        is_change: false,
    }
}

fn links_and_documents(session: &str) -> Vec<Scene> {
    let get = |path: &str| Visit::to("GET", path);
    let report = format!("{session}/readable_report.txt");
    let docx = format!("{session}/documents/before_write-up TR-20417.docx");
    let [review, bol] = [
        format!("/v1/links/reviews/{report}"),
        "/v1/links/bols/PRT-2025-0042".to_owned(),
    ];
    let customer = json!({"sub": "u", "groups": "[customer]", "tenant": "acme", "customer": "c-17"});
    let auditor = json!({"sub": "aude", "groups": "[auditor]", "tenant": "acme"});
    let log = "from=2025-11-14&to=2025-11-14";
    let many = Visit {
        body: Some(json!({"items": bulk(&report)})),
        ..Visit::to("POST", "/v1/links")
    };
    vec![
        scene("a file of a session", 200, get(&review)),
        scene("a redirect to it", 302, get(&review).with("redirect=true")),
        scene("an ECG report", 200, get(&format!("/v1/links/{ECG}"))),
        scene(
            "an ECG report that isn't verified yet",
            409,
            get(&format!("/v1/links/{ECG_TO_COME}")),
        ),
        scene("a log", 200, get(&format!("/v1/links/{LOG}"))),
        scene("a share of a bill of lading", 200, get(&bol).with("uses=3")),
        scene(
            "a share of an ECG report",
            200,
            get(&format!("/v1/links/{ECG}")).with("kind=share"),
        ),
        scene("what isn't there", 404, get("/v1/links/bols/PRT-2025-0001")),
        scene("what is another tenant's", 404, get(&bol).by(of_office("other"))),
        scene("by nobody", 401, get(&bol).by(Value::Null)),
        scene(
            "what can't be shown",
            422,
            get(&format!("/v1/links/reviews/{docx}")).with("disposition=inline"),
        ),
        scene("many", 200, many),
        scene("a list", 200, get("/v1/documents/reviews")),
        scene(
            "a customer's list",
            200,
            get("/v1/documents/reviews").by(customer),
        ),
        scene("a list of no collection", 404, get("/v1/documents/letters")),
        scene("a session", 200, get(&format!("/v1/documents/reviews/{session}"))),
        scene(
            "what is known of a file",
            200,
            get(&format!("/v1/documents/reviews/{report}")),
        ),
        scene(
            "what is known of an ECG report",
            200,
            get(&format!("/v1/documents/{ECG}")),
        ),
        scene(
            "what is known of nothing",
            404,
            get("/v1/documents/bols/PRT-2025-0001"),
        ),
        scene("a search of the log", 200, get("/v1/audit").with(log).by(auditor)),
        scene("a search by staff", 403, get("/v1/audit").with(log)),
    ]
}

fn bulk(report: &str) -> Value {
    let item = |collection: &str, path: &str| json!({"collection": collection, "path": path});
    json!([
        item("reviews", report),
        item("ecg-reports", "2025/10/28/report.pdf"),
        item("bols", "PRT-2025-0042"),
        item("bols", "PRT-2025-0001"),
        item("training-logs", "2025/10/run-7.log"),
    ])
}

async fn shares(branch: &Branch) -> Vec<Scene> {
    let bol = "/v1/links/bols/PRT-2025-0042";
    let token = |made: &Made| format!("/v1/s/{}", made.token);
    let free = make(branch, bol, "").await;
    let limited = make(branch, bol, "uses=1").await;
    let abandoned = make(branch, bol, "uses=1").await;
    abandon(branch, &abandoned).await;
    let used_up = make(branch, bol, "uses=1").await;
    assert_eq!(branch.ask(&Visit::to("GET", token(&used_up))).await.status, 302);
    let revoked = make(branch, bol, "").await;
    let revoke = |made: &Made| Visit::to("DELETE", format!("/v1/s/{}", made.grant_id));
    assert_eq!(branch.ask(&revoke(&revoked)).await.status, 204);
    let older = make(branch, "/v1/links/bols/PRT-2025-0043", "").await;
    put(branch, REPLACED, "").await;

    let by = |method, made: &Made| Visit::to(method, token(made)).by(Value::Null);
    let page = Visit {
        accept: BROWSER,
        ..by("GET", &limited)
    };
    let once = |name, status, visit, made: &Made| Scene {
        uses_up: Some(made.grant_id.clone()),
        is_change: true,
        ..scene(name, status, visit)
    };
    let end = Scene {
        is_change: true,
        ..scene("the end of a link", 204, revoke(&free))
    };
    vec![
        scene("a use", 302, by("GET", &free)),
        once("the only use", 302, by("GET", &limited), &limited),
        once("the only use, by the button", 303, by("POST", &limited), &limited),
        scene("a look", 200, by("HEAD", &limited)),
        scene("the page with the button", 200, page),
        once("a use that came back", 302, by("GET", &abandoned), &abandoned),
        scene("a use too many", 404, by("GET", &used_up)),
        scene("a use after the end", 404, by("GET", &revoked)),
        scene("a use of an older version", 302, by("GET", &older)),
        scene(
            "a use of no link",
            404,
            Visit::to("GET", "/v1/s/BwcHBwcHBwcHBwcHBwcHBw").by(Value::Null),
        ),
        end,
        scene("its end once more", 204, revoke(&revoked)),
        scene("its end by others", 404, revoke(&free).by(of_office("other"))),
    ]
}

async fn make(branch: &Branch, path: &str, query: &'static str) -> Made {
    let answer = branch.ask(&Visit::to("GET", path).with(query)).await;
    let link: Value = serde_json::from_str(&answer.body).unwrap();
    let text = |name: &str| link[name].as_str().unwrap().to_owned();
    let (_, token) = text("url")
        .rsplit_once('/')
        .map(|(a, b)| (a.to_owned(), b.to_owned()))
        .unwrap();
    Made {
        token,
        grant_id: text("grant_id"),
    }
}

/// Its use is reserved by a function that died two minutes ago.
async fn abandon(branch: &Branch, made: &Made) {
    let record = TimeId::new(Timestamp::now() - SignedDuration::from_mins(2), system_entropy).unwrap();
    let share = Share {
        used: vec![Use {
            record,
            is_settled: false,
        }],
        ..branch.share(&made.grant_id).await
    };
    let put = branch
        .client
        .put_object()
        .bucket(BUCKET)
        .key(Share::key(share.grant_id));
    let state = serde_json::to_vec(&share).unwrap();
    put.body(state.into()).send().await.unwrap();
}
