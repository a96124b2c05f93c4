//! Which requests a fault is for.

/// Which requests a fault is for.
#[derive(Debug, Clone, Default)]
pub struct FaultRule {
    operation: Option<String>,
    bucket: Option<String>,
    prefix: String,
    suffix: String,
    skip: usize,
    times: Option<usize>,
}

impl FaultRule {
    /// Every request.
    pub fn any() -> Self {
        Self::default()
    }

    /// Requests for one operation, named as in the API reference: `PutObject`.
    pub fn on(operation: &str) -> Self {
        Self {
            operation: Some(operation.to_owned()),
            ..Self::default()
        }
    }

    /// Only those in this bucket.
    #[must_use]
    pub fn bucket(mut self, bucket: &str) -> Self {
        self.bucket = Some(bucket.to_owned());
        self
    }

    /// Only those whose key begins so.
    #[must_use]
    pub fn prefix(mut self, prefix: &str) -> Self {
        prefix.clone_into(&mut self.prefix);
        self
    }

    /// Only those whose key ends so.
    #[must_use]
    pub fn suffix(mut self, suffix: &str) -> Self {
        suffix.clone_into(&mut self.suffix);
        self
    }

    /// Lets the first `count` that match pass.
    #[must_use]
    pub fn skip(mut self, count: usize) -> Self {
        self.skip = count;
        self
    }

    /// Applies to this many at most; without it, to all.
    #[must_use]
    pub fn times(mut self, count: usize) -> Self {
        self.times = Some(count);
        self
    }

    pub(super) fn includes(&self, target: &Target) -> bool {
        self.operation
            .as_ref()
            .is_none_or(|operation| *operation == target.operation)
            && self.bucket.as_ref().is_none_or(|bucket| *bucket == target.bucket)
            && target.key.starts_with(&self.prefix)
            && target.key.ends_with(&self.suffix)
    }

    pub(super) fn applies_to_match(&self, number: usize) -> bool {
        number >= self.skip && self.times.is_none_or(|times| number < self.skip + times)
    }
}

/// What a request is about.
#[derive(Debug, Clone, Default)]
pub(crate) struct Target {
    pub operation: String,
    pub bucket: String,
    pub key: String,
}
