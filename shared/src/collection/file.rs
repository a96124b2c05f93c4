//! Reads a file such as `infra/collections.toml`. Used by `build.rs`, and by `cargo local --collections`.

use std::fmt;

use serde::Deserialize;
use toml::Spanned;

use super::policy::{
    Accept, ContentRule, Field, LinkKind, LinkPolicy, Policy, Retention, Table, Verification, Versions,
};

/// What one PUT may carry (S3 user guide, *Uploading objects*).
const MAX_BYTES: u64 = 5 * 1024 * 1024 * 1024;
const MAX_DIRECT_MINUTES: u64 = 15;
const MAX_SHARE_MINUTES: u64 = 7 * 24 * 60;
const MAX_NAME: usize = 40;
const MAX_PREFIX: usize = 100;
/// Where all collections lie that have no code of their own: `template.yaml` gives rights there, and events come from
/// there.
const OTHERS: &str = "files/";
/// Those that have code of their own.
const OWN: [&str; 5] = ["reviews", "bols", "ecg-reports", "training-logs", "clinical"];
/// Where no collection lies.
const TAKEN: [&str; 3] = ["_casefile", "inbox", "index"];
/// Of a fixed length, so that a path's date can be read from it.
const DATES: [&str; 4] = ["{YYYY}", "{MM}", "{DD}", "{hhmmss}"];
/// What makes a path another document's.
const NAMES: [&str; 4] = ["{file_name}", "{session_id}", "{number}", "{document}"];

/// Everything that is wrong with a file, each with its line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileError(pub Vec<(usize, String)>);

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<_> = self
            .0
            .iter()
            .map(|(line, why)| format!("line {line}: {why}"))
            .collect();
        f.write_str(&lines.join("; "))
    }
}

impl std::error::Error for FileError {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFile {
    collection: Vec<Spanned<Raw>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    name: Spanned<String>,
    prefix: Spanned<String>,
    path: Spanned<String>,
    date_from: Option<Spanned<String>>,
    number: Option<Spanned<String>>,
    max_bytes: Spanned<u64>,
    #[serde(default)]
    inbox: bool,
    #[serde(default = "versions_kept")]
    versions: Versions,
    link: Spanned<RawLink>,
    #[serde(default = "verification_recorded")]
    verification: Verification,
    #[serde(default)]
    retention: Option<Spanned<Retention>>,
    accept: Spanned<Vec<Spanned<RawAccept>>>,
    #[serde(default)]
    metadata: Vec<Spanned<RawField>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawLink {
    kind: LinkKind,
    minutes: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawAccept {
    ends_with: String,
    #[serde(default)]
    contains: Vec<String>,
    content_type: String,
    #[serde(default)]
    folder: String,
    #[serde(default)]
    content: ContentRule,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawField {
    name: String,
    min: Option<i64>,
    max: Option<i64>,
    #[serde(default)]
    unit: String,
}

fn versions_kept() -> Versions {
    Versions::Kept
}

fn verification_recorded() -> Verification {
    Verification::Recorded
}

/// Reads a file.
///
/// # Errors
/// What is no TOML, or everything that is wrong with what it says; with lines.
pub fn parse(text: &str) -> Result<Table, FileError> {
    let raw: RawFile = toml::from_str(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        FileError(vec![(line(text, at), error.message().to_owned())])
    })?;
    let mut check = Check {
        text,
        errors: Vec::new(),
    };
    check.all(&raw.collection);
    if !check.errors.is_empty() {
        check.errors.sort();
        return Err(FileError(check.errors));
    }
    let policies = raw.collection.into_iter().map(|raw| policy(raw.into_inner()));
    Table::of(policies.collect()).map_err(|missing| {
        FileError(vec![(
            1,
            format!("there is no collection '{missing}', which has routes"),
        )])
    })
}

fn line(text: &str, at: usize) -> usize {
    let before = text.as_bytes().iter().take(at);
    1 + before.filter(|byte| **byte == b'\n').count()
}

struct Check<'a> {
    text: &'a str,
    errors: Vec<(usize, String)>,
}

impl Check<'_> {
    fn refuse<T>(&mut self, at: &Spanned<T>, why: impl Into<String>) {
        self.errors.push((line(self.text, at.span().start), why.into()));
    }

