//! One small file in the artifacts bucket: written, read back, written again on conditions that don't hold, tagged, and
//! deleted.

use aws_sdk_s3::operation::put_object::builders::PutObjectFluentBuilder;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{Tag, Tagging};
use casefile::digest::Sha256;
use casefile::id::TimeId;
use casefile::set_up::SetUpFault;

use super::check::Check;
use super::fault::{Fault, Service, ask};
use super::place::Place;

/// Where the file lies, for rights as well.
const FOLDER: &str = "_casefile/doctor/";
const BODY: &[u8] = b"written by casefile doctor, which deletes it; may be deleted by anybody\n";
/// No object's: an MD5 of nothing that is stored here.
const OTHER_ETAG: &str = "\"00000000000000000000000000000000\"";
const TAG: (&str, &str) = ("casefile", "doctor");
const AFTER_WRITE: [&str; 4] = ["read back", "conditional write", "tag", "clean up"];

type Version = Option<String>;

struct Trial<'a> {
    place: &'a Place,
    key: String,
}

/// All checks of the file. `obstacle` says why there can't be one.
pub(super) async fn checks(place: &Place, id: TimeId, obstacle: Option<&str>) -> Vec<Check> {
    if let Some(obstacle) = obstacle {
        let all = ["write"].into_iter().chain(AFTER_WRITE);
        return all.map(|name| Check::not_checked(name, obstacle)).collect();
    }
    let key = format!("{FOLDER}{id}");
    let trial = Trial { place, key };
    match trial.create().await {
        Ok(version) => trial.after_write(version).await,
        Err(fault) => trial.unwritten(&fault),
    }
}

/// Whether a bucket takes a file, which is deleted again.
pub(super) async fn only_written(place: &Place, id: TimeId, obstacle: Option<&str>) -> Check {
    let name = place.check("write");
    if let Some(obstacle) = obstacle {
        return Check::not_checked(&name, obstacle);
    }
    let key = format!("{FOLDER}{id}");
    let trial = Trial { place, key };
    match trial.create().await {
        Ok(version) => match trial.delete(version.as_deref()).await {
            Ok(()) => Check::ok(&name, format!("{} bytes, deleted again", BODY.len())),
            Err(fault) => Check {
                name,
                ..trial.left(&fault)
            },
        },
        Err(fault) => trial.failed(&name, &fault, "s3:PutObject"),
    }
}

