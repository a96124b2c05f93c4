//! The comments part: a new one with what leads to it, or more comments in the one that is there.

use std::collections::{BTreeSet, HashSet};

use super::edit::Insertions;
use super::marks;
use super::markup::{self, Dialect};
use super::opc::{self, CONTENT_TYPES, ContentTypes, Relationship, Root};
use super::package::Package;
use super::rebuild::{Changed, Changes};
use super::{DocxError, limits};

const CONTENT_TYPE: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.comments+xml";

/// The comments part as it is, or as it will be named.
pub(super) struct CommentsPart {
    name: String,
    /// Its place in the archive, content and root; `None` if it has to be written.
    existing: Option<(usize, Vec<u8>, Root)>,
    /// A relationship leads to it already.
    related: bool,
    ids: BTreeSet<i64>,
}

impl CommentsPart {
    /// Looks for the comments part of the main part, and chooses a name where there is none.
    ///
    /// # Errors
    /// The part is malformed, is something else, or lies outside the package.
    pub(super) fn find(
        package: &mut Package<'_>,
        main: &str,
        relationships: &[Relationship],
    ) -> Result<Self, DocxError> {
        let mut related = relationships.iter().filter(|r| r.kind == "comments");
        let first = related.next();
        if related.next().is_some() {
            return Err(DocxError::Comments(
                "the document refers to several comments parts",
            ));
        }
        let name = match first {
            None => free_name(package, main),
            Some(Relationship {
                target: Some(target), ..
            }) => target.clone(),
            Some(_) => return Err(DocxError::Comments("they are kept outside of the document")),
        };
        let mut part = Self {
            name,
            existing: None,
            related: first.is_some(),
            ids: BTreeSet::new(),
        };
        if first.is_some() {
            part.read(package)?;
        }
        Ok(part)
    }

    fn read(&mut self, package: &mut Package<'_>) -> Result<(), DocxError> {
        let Some(index) = package.find(&self.name) else {
            return Ok(());
        };
        let bytes = package.read_at(index, &self.name)?;
        let mut is_comments = false;
        let ids = &mut self.ids;
        let root = opc::visit(&self.name, &bytes, |depth, tag| match (depth, tag.word()) {
            (0, "comments") => is_comments = true,
            (1, "comment") => ids.extend(tag.attribute("id").and_then(|id| id.trim().parse::<i64>().ok())),
            _ => {}
        })?;
        if !is_comments {
            return Err(DocxError::Comments("the comments part is something else"));
        }
        self.existing = Some((index, bytes, root));
        Ok(())
    }

    /// Ids for `count` comments, used neither by a comment nor by a marker in the text: the next above the
    /// highest, or, near the limit of a signed 32-bit number, the lowest that are free.
    ///
    /// # Errors
    /// There would be more comments than Word opens.
    pub(super) fn new_ids(&self, markers: &[i64], count: usize) -> Result<Vec<u32>, DocxError> {
        if self.ids.len() + count > limits::COMMENTS {
            return Err(DocxError::TooManyComments);
        }
        let used: BTreeSet<i64> = self.ids.iter().chain(markers).copied().collect();
        let next = used.last().map_or(0, |last| last.saturating_add(1).max(0));
        let room = next.checked_add(i64::try_from(count).unwrap_or(i64::MAX));
        let first = if room.is_some_and(|end| end <= i64::from(i32::MAX)) {
            next
        } else {
            0
        };
        let free = (first..=i64::from(i32::MAX)).filter(|id| !used.contains(id));
        Ok(free.take(count).filter_map(|id| u32::try_from(id).ok()).collect())
    }

    /// How comments are written in this part: its own dialect, or the document's for a new part.
    pub(super) fn dialect(&self, strict: bool) -> Dialect {
        match &self.existing {
            Some((_, _, root)) => Dialect::new(root.strict, root.plain_w),
            None => Dialect::new(strict, true),
        }
    }

