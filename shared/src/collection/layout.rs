//! Where a collection's files lie: keys from paths and back, and what a path says of a date.

use jiff::civil::Date;

use super::Collection;
use super::policy::{Accept, Policy};
use crate::key::{BasePath, ObjectKey};

/// S3 user guide, *Naming Amazon S3 objects*.
const MAX_KEY_BYTES: usize = 1_024;

impl Collection {
    /// What comes before each of its keys; that of reviews is configured.
    fn prefix(self, base: &BasePath) -> &str {
        if self == Self::reviews() {
            base.as_str()
        } else {
            self.0.prefix
        }
    }

    /// What comes before each of its keys where nothing is configured.
    pub(crate) fn default_prefix(self) -> &'static str {
        self.0.prefix
    }

    /// What its keys begin with: one prefix, or one for each kind of its files. Each ends in `/`.
    pub fn places(self, base: &BasePath) -> Vec<String> {
        let prefix = self.prefix(base);
        let folders = self.0.accept.iter().map(|accept| accept.folder);
        let mut places: Vec<_> = folders.map(|folder| format!("{prefix}{folder}")).collect();
        places.sort_unstable();
        places.dedup();
        places
    }

    /// The first folders of all keys of all collections but reviews, whose own is configured.
    pub(crate) fn first_folders() -> impl Iterator<Item = &'static str> {
        let others = Self::all().filter(|collection| *collection != Self::reviews());
        others.flat_map(|collection| {
            let Policy { prefix, accept, .. } = *collection.0;
            accept.iter().filter_map(move |accept| {
                let place = if prefix.is_empty() { accept.folder } else { prefix };
                place.split('/').next()
            })
        })
    }

    /// The key that a path below the collection names; `None` when nothing of the collection can lie there. A numbered
    /// document answers to its number alone.
    pub fn key(self, base: &BasePath, path: &str) -> Option<String> {
        let is_safe = !path.chars().any(char::is_control)
            && path
                .split('/')
                .all(|part| !part.is_empty() && part != "." && part != "..");
        let key = match (self.number_format(), year_of_number(path)) {
            (Some(_), Some(year)) => {
                let filled = self.0.path.replace("{YYYY}", year);
                format!("{}{}", self.prefix(base), filled.replace("{number}", path))
            }
            _ => format!("{}{path}", self.prefix(base)),
        };
        (is_safe && key.len() <= MAX_KEY_BYTES && self.holds(base, &key)).then_some(key)
    }

    /// The path below the collection of one of its keys.
    pub fn path<'a>(self, base: &BasePath, key: &'a str) -> Option<&'a str> {
        let path = key.strip_prefix(self.prefix(base))?;
        self.holds(base, key).then_some(path)
    }

    fn holds(self, base: &BasePath, key: &str) -> bool {
        if self == Self::reviews() {
            // The base path may be empty, so only a session's files count.
            return matches!(ObjectKey::parse(key, base), Ok(ObjectKey::SessionFile { .. }));
        }
        let lies_in = |accept: &Accept| {
            let path = key.strip_prefix(self.0.prefix);
            path.is_some_and(|path| {
                path.strip_prefix(accept.folder)
                    .is_some_and(|rest| !rest.is_empty())
            })
        };
        self.0.accept.iter().any(lies_in)
    }

    /// The path of a new document, in the folder of its kind.
    pub fn new_path(self, folder: &str, day: Date, name: &str) -> String {
        let filled = parts(self.0.path).map(|part| match part {
            Part::Plain(text) => text.to_owned(),
            Part::Placeholder("YYYY") => format!("{:04}", day.year()),
            Part::Placeholder("MM") => format!("{:02}", day.month()),
            Part::Placeholder("DD") => format!("{:02}", day.day()),
            Part::Placeholder(_) => name.to_owned(),
        });
        std::iter::once(folder.to_owned()).chain(filled).collect()
    }

    /// How a path begins with its date, up to the last part of that.
    fn date_parts(self) -> impl Iterator<Item = Part<'static>> {
        let is_date = |part: &Part<'_>| matches!(part, Part::Placeholder("YYYY" | "MM" | "DD" | "hhmmss"));
        let dates = parts(self.0.path).filter(is_date).count();
        let mut seen = 0;
        parts(self.0.path).take_while(move |part| {
            let is_before_end = seen < dates;
            seen += usize::from(is_date(part));
            is_before_end
        })
    }

    /// How many characters at the start of a path are its date.
    pub fn dated_chars(self) -> usize {
        self.date_parts().map(|part| part.text().len()).sum()
    }

    /// The day that a path says, as far as it says one: the first of its month or year. `None` where it says nothing.
    pub fn day_of_path(self, path: &str) -> Option<Date> {
        let mut rest = path;
        let (mut year, mut month, mut day) = (None, 1, 1);
        for part in self.date_parts() {
            let (text, after) = rest.split_at_checked(part.text().len())?;
            rest = after;
            match part {
                Part::Plain(plain) if text == plain => {}
                Part::Plain(_) => return None,
                Part::Placeholder("hhmmss") => break,
                Part::Placeholder(name) => {
                    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
                    let number = text.parse::<i16>().ok().filter(|_| is_number)?;
                    match name {
                        "YYYY" => year = Some(number),
                        "MM" => month = i8::try_from(number).ok()?,
                        _ => day = i8::try_from(number).ok()?,
                    }
                }
            }
        }
        // Before that, it isn't meant as a date.
        Date::new(year?, month, day).ok().filter(|day| day.year() >= 1900)
    }
}

