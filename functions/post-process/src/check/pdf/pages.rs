//! The tree of a PDF's pages (ISO 32000-1, clause 7.7.3).

use std::collections::HashSet;

use super::super::findings::Trouble;
use super::document::Document;
use super::value::Value;
use super::xref::MAX_OBJECTS;

/// Counts the pages below a node. Each must be there.
pub(super) fn count(document: &mut Document<'_>, root: Value) -> Result<u64, Trouble> {
    let (mut count, mut seen, mut ahead) = (0, HashSet::new(), vec![root]);
    while let Some(node) = ahead.pop() {
        if let Value::Reference(number) = node
            && !seen.insert(number)
        {
            return Err(Trouble::Broken("its tree of pages runs in a circle"));
        }
        let node = document.dictionary(node)?;
        match node.get("Kids").cloned() {
            Some(kids) => match document.follow(kids)? {
                Value::Array(kids) => ahead.extend(kids),
                _ => return Err(Trouble::Broken("its tree of pages is damaged")),
            },
            None if node.is("Type", "Pages") => {}
            None => count += 1,
        }
        if ahead.len() > MAX_OBJECTS {
            return Err(Trouble::TooMuch("it has more than 500,000 pages"));
        }
    }
    if count == 0 {
        Err(Trouble::Broken("it has no pages"))
    } else {
        Ok(count)
    }
}