    /// Adds the comments, and what a package needs to know about their part.
    ///
    /// # Errors
    /// A part that must grow is stored in an unknown way, or the part's content type says something else.
    pub(super) fn add(
        self,
        package: &mut Package<'_>,
        context: &Context<'_>,
        comments: &str,
        changes: &mut Changes,
    ) -> Result<(), DocxError> {
        if !self.related {
            relate(package, context, &self.name, changes)?;
        }
        declare(package, &self.name, changes)?;
        match self.existing {
            Some((index, original, root)) => {
                let mut insertions = Insertions::default();
                append(&mut insertions, &root, comments);
                changes.changed.insert(index, Changed { original, insertions });
            }
            None => {
                changes.added.push((
                    self.name,
                    Dialect::new(context.strict, true).comments_part(comments),
                ));
            }
        }
        Ok(())
    }
}

/// What the package's plumbing needs to know about the main part.
pub(super) struct Context<'a> {
    pub(super) main: &'a str,
    pub(super) strict: bool,
    pub(super) relationships: &'a [Relationship],
}

/// Inserts before a root's end.
fn append(insertions: &mut Insertions, root: &Root, text: &str) {
    if root.empty_tag {
        marks::open_empty(insertions, root.end, &root.name, text);
    } else {
        insertions.add(root.end, text);
    }
}

fn folder(part: &str) -> &str {
    part.rsplit_once('/').map_or("", |(folder, _)| folder)
}

fn join(folder: &str, file: &str) -> String {
    if folder.is_empty() {
        file.to_owned()
    } else {
        format!("{folder}/{file}")
    }
}

fn free_name(package: &Package<'_>, main: &str) -> String {
    let numbered = (2..).map(|n: u32| format!("comments{n}.xml"));
    let mut names = std::iter::once("comments.xml".to_owned()).chain(numbered);
    let free = names.find(|file| package.find(&join(folder(main), file)).is_none());
    join(folder(main), &free.unwrap_or_default())
}

/// Adds a relationship from the main part to the comments part.
fn relate(
    package: &mut Package<'_>,
    context: &Context<'_>,
    name: &str,
    changes: &mut Changes,
) -> Result<(), DocxError> {
    let id = free_id(context.relationships);
    let target = name.rsplit('/').next().unwrap_or(name);
    let part = opc::rels_name(context.main);
    let Some(index) = package.find(&part) else {
        let relationship = markup::relationship("", &id, context.strict, target);
        changes
            .added
            .push((part, markup::relationships_part(&relationship)));
        return Ok(());
    };
    let original = package.read_at(index, &part)?;
    let (_, root) = opc::relationships(&part, &original, context.main)?;
    let mut insertions = Insertions::default();
    append(
        &mut insertions,
        &root,
        &markup::relationship(&root.name, &id, context.strict, target),
    );
    changes.changed.insert(index, Changed { original, insertions });
    Ok(())
}

fn free_id(relationships: &[Relationship]) -> String {
    let taken: HashSet<String> = relationships.iter().map(|r| r.id.to_ascii_lowercase()).collect();
    let mut ids = (1..).map(|n: u32| format!("rIdComments{n}"));
    ids.find(|id| !taken.contains(&id.to_ascii_lowercase()))
        .unwrap_or_default()
}

/// Gives the comments part its content type; without one, Word refuses the document.
fn declare(package: &mut Package<'_>, name: &str, changes: &mut Changes) -> Result<(), DocxError> {
    let types = ContentTypes::read(package)?;
    match types.override_of(name) {
        Some(kind) if kind.eq_ignore_ascii_case(CONTENT_TYPE) => return Ok(()),
        Some(_) => {
            return Err(DocxError::Comments(
                "the comments part is declared as something else",
            ));
        }
        None => {}
    }
    let index = package
        .find(CONTENT_TYPES)
        .ok_or_else(|| DocxError::MissingPart(CONTENT_TYPES.into()))?;
    let mut insertions = Insertions::default();
    append(
        &mut insertions,
        &types.root,
        &markup::content_type(&types.root.name, name, CONTENT_TYPE),
    );
    changes.changed.insert(
        index,
        Changed {
            original: types.bytes,
            insertions,
        },
    );
    Ok(())
}