/// A part of a path's template.
#[derive(Debug, Clone, Copy)]
enum Part<'a> {
    Plain(&'a str),
    /// Without its braces. A date's is as long as what stands for it.
    Placeholder(&'a str),
}

impl<'a> Part<'a> {
    fn text(&self) -> &'a str {
        match self {
            Self::Plain(text) | Self::Placeholder(text) => text,
        }
    }
}

fn parts(template: &str) -> impl Iterator<Item = Part<'_>> {
    template.split('{').enumerate().flat_map(|(index, piece)| {
        let (placeholder, plain) = match piece.split_once('}') {
            Some((name, plain)) if index > 0 => (Some(Part::Placeholder(name)), plain),
            _ => (None, piece),
        };
        let plain = Some(Part::Plain(plain)).filter(|_| !plain.is_empty());
        placeholder.into_iter().chain(plain)
    })
}

/// The year in a document's number, `PRT-2025-0042`.
fn year_of_number(number: &str) -> Option<&str> {
    let (rest, count) = number.rsplit_once('-')?;
    let (prefix, year) = rest.rsplit_once('-')?;
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_number = !prefix.is_empty()
        && !number.contains(['/', '.'])
        && year.len() == 4
        && digits(year)
        && digits(count);
    is_number.then_some(year)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn paths_lead_to_keys_and_back() {
        let base = BasePath::default();
        for (collection, path, key) in [
            (
                Collection::reviews(),
                "20251114_142510_a/documents/after_a & b+c.docx",
                "tara/20251114_142510_a/documents/after_a & b+c.docx",
            ),
            (
                Collection::bols(),
                "2025/PRT-2025-0042.pdf",
                "bols/2025/PRT-2025-0042.pdf",
            ),
            (
                Collection::ecg_reports(),
                "2025/10/28/x.pdf",
                "ecg-reports/2025/10/28/x.pdf",
            ),
            (
                Collection::clinical(),
                "parquet/encounter_maindata.parquet",
                "parquet/encounter_maindata.parquet",
            ),
        ] {
            assert_eq!(collection.key(&base, path).as_deref(), Some(key));
            assert_eq!(collection.path(&base, key), Some(path));
        }
        assert_eq!(
            Collection::bols().key(&base, "PRT-2025-0042").as_deref(),
            Some("bols/2025/PRT-2025-0042.pdf")
        );
    }

    #[test]
    fn what_can_not_lie_in_a_collection_has_no_key() {
        let everywhere = BasePath::parse("").unwrap();
        for (collection, path) in [
            (Collection::reviews(), "_casefile/sessions/acme/x.json"),
            (Collection::reviews(), "bols/2025/PRT-2025-0042.pdf"),
            (Collection::reviews(), "20251114_142510_a"),
            (Collection::reviews(), "20251114_142510_a/secret.txt"),
            (Collection::bols(), "../inbox/x"),
            (Collection::bols(), "2025//x.pdf"),
            (Collection::bols(), "/x"),
            (Collection::bols(), ""),
            (Collection::bols(), "a\nb"),
            (Collection::clinical(), "_casefile/shares/x"),
            (Collection::clinical(), "bols/2025/x.pdf"),
            (Collection::clinical(), "parquet"),
        ] {
            assert_eq!(collection.key(&everywhere, path), None, "{path}");
        }
    }

    proptest! {
        #[test]
        fn no_path_leaves_its_collection(path in any::<String>()) {
            let base = BasePath::default();
            for collection in Collection::all() {
                if let Some(key) = collection.key(&base, &path) {
                    prop_assert!(!key.starts_with("_casefile/") && !key.starts_with("inbox/"));
                    prop_assert!(collection.path(&base, &key).is_some());
                }
            }
        }
    }
}
