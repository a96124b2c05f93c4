//! The folder for what can't reach S3. Deployed it is a file system that is mounted into the function.

use std::path::PathBuf;

use super::{StackConfig, StackError};
use crate::template::Template;

/// The variable that says where it is.
pub(super) const VARIABLE: &str = "FALLBACK_DIR";

/// Beside the buckets, whose names begin with a letter or a digit.
pub(super) const FOLDER: &str = "_fallback";

/// A deployment without a file system has no fallback, and then nothing replays. Here there is always a folder to be had,
/// so the template is read as it is deployed with a file system; [`StackConfig::fallback`] has the last word on the
/// variable.
pub(super) fn parameters() -> [(String, String); 3] {
    [
        (
            "FallbackAccessPointArn",
            "arn:aws:elasticfilesystem:us-east-1:000000000000:access-point/fsap-00000000000000000",
        ),
        ("FallbackSubnetIds", "subnet-00000000000000000"),
        ("FallbackSecurityGroupIds", "sg-00000000000000000"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
}

/// Makes the folder, when there is to be one and a function has the variable; gives its absolute path.
pub(super) fn prepare(config: &StackConfig, template: &Template) -> Result<Option<PathBuf>, StackError> {
    let mut functions = template.functions.iter();
    let is_wanted = functions.any(|function| function.environment.contains_key(VARIABLE));
    let Some(path) = config.fallback.as_ref().filter(|_| is_wanted) else {
        return Ok(None);
    };
    let made = std::path::absolute(path).and_then(|path| std::fs::create_dir_all(&path).map(|()| path));
    made.map(Some).map_err(|source| StackError::Fallback {
        path: path.clone(),
        source,
    })
}
