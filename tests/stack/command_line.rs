//! What a person meets: `cargo local demo`, and a function that isn't set up.

use std::process::{Command, Output};

use crate::support::programs;

async fn demo(data: &std::path::Path) -> Output {
    let program = &programs().await["casefile-local"];
    Command::new(program)
        .args(["demo", "--data"])
        .arg(data)
        .output()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_shows_a_verified_folder_and_can_be_repeated() {
    let data = tempfile::tempdir().unwrap();
    for _ in 0..2 {
        let output = demo(data.path()).await;
        let shown = String::from_utf8(output.stdout).unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{said}");
        assert!(
            shown.contains("├── documents/\n│   ├── before_write-up TR-20417.docx"),
            "{shown}"
        );
        assert!(
            shown.ends_with("every file read back and found as the manifest says\n"),
            "{shown}"
        );
        assert!(said.contains("exporting the sample review"), "{said}");
        assert!(!said.contains('\u{1b}'), "no terminal, no escapes: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_that_is_not_set_up_says_everything_that_is_missing() {
    let program = &programs().await["session-export"];
    let output = Command::new(program)
        .env_clear()
        .env("S3_BASE_PATH", "a b")
        .output()
        .unwrap();
    assert!(!output.status.success());
    let said = String::from_utf8(output.stdout).unwrap();
    for name in [
        "S3_BUCKET_NAME",
        "S3_BASE_PATH",
        "AWS_REGION",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
    ] {
        assert!(said.contains(name), "{name}: {said}");
    }
}
