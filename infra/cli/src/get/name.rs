//! What a file is called here.

use casefile::name::{FileName, is_unprintable};

/// The longest name that every file system takes with room to spare, in bytes.
const MAX_BYTES: usize = 200;

/// A name from elsewhere as one that is safe here: no folder, nothing that moves a terminal's cursor, not hidden.
pub(super) fn safe(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let plain = last.chars().map(|c| if is_unprintable(c) { '_' } else { c });
    let mut plain: String = plain.collect::<String>().trim().to_owned();
    while plain.len() > MAX_BYTES {
        plain.pop();
    }
    if plain.starts_with('.') {
        plain.replace_range(..1, "_");
    }
    match FileName::parse(plain.trim()) {
        Ok(name) => name.as_str().to_owned(),
        Err(_) => "download".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_never_leads_elsewhere_and_never_hides() {
        for (name, expected) in [
            ("ECG_Report ä.pdf", "ECG_Report ä.pdf"),
            ("../../etc/passwd", "passwd"),
            ("a\\b.pdf", "b.pdf"),
            ("..", "_."),
            (".bashrc", "_bashrc"),
            ("a\u{1b}[2J\n.pdf", "a_[2J_.pdf"),
            ("", "download"),
            ("x/", "download"),
        ] {
            assert_eq!(safe(name), expected, "{name:?}");
        }
    }

    proptest! {
        #[test]
        fn every_name_becomes_one(name in any::<String>()) {
            let safe = safe(&name);
            prop_assert!(!safe.is_empty() && !safe.starts_with('.') && !safe.contains(['/', '\\', '\0']));
        }
    }
}
