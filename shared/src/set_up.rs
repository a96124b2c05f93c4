//! What is wrong with a deployment when S3 refuses what it is asked for, and how to mend it: for alarms, logs, answers and
//! `casefile doctor`.
//!
//! Source: S3 API reference, *Error responses*.

/// What is wrong with the set-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SetUpFault {
    /// The credentials don't allow it.
    AccessDenied,
    /// There is no such bucket.
    NoSuchBucket,
    /// The credentials are unknown, wrong or expired.
    BadCredentials,
    /// The bucket is in another region.
    WrongRegion,
    /// This machine's clock is too far from S3's.
    ClockSkew,
    /// The bucket's KMS key can't be used.
    EncryptionKey,
    /// Whatever else S3 refuses.
    Other,
}

impl SetUpFault {
    /// What an error's code means. HEAD requests have no code, and their status stands for it.
    pub fn of(code: &str) -> Self {
        match code {
            "AccessDenied" | "AllAccessDisabled" | "AccountProblem" | "Forbidden" | "status 403" => {
                Self::AccessDenied
            }
            "NoSuchBucket" => Self::NoSuchBucket,
            "ExpiredToken"
            | "InvalidAccessKeyId"
            | "InvalidSecurity"
            | "InvalidToken"
            | "NotSignedUp"
            | "SignatureDoesNotMatch"
            | "TokenRefreshRequired"
            | "the request can't be signed" => Self::BadCredentials,
            "AuthorizationHeaderMalformed"
            | "IllegalLocationConstraintException"
            | "PermanentRedirect"
            | "TemporaryRedirect"
            | "status 301"
            | "status 307" => Self::WrongRegion,
            "RequestTimeTooSkewed" | "RequestExpired" => Self::ClockSkew,
            code if code.starts_with("KMS.") => Self::EncryptionKey,
            _ => Self::Other,
        }
    }

    /// In one word, for programs.
    pub fn name(self) -> &'static str {
        match self {
            Self::AccessDenied => "access_denied",
            Self::NoSuchBucket => "no_such_bucket",
            Self::BadCredentials => "bad_credentials",
            Self::WrongRegion => "wrong_region",
            Self::ClockSkew => "clock_skew",
            Self::EncryptionKey => "encryption_key",
            Self::Other => "refused",
        }
    }

    /// What it is, and how to mend it.
    pub fn advice(self) -> &'static str {
        match self {
            Self::AccessDenied => {
                "S3 denies access: give the role the right to do this, and look for a bucket policy that denies it"
            }
            Self::NoSuchBucket => "there is no such bucket: create it, or correct the variable that names it",
            Self::BadCredentials => {
                "the credentials are unknown, wrong or expired: renew AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and \
                 AWS_SESSION_TOKEN"
            }
            Self::WrongRegion => "the bucket is in another region: correct AWS_REGION",
            Self::ClockSkew => "this machine's clock is more than 15 minutes from S3's: set it",
            Self::EncryptionKey => {
                "the bucket's KMS key can't be used: enable it, and let the role use it to encrypt and decrypt"
            }
            Self::Other => "S3 refuses the request: its documentation tells what the code means",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_the_statuses_of_head_requests_mean_the_same() {
        for (code, fault) in [
            ("AccessDenied", SetUpFault::AccessDenied),
            ("status 403", SetUpFault::AccessDenied),
            ("NoSuchBucket", SetUpFault::NoSuchBucket),
            ("ExpiredToken", SetUpFault::BadCredentials),
            ("status 301", SetUpFault::WrongRegion),
            ("RequestTimeTooSkewed", SetUpFault::ClockSkew),
            ("KMS.DisabledException", SetUpFault::EncryptionKey),
            ("MalformedXML", SetUpFault::Other),
        ] {
            assert_eq!(SetUpFault::of(code), fault, "{code}");
        }
    }
}