impl Trial<'_> {
    /// Writes the file on the conditions that `on` adds.
    async fn put(
        &self,
        on: impl FnOnce(PutObjectFluentBuilder) -> PutObjectFluentBuilder,
    ) -> Result<Version, Fault> {
        let put = self.place.client.put_object();
        let put = put.bucket(&self.place.bucket).key(&self.key);
        let put = put
            .content_type("text/plain")
            .checksum_sha256(Sha256::of(BODY).to_base64())
            .body(ByteStream::from_static(BODY));
        let put = ask("PutObject", on(put).send()).await?;
        Ok(put.version_id)
    }

    /// Writes the file for the first time. A try whose answer was lost has written it already.
    async fn create(&self) -> Result<Version, Fault> {
        match self.put(|put| put.if_none_match("*")).await {
            Err(fault) if fault.status() == Some(412) => {
                let head = self.place.client.head_object();
                let head = head.bucket(&self.place.bucket).key(&self.key);
                Ok(ask("HeadObject", head.send()).await?.version_id)
            }
            written => written,
        }
    }

    async fn after_write(&self, version: Version) -> Vec<Check> {
        let written = Check::ok("write", format!("{} bytes, as {}", BODY.len(), self.key));
        let read = self.read_back(version.as_deref()).await;
        let (conditional, more) = self.conditional_write().await;
        let tagged = self.tag(version.as_deref()).await;
        let versions: Vec<_> = [version].into_iter().chain(more).collect();
        let cleaned = self.clean_up(&versions).await;
        vec![written, read, conditional, tagged, cleaned]
    }

    fn unwritten(&self, fault: &Fault) -> Vec<Check> {
        let failed = self.failed("write", fault, "s3:PutObject");
        let rest = AFTER_WRITE.map(|name| match name {
            "clean up" if fault.is_outage() => {
                let why = format!(
                    "the write wasn't answered, so s3://{}/{} may be there: delete it then",
                    self.place.bucket, self.key
                );
                Check::not_checked(name, &why)
            }
            _ => Check::not_checked(name, "nothing could be written"),
        });
        [failed].into_iter().chain(rest).collect()
    }

    fn failed(&self, name: &str, fault: &Fault, right: &str) -> Check {
        let right = self.place.right_below(right, FOLDER);
        Check::failed(name, fault.detail(Service::S3), fault.mend_s3(&right))
    }

    async fn read_back(&self, version: Option<&str>) -> Check {
        let name = "read back";
        match self.get(version).await {
            Ok(body) if body == BODY => Check::ok(name, format!("the same {} bytes", BODY.len())),
            Ok(body) => Check::failed(
                name,
                format!(
                    "{} bytes were written, and other {} came back",
                    BODY.len(),
                    body.len()
                ),
                "don't use this S3: it doesn't keep what it takes; look at what lies between it and this machine",
            ),
            Err(fault) => self.failed(name, &fault, "s3:GetObject and s3:GetObjectVersion"),
        }
    }

    async fn get(&self, version: Option<&str>) -> Result<Vec<u8>, Fault> {
        let get = self.place.client.get_object();
        let get = get.bucket(&self.place.bucket).key(&self.key);
        let get = get.set_version_id(version.map(str::to_owned));
        let body = ask("GetObject", get.send()).await?.body;
        let body = tokio::time::timeout(super::fault::LIMIT, body.collect()).await;
        match body {
            Ok(Ok(body)) => Ok(body.to_vec()),
            Ok(Err(_)) | Err(_) => Err(Fault::cut_off()),
        }
    }

    /// Neither write may happen. Those that did, so that they are cleaned up.
    async fn conditional_write(&self) -> (Check, Vec<Version>) {
        let mut done = Vec::new();
        let mut ignored = Vec::new();
        for condition in ["If-None-Match", "If-Match"] {
            let written = self.put(|put| match condition {
                "If-None-Match" => put.if_none_match("*"),
                _ => put.if_match(OTHER_ETAG),
            });
            match written.await {
                Err(fault) if fault.status() == Some(412) => {}
                Err(fault) => return (self.conditions_failed(&fault), done),
                Ok(version) => {
                    ignored.push(condition);
                    done.push(version);
                }
            }
        }
        (held(&ignored), done)
    }

    fn conditions_failed(&self, fault: &Fault) -> Check {
        let name = "conditional write";
        if fault.status() == Some(501) {
            return Check::failed(name, fault.detail(Service::S3), another_s3());
        }
        self.failed(name, fault, "s3:PutObject, and s3:GetObject for If-Match,")
    }

    async fn tag(&self, version: Option<&str>) -> Check {
        let name = "tag";
        match self.tag_and_read(version).await {
            Ok(true) => Check::ok(name, "set, and read back"),
            Ok(false) => Check::failed(
                name,
                "a tag was set, and isn't there",
                "use an S3 that keeps tags: what is verified, and what is rejected, stands in them",
            ),
            Err(fault) => {
                let right = match &fault {
                    Fault::Refused { operation, .. } if *operation == "GetObjectTagging" => {
                        "s3:GetObjectTagging and s3:GetObjectVersionTagging"
                    }
                    _ => "s3:PutObjectTagging and s3:PutObjectVersionTagging",
                };
                self.failed(name, &fault, right)
            }
        }
    }

    async fn tag_and_read(&self, version: Option<&str>) -> Result<bool, Fault> {
        let version = version.map(str::to_owned);
        let (client, bucket) = (&self.place.client, &self.place.bucket);
        let tag = Tag::builder().key(TAG.0).value(TAG.1).build();
        let tags = tag.and_then(|tag| Tagging::builder().tag_set(tag).build());
        let put = client.put_object_tagging().bucket(bucket).key(&self.key);
        let put = put.set_version_id(version.clone()).set_tagging(tags.ok());
        ask("PutObjectTagging", put.send()).await?;
        let get = client.get_object_tagging().bucket(bucket).key(&self.key);
        let get = get.set_version_id(version).send();
        let tags = ask("GetObjectTagging", get).await?.tag_set;
        Ok(tags.iter().any(|tag| (tag.key(), tag.value()) == TAG))
    }

    /// Deletes the very versions that were written; where that isn't allowed, hides the key.
    async fn clean_up(&self, versions: &[Version]) -> Check {
        let mut refused = None;
        for version in versions {
            if let Err(fault) = self.delete(version.as_deref()).await {
                refused = Some(fault);
            }
        }
        let Some(refused) = refused else {
            return Check::ok("clean up", "deleted, with its version");
        };
        if refused.set_up() != Some(SetUpFault::AccessDenied) {
            return self.left(&refused);
        }
        match self.delete(None).await {
            Ok(()) => Check::ok(
                "clean up",
                "hidden under a delete marker; its version stays, for s3:DeleteObjectVersion isn't allowed",
            ),
            Err(_) => self.left(&refused),
        }
    }

    fn left(&self, fault: &Fault) -> Check {
        let (bucket, key) = (&self.place.bucket, &self.key);
        let detail = format!("s3://{bucket}/{key} is left: {}", fault.detail(Service::S3));
        let right = self.place.right_below("s3:DeleteObject", FOLDER);
        let mend = format!(
            "delete it by hand, or leave it: nothing reads it; {}",
            fault.mend_s3(&right)
        );
        Check::failed("clean up", detail, mend)
    }

    async fn delete(&self, version: Option<&str>) -> Result<(), Fault> {
        let delete = self.place.client.delete_object();
        let delete = delete.bucket(&self.place.bucket).key(&self.key);
        let delete = delete.set_version_id(version.map(str::to_owned));
        ask("DeleteObject", delete.send()).await.map(drop)
    }
}

/// What conditions that are ignored lead to.
fn held(ignored: &[&str]) -> Check {
    let name = "conditional write";
    if ignored.is_empty() {
        return Check::ok(name, "If-None-Match and If-Match are kept to");
    }
    let ignored = ignored.join(" and ");
    let detail =
        format!("S3 here ignores {ignored}: what is stored can be overwritten, and create-only doesn't hold");
    Check::failed(name, detail, another_s3())
}

fn another_s3() -> &'static str {
    "use Amazon S3, or an S3 that keeps to conditional writes: nothing stored is safe from being overwritten here"
}
