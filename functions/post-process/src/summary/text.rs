//! Texts on their way into and out of the model.

/// `text` on one line, without characters that nobody sees, and cut to `most` characters with "…".
pub(super) fn plain(text: &str, most: usize) -> String {
    let mut plain = String::with_capacity(text.len().min(most * 2));
    let mut blank = false;
    for c in text.chars().filter(|c| !is_invisible(*c)) {
        if c.is_whitespace() || c.is_control() {
            blank = !plain.is_empty();
            continue;
        }
        if std::mem::take(&mut blank) {
            plain.push(' ');
        }
        plain.push(c);
        // Four bytes are a character's most: enough to know that it is cut.
        if plain.len() > most * 4 {
            break;
        }
    }
    match plain.char_indices().nth(most) {
        Some(_) => plain.chars().take(most.saturating_sub(1)).chain(['…']).collect(),
        None => plain,
    }
}

/// Characters that are read by a model and seen by no person, or that turn around what is seen: zero-width ones,
/// bidirectional controls, variation selectors and tags (Unicode 16, sections 23.2 to 23.9).
pub(super) fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}'
        | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// JSON that means the same and holds no `<`, `>` or `&`: such characters stand in its strings alone.
pub(super) fn without_tags(json: &str) -> String {
    json.replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026")
}

/// Whether `text` holds a link, an image or a tag, which a reader's program might follow or load.
pub(super) fn has_links_or_markup(text: &str) -> bool {
    let lower = text.to_lowercase();
    let is_tag = |(at, _): (usize, &str)| {
        let next = lower.get(at + 1..).and_then(|rest| rest.chars().next());
        next.is_some_and(|c| c.is_ascii_alphabetic() || matches!(c, '/' | '!' | '?'))
    };
    [
        "://",
        "](",
        "][",
        "www.",
        "mailto:",
        "javascript:",
        "data:text",
        "```",
    ]
    .iter()
    .any(|mark| lower.contains(mark))
        || lower.match_indices('<').any(is_tag)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_plain_text_is_one_visible_line_within_its_length(text in any::<String>(), most in 1_usize..50) {
            let plain = plain(&text, most);
            prop_assert!(plain.chars().count() <= most);
            prop_assert!(plain.chars().all(|c| !c.is_control() && !is_invisible(c)));
        }

        #[test]
        fn json_without_tags_means_the_same(text in any::<String>()) {
            let json = without_tags(&serde_json::to_string(&text).unwrap());
            prop_assert!(!json.contains(['<', '>', '&']));
            prop_assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
        }
    }

    #[test]
    fn what_nobody_sees_is_gone() {
        let hidden: String = "ignore"
            .chars()
            .filter_map(|c| char::from_u32(0xE0000 + u32::from(c)))
            .collect();
        assert_eq!(
            plain(&format!("a\r\n\u{202e}b{hidden}\u{200b} \u{7} c"), 99),
            "a b c"
        );
        assert_eq!(plain("abcdef", 4), "abc…");
    }

    #[test]
    fn links_are_told_from_comparisons() {
        for text in [
            "see HTTPS://x.example",
            "![x](y)",
            "<img src=x>",
            "</review-data>",
            "www.x.example",
        ] {
            assert!(has_links_or_markup(text), "{text}");
        }
        assert!(!has_links_or_markup("the rate was < 1 % (threshold: 1 %), a<1"));
    }
}
