//! `.env` files, as applications have them.
//!
//! A line is `NAME=value`, perhaps after `export `, with blanks around either part. A value in quotes ends with the same
//! quote on the same line; within double ones `\"` and `\\` are the sign alone. One without quotes ends with the line, or where
//! a `#` follows a blank. Nothing is filled in for a `$`. Empty lines and those that begin with `#` are passed over, and so are
//! all names that Casefile doesn't read. Of several lines for one name the last one counts, as in a shell.

/// Names that Casefile reads begin so,
const FAMILIES: [&str; 8] = [
    "AWS_",
    "BEDROCK_",
    "CASEFILE_",
    "FALLBACK_",
    "REASONING_",
    "REPORT_TEMPLATE_",
    "S3_",
    "XDG_",
];
/// or are these.
const NAMES: [&str; 11] = [
    "ARRIVALS_QUEUE_URL",
    "AUDIT_BUCKET_NAME",
    "CLOUD_UPLOAD_ENABLED",
    "COLLECTIONS_FILE",
    "DEAD_LETTER_QUEUE_URL",
    "DEFAULT_TENANT",
    "HOME",
    "PUBLIC_URL",
    "QUARANTINE_BUCKET_NAME",
    "TOPIC_ARN",
    "USE_S3",
];

/// Whether a name is one of Casefile's.
pub(crate) fn is_read(name: &str) -> bool {
    NAMES.contains(&name) || FAMILIES.iter().any(|family| name.starts_with(family))
}

/// The variables that Casefile reads.
///
/// # Errors
/// All lines about them that can't be read, by their numbers alone.
pub(super) fn parse(text: &str) -> Result<Vec<(String, String)>, String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut variables = Vec::new();
    let mut wrong = Vec::new();
    for (line, number) in text.lines().zip(1..) {
        let line = line.trim();
        let line = line.strip_prefix("export ").unwrap_or(line).trim_start();
        let end = line.find(|c: char| c == '=' || c.is_whitespace());
        let (name, rest) = line.split_at(end.unwrap_or(line.len()));
        if !is_read(name) {
            continue;
        }
        match rest
            .trim_start()
            .strip_prefix('=')
            .and_then(|rest| value(rest.trim()))
        {
            Some(value) => variables.push((name.to_owned(), value)),
            None => wrong.push(format!("line {number} is no NAME=value")),
        }
    }
    variables.reverse();
    if wrong.is_empty() {
        Ok(variables)
    } else {
        Err(wrong.join("; "))
    }
}

/// What a text stands for; `None` when its quotes don't end, or something but a comment follows them.
fn value(text: &str) -> Option<String> {
    let Some(quote) = text.chars().next().filter(|c| matches!(c, '"' | '\'')) else {
        let end = text.match_indices('#').map(|(at, _)| at);
        let mut end = end.filter(|at| text[..*at].ends_with(char::is_whitespace) || *at == 0);
        return Some(text[..end.next().unwrap_or(text.len())].trim_end().to_owned());
    };
    let mut value = String::new();
    let mut rest = text[1..].chars();
    loop {
        match rest.next()? {
            c if c == quote => break,
            '\\' if quote == '"' && rest.as_str().starts_with(['"', '\\']) => value.extend(rest.next()),
            c => value.push(c),
        }
    }
    let after = rest.as_str().trim_start();
    (after.is_empty() || after.starts_with('#')).then_some(value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn region(line: &str) -> Option<String> {
        let variables = parse(line).ok()?;
        variables.into_iter().next().map(|(_, value)| value)
    }

    #[test]
    fn a_value_is_read_as_applications_write_it() {
        for (line, expected) in [
            ("AWS_REGION=eu", "eu"),
            ("  export AWS_REGION = eu west  # here", "eu west"),
            ("\u{feff}AWS_REGION=eu\r", "eu"),
            ("AWS_REGION='a # \\ \"b'", "a # \\ \"b"),
            (r#"AWS_REGION="a \"b\" \\ \n $HOME" # c"#, r#"a "b" \ \n $HOME"#),
            ("AWS_REGION=a#b$c'd", "a#b$c'd"),
            ("AWS_REGION=a=b==", "a=b=="),
            ("AWS_REGION=", ""),
            ("AWS_REGION= # none", ""),
            ("AWS_REGION=first\nAWS_REGION=last", "last"),
        ] {
            assert_eq!(region(line).as_deref(), Some(expected), "{line}");
        }
    }

    #[test]
    fn only_lines_about_casefile_s_names_can_be_wrong_and_all_of_them_are_told() {
        let text = "# today's\n\nNOTE\nDJANGO_KEY='open\nAWS_REGION\nPATH=\"a\" b\nUSE_S3='x' y\nS3_BUCKET_NAME=\"x\n";
        let error = parse(text).unwrap_err();
        assert_eq!(
            error,
            "line 5 is no NAME=value; line 7 is no NAME=value; line 8 is no NAME=value"
        );
        assert_eq!(
            parse("A=1\nB = 2\nUSE_S3=true"),
            Ok(vec![("USE_S3".to_owned(), "true".to_owned())])
        );
    }

    proptest! {
        #[test]
        fn no_file_is_too_odd(text in any::<String>(), value in any::<String>()) {
            let _ = parse(&text);
            let _ = parse(&format!("AWS_REGION={value}"));
        }
    }
}