    fn all(&mut self, collections: &[Spanned<Raw>]) {
        let mut names: Vec<&str> = Vec::new();
        let mut places: Vec<(String, &str)> = Vec::new();
        for block in collections {
            let raw = block.get_ref();
            let name = raw.name.get_ref().as_str();
            if names.contains(&name) {
                self.refuse(&raw.name, format!("there are two collections '{name}'"));
            }
            names.push(name);
            self.one(raw);
            for place in places_of(raw) {
                let clash = places
                    .iter()
                    .find(|(taken, _)| place.starts_with(taken.as_str()) || taken.starts_with(&place));
                match clash {
                    Some((_, other)) if *other != name => {
                        self.refuse(
                            &raw.prefix,
                            format!("its files would lie among those of '{other}'"),
                        );
                    }
                    _ => places.push((place, name)),
                }
            }
        }
    }

    fn one(&mut self, raw: &Raw) {
        let name = raw.name.get_ref();
        if !is_name(name) {
            let why = "a name has up to 40 small letters, digits and '-', begins with a letter, and ends with none \
                       but a letter or digit";
            self.refuse(&raw.name, why);
        }
        self.place(raw);
        let size = *raw.max_bytes.get_ref();
        if size == 0 || size > MAX_BYTES {
            self.refuse(&raw.max_bytes, format!("must be from 1 to {MAX_BYTES}"));
        }
        let link = raw.link.get_ref();
        let longest = match link.kind {
            LinkKind::Direct => MAX_DIRECT_MINUTES,
            LinkKind::Share => MAX_SHARE_MINUTES,
        };
        if !(1..=longest).contains(&link.minutes) {
            self.refuse(
                &raw.link,
                format!("minutes of this kind must be from 1 to {longest}"),
            );
        }
        if let Some(retention) = &raw.retention {
            self.retention(retention);
        }
        if raw.accept.get_ref().is_empty() {
            self.refuse(&raw.accept, "a collection that accepts nothing stores nothing");
        }
        let is_dated = DATES.iter().any(|date| raw.path.get_ref().contains(date));
        for accept in raw.accept.get_ref() {
            self.accept(accept);
            if is_dated && !accept.get_ref().folder.is_empty() {
                self.refuse(
                    accept,
                    "a path with a date begins with it, so its kinds have no folders",
                );
            }
        }
        for (index, field) in raw.metadata.iter().enumerate() {
            let is_twice = raw
                .metadata
                .iter()
                .take(index)
                .any(|before| before.get_ref().name == field.get_ref().name);
            self.field(field, is_twice);
        }
        if let Some(from) = &raw.date_from
            && !raw
                .metadata
                .iter()
                .any(|field| field.get_ref().name == *from.get_ref())
        {
            self.refuse(from, "names no metadata of this collection");
        }
    }

    fn place(&mut self, raw: &Raw) {
        let prefix = raw.prefix.get_ref();
        if !prefix.is_empty() && !is_folders(prefix) {
            self.refuse(&raw.prefix, FOLDERS);
        }
        let is_own = OWN.contains(&raw.name.get_ref().as_str());
        let is_below = prefix.len() > OTHERS.len() && prefix.starts_with(OTHERS);
        if !is_own && !is_below {
            let why =
                "a collection without code of its own lies below 'files/', such as 'files/inspections/'";
            self.refuse(&raw.prefix, why);
        }
        if is_own && format!("{prefix}/").starts_with(OTHERS) {
            self.refuse(
                &raw.prefix,
                "below 'files/' lie the collections without code of their own",
            );
        }
        let has_folders = |accept: &Spanned<RawAccept>| !accept.get_ref().folder.is_empty();
        if prefix.is_empty() && !raw.accept.get_ref().iter().all(has_folders) {
            self.refuse(
                &raw.prefix,
                "without a prefix, each accepted kind must have a folder of its own",
            );
        }
        let mut places = places_of(raw).into_iter();
        if let Some(place) = places.find(|place| TAKEN.iter().any(|taken| first(place) == *taken)) {
            self.refuse(
                &raw.prefix,
                format!("'{}' is a place of Casefile's own", first(&place)),
            );
        }
        if let Err(why) = template(raw.path.get_ref()) {
            self.refuse(&raw.path, why);
        }
        let names = NAMES.iter().filter(|name| raw.path.get_ref().contains(*name));
        if !is_own && !names.eq(["{file_name}"].iter()) {
            self.refuse(
                &raw.path,
                "a collection without code of its own has {file_name} in its path, and no other name",
            );
        }
        if !is_own && raw.path.get_ref().contains("{hhmmss}") {
            self.refuse(&raw.path, "{hhmmss} stands in the path of reviews alone");
        }
        let has_number = raw.path.get_ref().contains("{number}");
        match &raw.number {
            None if has_number => self.refuse(&raw.path, "{number} needs the setting 'number'"),
            Some(number) if !has_number => self.refuse(number, "the path has no {number}"),
            Some(number) if !is_number(number.get_ref()) => {
                let why = "must be like PRT-{YYYY}-{NNNN}: 1 to 6 capital letters, digits and '-', the year, and 1 to 6 Ns";
                self.refuse(number, why);
            }
            _ => {}
        }
    }

