//! Checksums as S3 keeps them: one algorithm an object.
//!
//! Source: "Checking object integrity in Amazon S3" (user guide).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use s3s::crypto::{Checksum as _, Crc32, Crc32c, Crc64Nvme, Sha1, Sha256};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Algorithm {
    Crc32,
    Crc32c,
    Crc64Nvme,
    Sha1,
    Sha256,
}

impl Algorithm {
    pub(crate) const ALL: [Self; 5] = [
        Self::Crc32,
        Self::Crc32c,
        Self::Crc64Nvme,
        Self::Sha1,
        Self::Sha256,
    ];

    /// What S3 computes when a client asks for nothing.
    pub(crate) const DEFAULT: Self = Self::Crc64Nvme;

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Crc32 => "CRC32",
            Self::Crc32c => "CRC32C",
            Self::Crc64Nvme => "CRC64NVME",
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
        }
    }

    pub(crate) fn header(self) -> &'static str {
        match self {
            Self::Crc32 => "x-amz-checksum-crc32",
            Self::Crc32c => "x-amz-checksum-crc32c",
            Self::Crc64Nvme => "x-amz-checksum-crc64nvme",
            Self::Sha1 => "x-amz-checksum-sha1",
            Self::Sha256 => "x-amz-checksum-sha256",
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|algorithm| algorithm.name().eq_ignore_ascii_case(name))
    }

    pub(crate) fn is_crc(self) -> bool {
        matches!(self, Self::Crc32 | Self::Crc32c | Self::Crc64Nvme)
    }

    fn digest_bytes(self) -> usize {
        match self {
            Self::Crc32 | Self::Crc32c => 4,
            Self::Crc64Nvme => 8,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
        }
    }

    /// Whether `value` could be this algorithm's result: base64 of the right length.
    pub(crate) fn accepts(self, value: &str) -> bool {
        STANDARD
            .decode(value)
            .is_ok_and(|digest| digest.len() == self.digest_bytes())
    }
}

/// Of the whole object, or of its parts' checksums.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum Kind {
    FullObject,
    Composite,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::FullObject => "FULL_OBJECT",
            Self::Composite => "COMPOSITE",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Checksum {
    pub algorithm: Algorithm,
    pub kind: Kind,
    /// Base64, and `-{parts}` after a composite one.
    pub value: String,
}

impl Checksum {
    /// Composed from the parts' own checksums, as S3 does when a multipart upload is completed.
    pub(crate) fn composite<'a>(algorithm: Algorithm, parts: impl IntoIterator<Item = &'a str>) -> Self {
        let mut hasher = Hasher::new(algorithm);
        let mut count = 0;
        for part in parts {
            hasher.update(&STANDARD.decode(part).unwrap_or_default());
            count += 1;
        }
        let value = format!("{}-{count}", hasher.finish());
        Self {
            algorithm,
            kind: Kind::Composite,
            value,
        }
    }

    /// The value, when the object's algorithm is `algorithm`.
    pub(crate) fn of(&self, algorithm: Algorithm) -> Option<String> {
        (self.algorithm == algorithm).then(|| self.value.clone())
    }
}

/// Computes one checksum while bytes pass by.
pub(crate) enum Hasher {
    Crc32(Crc32),
    Crc32c(Crc32c),
    Crc64Nvme(Crc64Nvme),
    Sha1(Box<Sha1>),
    Sha256(Box<Sha256>),
}

impl Hasher {
    pub(crate) fn new(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Crc32 => Self::Crc32(Crc32::new()),
            Algorithm::Crc32c => Self::Crc32c(Crc32c::new()),
            Algorithm::Crc64Nvme => Self::Crc64Nvme(Crc64Nvme::new()),
            Algorithm::Sha1 => Self::Sha1(Box::new(Sha1::new())),
            Algorithm::Sha256 => Self::Sha256(Box::new(Sha256::new())),
        }
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Crc32(hasher) => hasher.update(bytes),
            Self::Crc32c(hasher) => hasher.update(bytes),
            Self::Crc64Nvme(hasher) => hasher.update(bytes),
            Self::Sha1(hasher) => hasher.update(bytes),
            Self::Sha256(hasher) => hasher.update(bytes),
        }
    }

    /// Base64 of the digest.
    pub(crate) fn finish(self) -> String {
        match self {
            Self::Crc32(hasher) => STANDARD.encode(hasher.finalize()),
            Self::Crc32c(hasher) => STANDARD.encode(hasher.finalize()),
            Self::Crc64Nvme(hasher) => STANDARD.encode(hasher.finalize()),
            Self::Sha1(hasher) => STANDARD.encode(hasher.finalize()),
            Self::Sha256(hasher) => STANDARD.encode(hasher.finalize()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(algorithm: Algorithm, bytes: &[u8]) -> String {
        let mut hasher = Hasher::new(algorithm);
        hasher.update(bytes);
        hasher.finish()
    }

    #[test]
    fn each_algorithm_gives_its_published_check_value() {
        let check = b"123456789";
        assert_eq!(
            of(Algorithm::Crc32, check),
            STANDARD.encode(0xcbf4_3926_u32.to_be_bytes())
        );
        assert_eq!(
            of(Algorithm::Crc32c, check),
            STANDARD.encode(0xe306_9283_u32.to_be_bytes())
        );
        assert_eq!(
            of(Algorithm::Crc64Nvme, check),
            STANDARD.encode(0xae8b_1486_0a79_9888_u64.to_be_bytes())
        );
        assert_eq!(of(Algorithm::Sha1, b""), "2jmj7l5rSw0yVb/vlWAYkK/YBwk=");
        assert_eq!(
            of(Algorithm::Sha256, b""),
            "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
        );
    }

    #[test]
    fn a_value_of_the_wrong_length_is_not_accepted() {
        assert!(Algorithm::Sha256.accepts("47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="));
        assert!(!Algorithm::Sha256.accepts("2jmj7l5rSw0yVb/vlWAYkK/YBwk="));
        assert!(!Algorithm::Crc32.accepts("not base64"));
    }
}
