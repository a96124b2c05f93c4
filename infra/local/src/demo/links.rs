//! Links to the after document: for whom there is one, for whom there isn't, and how often.

use std::net::SocketAddr;

use casefile::digest::Sha256;
use casefile_cli::tree::thousands;
use serde::Deserialize;
use serde_json::Value;

use super::DemoError;
use super::export::Exported;
use super::people::People;
use super::step::{Answer, Step};
use crate::progress::Progress;

/// How often the demo's share link may be used.
pub(super) const USES: usize = 2;

/// What is needed of a link's answer. No `Debug`: whoever has the URL may use it.
#[derive(Deserialize)]
pub(super) struct Link {
    url: String,
    expires_at: String,
    expires_in: u64,
    grant_id: String,
    sha256: Option<Sha256>,
}

impl Link {
    /// Where it leads.
    pub(super) fn url(&self) -> &str {
        &self.url
    }
}

/// The document's owner gets a link, and through it the very bytes. Gives the grant's id.
pub(super) async fn download(
    gateway: SocketAddr,
    progress: &Progress,
    people: &People,
    document: &Exported,
) -> Result<String, DemoError> {
    let step = Step::begin(progress, "downloading the after document through a direct link");
    let target = document.links();
    let answer = step.get(gateway, &target, &people.office, 200).await?;
    let link: Link = step.read(&answer)?;
    step.note(&format!("GET {target}"));
    step.note(&format!("→ 200, a link until {}", until(&link)));
    let said = link.sha256.map_or_else(|| "none".to_owned(), short);
    let expected = format!("the manifest's SHA-256 {} in the answer", short(document.sha256));
    step.expect(link.sha256 == Some(document.sha256), &expected, &said)?;
    let file = step.follow(&link.url, 200).await?;
    let size = compare(&step, &file, document)?;
    step.note(&format!(
        "GET the link → 200 from S3, {size}, SHA-256 {}: as the link and the manifest say",
        short(document.sha256)
    ));
    Ok(link.grant_id)
}

/// Another tenant's office gets the very answer that it gets about what doesn't exist. Gives that answer, but for the
/// `instance`.
pub(super) async fn refused_elsewhere(
    gateway: SocketAddr,
    progress: &Progress,
    people: &People,
    document: &Exported,
) -> Result<Value, DemoError> {
    let step = Step::begin(
        progress,
        "asking for the same document as office staff of another tenant",
    );
    let there = step
        .get(gateway, &document.links(), &people.stranger, 404)
        .await?;
    let there = step.read(&there)?;
    step.note(&format!("the same GET → 404, {}", detail(&there)));
    let nowhere = document.links_to_nothing();
    let nowhere = step.get(gateway, &nowhere, &people.stranger, 404).await?;
    let nowhere = same_but_for_instance(&step, &there, step.read(&nowhere)?)?;
    step.note("GET a document that doesn't exist → 404, the very same body but for its instance");
    Ok(nowhere)
}

/// Whoever has a share link gets the bytes, as often as was said, and then what anybody gets about nothing. Gives the
/// grant's id.
pub(super) async fn use_up(
    gateway: SocketAddr,
    progress: &Progress,
    people: &People,
    document: &Exported,
    nothing: &Value,
) -> Result<String, DemoError> {
    let step = Step::begin(progress, "using up a share link, without a token");
    let target = format!("{}?kind=share&uses={USES}", document.links());
    let answer = step.get(gateway, &target, &people.office, 200).await?;
    let link: Link = step.read(&answer)?;
    step.note(&format!(
        "the owner's GET with ?kind=share&uses={USES} → 200, a link until {}",
        until(&link)
    ));
    for number in 1..=USES {
        let redirect = step.follow(&link.url, 302).await?;
        let file = step.follow(step.location(&redirect)?, 200).await?;
        let size = compare(&step, &file, document)?;
        step.note(&format!(
            "use {number} → 302, then 200 from S3, {size}, the same SHA-256"
        ));
    }
    let refused = step.follow(&link.url, 404).await?;
    same_but_for_instance(&step, nothing, step.read(&refused)?)?;
    step.note(&format!(
        "use {} → 404, the very same body as for what doesn't exist",
        USES + 1
    ));
    Ok(link.grant_id)
}

/// Compares a file with the manifest; gives its size for people.
fn compare(step: &Step<'_>, file: &Answer, document: &Exported) -> Result<String, DemoError> {
    let sha256 = Sha256::of(file.body());
    let expected = format!("bytes of SHA-256 {}", short(document.sha256));
    let got = format!("{} bytes of {}", file.body().len(), short(sha256));
    step.expect(sha256 == document.sha256, &expected, &got)?;
    Ok(format!("{} bytes", thousands(file.body().len() as u64)))
}

/// Whether two problems are one but for the `instance`, which each has of its own. Gives the other without it.
pub(super) fn same_but_for_instance(step: &Step<'_>, one: &Value, other: Value) -> Result<Value, DemoError> {
    // Written out, so that the order of the fields counts too.
    let without = |problem: &Value| {
        let mut problem = problem.clone();
        let instance = problem
            .as_object_mut()
            .and_then(|fields| fields.shift_remove("instance"));
        (problem.to_string(), instance)
    };
    let ((one, its), (another, own)) = (without(one), without(&other));
    let expected = format!("{one} with an instance of its own");
    step.expect(one == another && own.is_some() && its != own, &expected, &another)?;
    Ok(other)
}

pub(super) fn detail(problem: &Value) -> String {
    let detail = problem.get("detail").and_then(Value::as_str);
    format!("\"{}\"", detail.unwrap_or_default())
}

pub(super) fn until(link: &Link) -> String {
    let life = match link.expires_in {
        seconds if seconds.is_multiple_of(3600) => format!("{} hours", seconds / 3600),
        seconds if seconds.is_multiple_of(60) => format!("{} minutes", seconds / 60),
        seconds => format!("{seconds} seconds"),
    };
    format!("{}, {life} from now", link.expires_at)
}

/// Enough of a digest to tell it from another at a glance.
pub(super) fn short(sha256: Sha256) -> String {
    sha256.to_string().chars().take(16).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn two_refusals_are_the_same_but_for_their_instances() {
        let progress = Progress::new();
        let step = Step::begin(&progress, "a test");
        let one = json!({"status": 404, "detail": "x", "instance": "1"});
        for (other, same) in [
            (json!({"status": 404, "detail": "x", "instance": "2"}), true),
            (json!({"status": 404, "detail": "x", "instance": "1"}), false),
            (json!({"status": 404, "detail": "x"}), false),
            (json!({"status": 404, "detail": "y", "instance": "2"}), false),
            (json!({"detail": "x", "status": 404, "instance": "2"}), false),
            (json!("x"), false),
        ] {
            assert_eq!(
                same_but_for_instance(&step, &one, other.clone()).is_ok(),
                same,
                "{other}"
            );
        }
    }
}