    fn retention(&mut self, retention: &Spanned<Retention>) {
        let Retention {
            standard_ia,
            glacier,
            expire,
        } = *retention.get_ref();
        if standard_ia.is_some_and(|days| days < 30) {
            self.refuse(
                retention,
                "S3 moves nothing to STANDARD_IA before it is 30 days old",
            );
        }
        let days: Vec<_> = [standard_ia, glacier, expire].into_iter().flatten().collect();
        if !days.is_sorted_by(|earlier, later| earlier < later) || days.contains(&0) {
            self.refuse(retention, "each move must come days after the one before");
        }
    }

    fn accept(&mut self, accept: &Spanned<RawAccept>) {
        let RawAccept {
            ends_with,
            contains,
            content_type,
            folder,
            ..
        } = accept.get_ref();
        let is_plain = |text: &str| {
            let is_char = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c);
            !text.is_empty() && text.len() <= MAX_NAME && text.chars().all(is_char)
        };
        if !ends_with.starts_with('.') || !is_plain(ends_with) {
            self.refuse(accept, "ends_with must be like .pdf, in small letters");
        }
        if !contains.iter().all(|part| is_plain(part)) {
            self.refuse(accept, "contains must be small letters, digits, '.', '_' and '-'");
        }
        let is_type = |c: char| c.is_ascii_alphanumeric() || "!#$&^_.+-/".contains(c);
        let is_media_type =
            content_type.chars().filter(|c| *c == '/').count() == 1 && content_type.chars().all(is_type);
        if !is_media_type {
            self.refuse(
                accept,
                "content_type must be a media type such as application/pdf",
            );
        }
        if !folder.is_empty() && !is_folders(folder) {
            self.refuse(accept, FOLDERS);
        }
    }

    fn field(&mut self, field: &Spanned<RawField>, is_twice: bool) {
        let RawField { name, min, max, unit } = field.get_ref();
        let is_char = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        let is_name = name.starts_with(|c: char| c.is_ascii_lowercase()) && name.chars().all(is_char);
        // Casefile's own.
        let is_taken = ["tenant", "owner", "source", "sha256", "request"].contains(&name.as_str());
        if !is_name || name.len() > MAX_NAME || is_taken || is_twice {
            let why = "metadata's name has small letters, digits and '_', stands there once, and is none of tenant, \
                       owner, source, sha256 and request";
            self.refuse(field, why);
        }
        if min.is_some() != max.is_some() || min > max {
            self.refuse(field, "min and max go together, the smaller first");
        }
        let is_unit = |c: char| c.is_ascii_alphanumeric() || "/%".contains(c);
        if unit.len() > MAX_NAME || !unit.chars().all(is_unit) {
            self.refuse(field, "a unit has letters, digits, '/' and '%'");
        }
    }
}

const FOLDERS: &str = "must be folders like 'reports/': letters, digits, '-', '_' and '.', at most 100 characters, with \
                       a '/' at the end";

fn is_name(name: &str) -> bool {
    let is_char = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    name.len() <= MAX_NAME
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && !name.ends_with('-')
        && name.chars().all(is_char)
}

fn is_folders(text: &str) -> bool {
    let is_char = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let is_folder = |part: &str| !part.is_empty() && part != "." && part != ".." && part.chars().all(is_char);
    let folders = text.strip_suffix('/');
    text.len() <= MAX_PREFIX && folders.is_some_and(|folders| folders.split('/').all(is_folder))
}

