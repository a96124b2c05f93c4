//! signed-download's reading half on an S3 of its own, and sessions as exports leave them there.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use aws_sdk_s3::config::interceptors::BeforeTransmitInterceptorContextRef;
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::BoxError;
use bytes::Bytes;
use casefile::audit::AuditLog;
use casefile::bucket::{Bucket, Metadata, NewObject};
use casefile::caller::{Caller, Origin};
use casefile::client::S3Client;
use casefile::collection::Collection;
use casefile::config::Env;
use casefile::digest::Sha256;
use casefile::document::ownership;
use casefile::http::{Request, Response};
use casefile::id::system_entropy;
use casefile::key::{BasePath, List, ObjectKey, SessionFile};
use casefile::link::{Asking, Links};
use casefile::manifest::{MANIFEST_VERSION, Manifest, ManifestFile, Summary};
use casefile::name::{FileName, FolderName, Owner, SessionId, TenantId};
use casefile::permission::Permissions;
use casefile::pointer::{Entry, EntryKind, Pointer, PointerName};
use casefile::problem::Problem;
use casefile::time::rfc3339;
use casefile_local::s3::{S3Config, S3Server};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use signed_download::route::Place;
use signed_download::{audit, documents};
use tempfile::TempDir;

pub(crate) const ARTIFACTS: &str = "artifacts";
pub(crate) const AUDIT: &str = "audit";

pub(crate) fn noon() -> Timestamp {
    "2025-11-14T12:00:00Z".parse().unwrap()
}

/// signed-download's reading half in this very process, on an S3 of its own, at noon.
pub(crate) struct Desk {
    pub(crate) s3: S3Server,
    pub(crate) links: Links,
    lists: Lists,
    _data: TempDir,
}

/// The queries of the LISTs that were sent.
#[derive(Debug, Clone, Default)]
struct Lists(Arc<Mutex<Vec<String>>>);

impl Intercept for Lists {
    fn name(&self) -> &'static str {
        "lists"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let uri = context.request().uri();
        if let Some((_, query)) = uri
            .split_once("/?")
            .filter(|(_, query)| query.contains("list-type"))
        {
            self.0.lock().unwrap().push(query.to_owned());
        }
        Ok(())
    }
}

impl Desk {
    pub(crate) async fn start() -> Self {
        let data = TempDir::new().unwrap();
        let mut config = S3Config::new(data.path(), Timestamp::now);
        config.buckets = vec![ARTIFACTS.to_owned(), AUDIT.to_owned()];
        let s3 = S3Server::start(config).await.unwrap();
        let lists = Lists::default();
        let client = client(&s3.endpoint(), lists.clone());
        let log = Bucket::new(client.clone(), AUDIT.to_owned());
        let bucket = Bucket::new(client, ARTIFACTS.to_owned());
        let links = Links {
            bucket,
            base: BasePath::default(),
            audit: AuditLog::new(log, noon, system_entropy),
            permissions: Permissions::shipped().unwrap(),
            credentials_end: None,
            public_url: None,
        };
        Self {
            s3,
            links,
            lists,
            _data: data,
        }
    }

    pub(crate) async fn list(
        &self,
        caller: &Caller,
        collection: &str,
        query: &str,
    ) -> Result<Value, Problem> {
        let origin = Origin::default();
        let asking = asking(caller, &origin);
        let answer = documents::list(&self.links, &asking, &request(query), collection).await;
        answer.map(|answer| body(&answer))
    }

    pub(super) async fn metadata(
        &self,
        caller: &Caller,
        collection: &str,
        path: &str,
    ) -> Result<Value, Problem> {
        let origin = Origin::default();
        let place = Place {
            collection: collection.to_owned(),
            path: path.to_owned(),
        };
        let asking = asking(caller, &origin);
        let answer = documents::metadata(&self.links, &asking, &request(""), &place).await;
        answer.map(|answer| body(&answer))
    }

    pub(crate) async fn audit(&self, caller: &Caller, query: &str) -> Result<Value, Problem> {
        let origin = Origin::default();
        let asking = asking(caller, &origin);
        let answer = audit::search(&self.links, &asking, &request(query)).await;
        answer.map(|answer| body(&answer))
    }

    /// The queries of the LISTs since the last call.
    pub(crate) fn lists(&self) -> Vec<String> {
        std::mem::take(&mut *self.lists.0.lock().unwrap())
    }

    /// How often each operation was asked for while `work` was done.
    pub(crate) async fn costs<T>(&self, work: impl Future<Output = T>) -> BTreeMap<String, usize> {
        self.s3.requests().record(true);
        self.s3.requests().take();
        work.await;
        let mut costs = BTreeMap::new();
        for request in self.s3.requests().take() {
            *costs.entry(request.operation).or_default() += 1;
        }
        costs
    }

    pub(crate) async fn put(&self, bucket: &Bucket, key: String, body: Vec<u8>, metadata: Metadata) {
        let object = NewObject {
            key,
            sha256: Sha256::of(&body),
            body: Bytes::from(body),
            content_type: "application/json",
            metadata,
        };
        bucket.create(&object).await.unwrap();
    }

    pub(super) async fn put_pointer(&self, list: List, name: PointerName, body: Vec<u8>) {
        let key = ObjectKey::ListPointer {
            list,
            collection: Collection::reviews(),
            name,
        };
        let key = key.path(&self.links.base);
        self.put(&self.links.bucket, key, body, Metadata::new()).await;
    }

    pub(super) async fn store(&self, session: &Session, is_complete: bool) {
        let pointer = serde_json::to_vec(&session.pointer()).unwrap();
        for list in session.lists() {
            self.put_pointer(list, session.name(), pointer.clone()).await;
        }
        if is_complete {
            let manifest = serde_json::to_vec(&session.manifest()).unwrap();
            let owned = ownership(&session.tenant, session.owner.as_ref());
            self.put(&self.links.bucket, session.manifest_key(), manifest, owned)
                .await;
        }
    }

