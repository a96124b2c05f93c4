//! `casefile get`: one file from a collection, by a link of the API or straight from S3. What isn't what it should be is
//! never kept.

mod arguments;
mod name;
mod place;
mod source;

pub use arguments::Arguments;

use casefile::config::Env;
use casefile::digest::{Hasher, Sha256};
use casefile::time::Clock;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use self::place::Part;
use self::source::{Expected, Incoming, Source};
use crate::failure::Failure;

/// Does what the arguments say; what it has to show: the file's path, and nothing else.
///
/// # Errors
/// [`Failure`], in words for the person.
pub async fn run(arguments: &Arguments, env: Env, clock: Clock) -> Result<String, Failure> {
    let output = arguments.output.as_deref();
    place::check(output, arguments.json)?;
    let source = Source::read(arguments, env)?;
    let mut incoming = source.open(&arguments.collection, &arguments.path).await?;
    let mut part = Part::begin(output, arguments.force, &incoming.expected, clock)?;
    let sha256 = bring(&mut incoming, &mut part).await?;
    let Some(path) = part.keep()? else {
        return Ok(String::new());
    };
    let path = path.display().to_string();
    if !arguments.json {
        return Ok(format!("{path}\n"));
    }
    let Expected {
        content_type, size, ..
    } = incoming.expected;
    let shown = json!({"path": path, "size": size, "sha256": sha256, "content_type": content_type});
    Ok(format!("{shown:#}\n"))
}

/// # Errors
/// When what comes isn't what it should be.
async fn bring(incoming: &mut Incoming, part: &mut Part) -> Result<Sha256, Failure> {
    let bar = bar(incoming.expected.size);
    let mut hasher = Hasher::default();
    let mut size = 0;
    while let Some(piece) = incoming.next().await? {
        size += piece.len() as u64;
        if size > incoming.expected.size {
            break;
        }
        hasher.update(&piece);
        part.write(&piece)?;
        bar.inc(piece.len() as u64);
    }
    bar.finish_and_clear();
    compare(&incoming.expected, size, hasher.finish())
}

fn compare(expected: &Expected, size: u64, sha256: Sha256) -> Result<Sha256, Failure> {
    if size != expected.size {
        return Err(Failure::Failed(format!(
            "what came isn't the file: it has {size} bytes or more, and should have {}; nothing was kept of it",
            expected.size
        )));
    }
    match expected.sha256 {
        Some(wanted) if wanted != sha256 => Err(Failure::Failed(format!(
            "what came isn't the file: its SHA-256 is {sha256}, and should be {wanted}; nothing was kept of it"
        ))),
        _ => Ok(sha256),
    }
}

/// On standard error, where that is a terminal; nothing elsewhere.
fn bar(size: u64) -> ProgressBar {
    let template = "{wide_bar} {bytes:>12} of {total_bytes} {binary_bytes_per_sec:>14}";
    let bar = ProgressBar::new(size);
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_another_size_or_digest_is_not_the_file() {
        let good = Sha256::of(b"abc");
        let expected = |sha256| Expected {
            file_name: "x".to_owned(),
            content_type: "text/plain".to_owned(),
            size: 3,
            sha256,
        };
        assert_eq!(compare(&expected(Some(good)), 3, good), Ok(good));
        assert_eq!(compare(&expected(None), 3, good), Ok(good));
        assert!(compare(&expected(Some(good)), 2, good).is_err());
        assert!(compare(&expected(Some(good)), 3, Sha256::of(b"abd")).is_err());
    }
}