fn first(place: &str) -> &str {
    place.split('/').next().unwrap_or_default()
}

/// Where a collection's files lie, each with the `/` at its end.
fn places_of(raw: &Raw) -> Vec<String> {
    let prefix = raw.prefix.get_ref();
    let folders = raw.accept.get_ref().iter();
    let mut places: Vec<_> = folders
        .map(|accept| format!("{prefix}{}", accept.get_ref().folder))
        .filter(|place| !place.is_empty())
        .collect();
    places.sort();
    places.dedup();
    places
}

fn is_number(number: &str) -> bool {
    let Some((prefix, rest)) = number.split_once("-{YYYY}-{") else {
        return false;
    };
    let is_plain = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit();
    let digits = rest.strip_suffix('}').unwrap_or_default();
    // With the year and as many digits, still short enough for the barcode of a bill of lading.
    (1..=6).contains(&prefix.len())
        && prefix.chars().all(|c| is_plain(c) || c == '-')
        && prefix.starts_with(is_plain)
        && prefix.ends_with(is_plain)
        && (1..=6).contains(&digits.len())
        && digits.chars().all(|c| c == 'N')
}

/// A path's template: dates, then one or more names, with plain characters between them.
fn template(path: &str) -> Result<(), String> {
    let mut rest = path;
    let mut has_name = false;
    let mut dates = DATES.iter();
    while !rest.is_empty() {
        if let Some((placeholder, after)) = rest.split_once('}').filter(|_| rest.starts_with('{')) {
            let placeholder = format!("{placeholder}}}");
            if NAMES.contains(&placeholder.as_str()) {
                has_name = true;
            } else if has_name || dates.next() != Some(&placeholder.as_str()) {
                return Err(format!(
                    "{placeholder} isn't known, or stands in the wrong place: first {{YYYY}} {{MM}} {{DD}} {{hhmmss}} \
                     in this order, then {}",
                    NAMES.join(" or ")
                ));
            }
            rest = after;
        } else {
            let end = rest.find('{').unwrap_or(rest.len()).max(1);
            let (plain, after) = rest.split_at_checked(end).unwrap_or((rest, ""));
            let is_char = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
            if !plain.chars().all(is_char) || plain.contains("//") || plain.contains("..") {
                return Err(
                    "between placeholders, a path has letters, digits, '-', '_', '.' and '/'".to_owned(),
                );
            }
            rest = after;
        }
    }
    if !has_name {
        return Err(format!(
            "a path needs one of {}, or all files would have the same",
            NAMES.join(", ")
        ));
    }
    if path.starts_with('/') || path.ends_with('/') {
        return Err("a path doesn't begin or end with '/'".to_owned());
    }
    if path.split('/').any(|part| part == ".") {
        return Err("no part of a path is '.'".to_owned());
    }
    Ok(())
}

fn policy(raw: Raw) -> Policy {
    let accept = raw.accept.into_inner().into_iter();
    let accept: Vec<_> = accept.map(|accept| accepted(accept.into_inner())).collect();
    let metadata: Vec<_> = raw
        .metadata
        .into_iter()
        .map(|field| {
            let RawField { name, min, max, unit } = field.into_inner();
            Field {
                name: name.leak(),
                min,
                max,
                unit: unit.leak(),
            }
        })
        .collect();
    let RawLink { kind, minutes } = raw.link.into_inner();
    let kept = |text: Spanned<String>| -> &'static str { text.into_inner().leak() };
    Policy {
        name: kept(raw.name),
        prefix: kept(raw.prefix),
        path: kept(raw.path),
        date_from: raw.date_from.map(kept),
        number: raw.number.map(kept),
        max_bytes: raw.max_bytes.into_inner(),
        inbox: raw.inbox,
        versions: raw.versions,
        link: LinkPolicy { kind, minutes },
        verification: raw.verification,
        retention: raw.retention.map(Spanned::into_inner).unwrap_or_default(),
        accept: accept.leak(),
        metadata: metadata.leak(),
    }
}

fn accepted(raw: RawAccept) -> Accept {
    let contains: Vec<&'static str> = raw.contains.into_iter().map(|part| &*part.leak()).collect();
    Accept {
        ends_with: raw.ends_with.leak(),
        contains: contains.leak(),
        content_type: raw.content_type.leak(),
        folder: raw.folder.leak(),
        content: raw.content,
    }
}
