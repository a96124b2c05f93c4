//! What a command has to say.

/// What it shows, tells and ends with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Done {
    /// For standard output.
    pub out: String,
    /// For the person: warnings, a line each.
    pub notes: Vec<String>,
    /// What it ends with.
    pub code: u8,
}

impl Done {
    /// What it shows, and what it ends with.
    pub fn new(out: String, code: u8) -> Self {
        let notes = Vec::new();
        Self { out, notes, code }
    }
}
