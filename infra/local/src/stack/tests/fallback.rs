//! The folder for what can't reach S3.

use std::path::Path;

use super::*;

const TEMPLATE: &str = "
Resources:
  Files: {Type: AWS::S3::Bucket}
  Echo:
    Type: AWS::Serverless::Function
    Metadata: {BuildMethod: rust-cargolambda, BuildProperties: {Binary: echo_function}}
    Properties:
      Environment: {Variables: {S3_BUCKET_NAME: !Ref Files, FALLBACK_DIR: /mnt/fallback}}
      Timeout: 20
";

/// What the function and a person's tools are told.
async fn told(stack: &Stack) -> [Option<String>; 2] {
    let event = Bytes::from_static(b"{\"do\":\"variables\"}");
    let invocation = stack.lambda.invoke("casefile-local-Echo", event).await.unwrap();
    let seen: Value = serde_json::from_slice(&invocation.result.unwrap()).unwrap();
    let own: std::collections::BTreeMap<_, _> = stack.own_environment().into_iter().collect();
    let seen = seen
        .get("FALLBACK_DIR")
        .map(|value| value.as_str().unwrap().to_owned());
    [seen, own.get("FALLBACK_DIR").cloned()]
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_not_reach_s3_is_kept_beside_the_buckets_and_is_none_of_them() {
    let data = tempfile::tempdir().unwrap();
    for _ in 0..2 {
        let Running { stack, .. } = start(&data, TEMPLATE).await;
        let folder = data.path().join("_fallback");
        assert_eq!(stack.fallback_dir(), Some(folder.as_path()));
        let expected = Some(folder.display().to_string());
        assert_eq!(told(&stack).await, [expected.clone(), expected]);
        std::fs::write(folder.join("kept"), "x").unwrap();
        // An S3 that took the folder for a bucket would not start again.
        stack.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_folder_may_be_given_and_its_path_becomes_absolute() {
    let data = tempfile::tempdir_in(".").unwrap();
    let name = data.path().file_name().unwrap();
    let relative = Path::new(name).join("a/b");
    let Running { stack, .. } = start_with(&data, TEMPLATE, |config| config.fallback = Some(relative)).await;
    let folder = stack.fallback_dir().unwrap();
    assert!(folder.is_absolute() && folder.is_dir(), "{}", folder.display());
    assert!(folder.ends_with("a/b"));
    stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_folder_the_variable_is_empty() {
    let data = tempfile::tempdir().unwrap();
    let Running { stack, .. } = start_with(&data, TEMPLATE, |config| config.fallback = None).await;
    assert_eq!(stack.fallback_dir(), None);
    assert_eq!(told(&stack).await, [Some(String::new()), None]);
    stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_no_function_has_the_variable_there_is_no_folder() {
    let data = tempfile::tempdir().unwrap();
    let template = TEMPLATE.replace(", FALLBACK_DIR: /mnt/fallback", "");
    let Running { stack, .. } = start(&data, &template).await;
    assert_eq!(told(&stack).await, [None, None]);
    assert!(!data.path().join("_fallback").exists());
    stack.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_can_not_be_made_is_named() {
    let data = tempfile::tempdir().unwrap();
    let file = data.path().join("file");
    std::fs::write(&file, "").unwrap();
    let (log, _) = collected();
    let mut config = StackConfig::new(data.path().to_owned(), data.path().to_owned(), log, clock);
    config.fallback = Some(file.join("x"));
    let template = Template::parse(TEMPLATE, &Settings::default()).unwrap();
    let programs = [("echo_function".to_owned(), echo_function())].into();
    let error = Stack::start_built(&config, template, &programs)
        .await
        .err()
        .unwrap();
    assert!(error.to_string().contains("file/x: the folder"), "{error}");
}