    /// The records of the log, oldest first.
    pub(super) async fn records(&self) -> Vec<Value> {
        let bucket = self.links.audit.bucket();
        let mut records = Vec::new();
        for key in bucket.keys("audit/").await.unwrap() {
            let record = bucket.read(&key, 1 << 20).await.unwrap();
            records.push(serde_json::from_slice(&record).unwrap());
        }
        records
    }

    /// Every page, from the first on.
    pub(super) async fn pages(&self, caller: &Caller, query: &str) -> Vec<Vec<String>> {
        let (mut pages, mut cursor) = (Vec::new(), None);
        loop {
            let more = cursor
                .map(|cursor| format!("&cursor={cursor}"))
                .unwrap_or_default();
            let answer = self
                .list(caller, "reviews", &format!("{query}{more}"))
                .await
                .unwrap();
            pages.push(paths(&answer));
            cursor = answer["next_cursor"].as_str().map(str::to_owned);
            if cursor.is_none() {
                return pages;
            }
        }
    }
}

fn client(endpoint: &str, lists: Lists) -> S3Client {
    let mut env = Env::of([
        ("AWS_ENDPOINT_URL_S3", endpoint),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "casefile"),
        ("AWS_SECRET_ACCESS_KEY", "casefile-local-secret"),
    ]);
    let settings = env.s3();
    let client = env.finish(settings).unwrap().client();
    client.with(|config| config.interceptor(lists))
}

fn asking<'a>(caller: &'a Caller, origin: &'a Origin) -> Asking<'a> {
    Asking {
        caller,
        origin,
        base_url: None,
        kept_at: None,
    }
}

fn request(query: &str) -> Request {
    let event = serde_json::json!({"rawQueryString": query, "requestContext": {"http": {"method": "GET"}}});
    Request::read(&event.to_string()).unwrap()
}

fn body(response: &Response) -> Value {
    let response = serde_json::to_value(response).unwrap();
    assert_eq!(response["statusCode"], 200);
    serde_json::from_str(response["body"].as_str().unwrap()).unwrap()
}

pub(crate) fn caller(group: &str, tenant: &str, customer: &str) -> Caller {
    Caller {
        user_id: format!("{group}@{tenant}"),
        email: None,
        groups: vec![group.to_owned()],
        tenant: TenantId::parse(tenant).unwrap(),
        customer: customer.to_owned(),
        collection: None,
    }
}

/// A session as an export leaves it.
#[derive(Debug, Clone)]
pub(super) struct Session {
    tenant: TenantId,
    owner: Option<Owner>,
    time: Timestamp,
    folder: FolderName,
}

impl Session {
    /// The session of a tenant, so many minutes before noon.
    pub(super) fn new(tenant: &str, owner: Option<&str>, minutes: i64) -> Self {
        let time = noon() - SignedDuration::from_mins(minutes);
        let document = FileName::parse(&format!("{tenant}.docx")).unwrap();
        Self {
            tenant: TenantId::parse(tenant).unwrap(),
            owner: owner.map(|owner| Owner::parse(owner).unwrap()),
            time,
            folder: FolderName::new(time, &document, 1),
        }
    }

    pub(super) fn path(&self) -> String {
        self.folder.to_string()
    }

    pub(super) fn name(&self) -> PointerName {
        PointerName::new(self.time, self.folder.as_str())
    }

    fn lists(&self) -> Vec<List> {
        let own = self
            .owner
            .iter()
            .map(|owner| List::Owner(self.tenant.clone(), owner.clone()));
        [List::Tenant(self.tenant.clone())]
            .into_iter()
            .chain(own)
            .collect()
    }

    fn manifest_key(&self) -> String {
        let manifest = ObjectKey::SessionFile {
            folder: self.folder.clone(),
            file: SessionFile::Manifest,
        };
        manifest.path(&BasePath::default())
    }

    pub(super) fn pointer(&self) -> Pointer {
        Pointer {
            complete_with: self.manifest_key(),
            entry: Entry {
                path: self.path(),
                time: rfc3339(self.time),
                owner: self.owner.clone(),
                document: EntryKind::Session {
                    session_id: "s".to_owned(),
                    revision: 1,
                    document_name: "a.docx".to_owned(),
                    total_files: 2,
                    total_bytes: 10,
                    summary: summary(),
                },
            },
        }
    }

    pub(super) fn manifest(&self) -> Manifest {
        Manifest {
            manifest_version: MANIFEST_VERSION,
            session_id: SessionId::parse("s").unwrap(),
            revision: 1,
            folder_name: self.folder.clone(),
            document_name: FileName::parse("a.docx").unwrap(),
            exported_at: rfc3339(self.time),
            generator: "test".to_owned(),
            request_sha256: Sha256::of(b""),
            owner: self.owner.clone(),
            summary: summary(),
            files: vec![ManifestFile {
                path: "readable_report.txt".to_owned(),
                size: 3,
                sha256: Sha256::of(b"abc"),
                content_type: "text/plain".to_owned(),
            }],
            comments: Vec::new(),
            warnings: Vec::new(),
        }
    }
}

fn summary() -> Summary {
    Summary {
        total_ai_suggestions: 4,
        total_accepted: 1,
        total_rejected: 0,
        total_user_feedback: 0,
        acceptance_rate: 25.0,
    }
}

/// The paths of a list's entries.
pub(super) fn paths(answer: &Value) -> Vec<String> {
    let documents = answer["documents"].as_array().unwrap();
    documents
        .iter()
        .map(|entry| entry["path"].as_str().unwrap().to_owned())
        .collect()
}
