use std::time::Duration;

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, value_parser};

use super::{Claims, LIFETIME};

/// Whom a token is for, as `cargo local token` is told.
#[derive(Debug, Args)]
pub struct Caller {
    /// Who calls: `sub`.
    #[arg(long, value_parser = NonEmptyStringValueParser::new())]
    user: String,
    /// Whose files the caller works with: `tenant`.
    #[arg(long, value_parser = NonEmptyStringValueParser::new())]
    tenant: String,
    /// What the caller may do: office, customer, device or auditor. May be given several times.
    #[arg(long = "group", value_name = "GROUP", value_parser = group)]
    groups: Vec<String>,
    /// The owner within the tenant that a customer stands for.
    #[arg(long)]
    customer: Option<String>,
    /// The collection that a device may upload to.
    #[arg(long)]
    collection: Option<String>,
    /// The caller's e-mail address.
    #[arg(long)]
    email: Option<String>,
    /// How long the token holds, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = LIFETIME.as_secs())]
    #[arg(value_parser = value_parser!(u64).range(1..))]
    expires_in: u64,
}

impl From<&Caller> for Claims {
    fn from(caller: &Caller) -> Self {
        Self {
            sub: caller.user.clone(),
            email: caller.email.clone(),
            groups: caller.groups.clone(),
            tenant: Some(caller.tenant.clone()),
            customer: caller.customer.clone(),
            collection: caller.collection.clone(),
            expires_in: Duration::from_secs(caller.expires_in),
        }
    }
}

/// API Gateway hands all groups on as one text, `[office auditor]`, in which another name would become several.
fn group(name: &str) -> Result<String, &'static str> {
    let is_one = |c: char| !c.is_whitespace() && !matches!(c, '[' | ']' | ',');
    if !name.is_empty() && name.chars().all(is_one) {
        Ok(name.to_owned())
    } else {
        Err("a group's name has no blanks, commas or brackets")
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use clap::error::ErrorKind;

    use super::*;

    #[derive(Debug, Parser)]
    struct Command {
        #[command(flatten)]
        caller: Caller,
    }

    fn told(arguments: &[&str]) -> Result<Claims, ErrorKind> {
        let arguments = ["token"].iter().chain(arguments);
        let command = Command::try_parse_from(arguments).map_err(|error| error.kind())?;
        Ok((&command.caller).into())
    }

    const LEAST: [&str; 4] = ["--user", "dana", "--tenant", "acme"];

    #[test]
    fn a_caller_is_told_by_options() {
        let least = Claims {
            tenant: Some("acme".to_owned()),
            ..Claims::new("dana")
        };
        assert_eq!(told(&LEAST), Ok(least.clone()));
        let more =
            "--group office --group auditor --customer c-1 --collection bols --email d@x --expires-in 60";
        let more: Vec<_> = LEAST.into_iter().chain(more.split(' ')).collect();
        let expected = Claims {
            groups: vec!["office".to_owned(), "auditor".to_owned()],
            customer: Some("c-1".to_owned()),
            collection: Some("bols".to_owned()),
            email: Some("d@x".to_owned()),
            expires_in: Duration::from_mins(1),
            ..least
        };
        assert_eq!(told(&more), Ok(expected));
    }

    #[test]
    fn what_makes_no_caller_is_refused() {
        assert_eq!(told(&LEAST[..2]), Err(ErrorKind::MissingRequiredArgument));
        assert_eq!(told(&LEAST[2..]), Err(ErrorKind::MissingRequiredArgument));
        for (option, value) in [
            ("--group", ""),
            ("--group", "office auditor"),
            ("--group", "[office]"),
            ("--group", "office,auditor"),
            ("--expires-in", "0"),
            ("--expires-in", "-1"),
            ("--expires-in", "soon"),
        ] {
            let refused = told(&[&LEAST[..], &[option, value]].concat());
            assert!(
                matches!(
                    refused,
                    Err(ErrorKind::ValueValidation | ErrorKind::UnknownArgument)
                ),
                "{option} {value}: {refused:?}"
            );
        }
        let empty = told(&["--user", "", "--tenant", "acme"]);
        assert_eq!(empty, Err(ErrorKind::InvalidValue));
    }
}
