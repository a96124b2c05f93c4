//! What operators say of themselves and of what they do, for the audit log: lines of text.

const MAX_OPERATOR_CHARS: usize = 100;

/// Who an operator claims to be.
pub(crate) fn operator(text: &str) -> Result<String, String> {
    line(text, MAX_OPERATOR_CHARS)
}

/// One line that isn't empty, without blanks around it.
pub(crate) fn line(text: &str, limit: usize) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > limit || text.chars().any(char::is_control) {
        return Err(format!("must be one line of 1 to {limit} characters"));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_no_blanks_around_it_and_no_control_characters() {
        assert_eq!(
            line(" looked at it; harmless ", 22),
            Ok("looked at it; harmless".to_owned())
        );
        assert_eq!(line("ü", 1), Ok("ü".to_owned()));
        for text in ["", "  ", "a\nb", "\u{1b}[2J", &"x".repeat(23)] {
            assert!(line(text, 22).is_err(), "{text}");
        }
    }

    #[test]
    fn an_operator_s_name_has_at_most_100_characters() {
        assert!(operator(&"x".repeat(100)).is_ok() && operator(&"x".repeat(101)).is_err());
    }
}
