use std::collections::BTreeMap;
use std::time::Duration;

use super::{Route, Settings, Template, TemplateError};

mod buckets;
mod clients;
mod collections;
mod events;
mod operate;
mod queries;
mod queues;
mod schedules;
mod versions;

const DEPLOYED: &str = include_str!("../../../../template.yaml");

fn parse(text: &str) -> Result<Template, TemplateError> {
    Template::parse(text, &Settings::default())
}

/// A template with one function whose properties are these lines.
fn function(properties: &str) -> String {
    let properties: Vec<String> = properties.lines().map(|line| format!("      {line}")).collect();
    format!(
        "Resources:\n  Export:\n    Type: AWS::Serverless::Function\n    Metadata:\n      BuildMethod: \
         rust-cargolambda\n    Properties:\n      CodeUri: functions/session-export/\n{}\n",
        properties.join("\n")
    )
}

/// The value of the variable `X` in a template with these sections and this value.
fn variable(sections: &str, value: &str) -> Result<Option<String>, TemplateError> {
    let text = function(&format!("Environment: {{Variables: {{X: {value}}}}}"));
    Ok(parse(&format!("{sections}\n{text}"))?.functions[0]
        .environment
        .get("X")
        .cloned())
}

fn route(method: &str, path: &str, authorized: bool) -> Route {
    let function = "casefile-local-Export".to_owned();
    Route {
        method: method.to_owned(),
        path: path.to_owned(),
        function,
        authorized,
    }
}

#[test]
fn the_deployed_template_can_be_read() {
    let template = parse(DEPLOYED).unwrap();
    let export = template
        .functions
        .iter()
        .find(|function| function.logical_id == "SessionExport")
        .unwrap();
    assert_eq!(export.name, "casefile-local-session-export");
    assert_eq!(export.binary, "session-export");
    assert_eq!(export.timeout, Duration::from_secs(29));
    assert!(export.json_logs);
    assert_eq!(export.log_level.as_deref(), Some("INFO"));
    assert_eq!(
        export.environment["S3_BUCKET_NAME"],
        "casefile-local-artifactsbucket"
    );
    assert_eq!(export.environment["S3_BASE_PATH"], "tara/");
    let reviews = template
        .routes()
        .find(|route| route.path == "/v1/reviews")
        .unwrap();
    assert_eq!((reviews.method.as_str(), reviews.authorized), ("POST", true));
    let bucket = template
        .buckets
        .iter()
        .find(|bucket| bucket.logical_id == "ArtifactsBucket")
        .unwrap();
    assert_eq!(bucket.name, "casefile-local-artifactsbucket");
    assert!(bucket.versioned);
}

#[test]
fn a_parameter_may_be_given_instead_of_its_default() {
    let mut settings = Settings::default();
    settings
        .parameters
        .insert("S3BasePath".to_owned(), "other/".to_owned());
    let template = Template::parse(DEPLOYED, &settings).unwrap();
    let mut paths = template.functions.iter();
    let path = paths.find_map(|function| function.environment.get("S3_BASE_PATH"));
    assert_eq!(path.map(String::as_str), Some("other/"));
    assert_eq!(template.parameters["S3BasePath"], "other/");
}

#[test]
fn a_given_parameter_must_exist() {
    let mut settings = Settings::default();
    settings
        .parameters
        .insert("S3BasPath".to_owned(), "other/".to_owned());
    let error = Template::parse(DEPLOYED, &settings).unwrap_err();
    assert_eq!(error.problem, "there is no parameter S3BasPath");
}

#[test]
fn references_get_their_values() {
    let sections = "Parameters: {P: {Type: String, Default: 029}}\nConditions: {Yes: !Equals [a, a], No: !Not [!Condition Yes]}";
    for (value, expected) in [
        ("!Ref P", "029"),
        ("{Ref: P}", "029"),
        ("!Ref AWS::Region", "us-east-1"),
        (
            "!Sub 'x-${P}-${AWS::StackName}-${!P}'",
            "x-029-casefile-local-${P}",
        ),
        ("{'Fn::Sub': ['${A}${P}', {A: !Ref AWS::Partition}]}", "aws029"),
        ("!Join ['/', [a, !Ref P]]", "a/029"),
        ("!If [Yes, !Ref P, other]", "029"),
        ("!If [No, !Ref P, other]", "other"),
        ("!If [Yes, !If [No, 1, 2], 3]", "2"),
        (
            "!GetAtt Export.Arn",
            "arn:aws:lambda:us-east-1:000000000000:function:casefile-local-Export",
        ),
        ("!Ref Export", "casefile-local-Export"),
        ("1.10", "1.10"),
        ("true", "true"),
    ] {
        assert_eq!(
            variable(sections, value).unwrap().as_deref(),
            Some(expected),
            "{value}"
        );
    }
}

#[test]
fn no_value_leaves_a_variable_out() {
    let sections = "Conditions: {No: !Equals [a, b]}";
    assert_eq!(
        variable(sections, "!If [No, x, !Ref AWS::NoValue]").unwrap(),
        None
    );
}

#[test]
fn conditions_combine() {
    let sections = "Conditions:\n  T: !Equals [a, a]\n  F: !Equals [a, b]\n  Both: !And [Condition: T, Condition: \
                    F]\n  One: !Or [!Condition T, !Condition F]";
    assert_eq!(
        variable(sections, "!If [Both, x, y]").unwrap().as_deref(),
        Some("y")
    );
    assert_eq!(
        variable(sections, "!If [One, x, y]").unwrap().as_deref(),
        Some("x")
    );
}

#[test]
fn a_bucket_is_called_as_the_template_says_or_after_the_stack() {
    let template = parse(
        "Resources:\n  A: {Type: AWS::S3::Bucket}\n  B: {Type: AWS::S3::Bucket, Properties: {BucketName: named}}",
    );
    let names: Vec<String> = template
        .unwrap()
        .buckets
        .into_iter()
        .map(|bucket| bucket.name)
        .collect();
    assert_eq!(names, ["casefile-local-a", "named"]);
}

#[test]
fn globals_apply_where_a_function_says_nothing() {
    let globals =
        "Globals: {Function: {Timeout: 29, MemorySize: 256, Environment: {Variables: {A: 1, B: 1}}}}\n";
    let own = function("Timeout: 5\nEnvironment: {Variables: {B: 2, C: 2}}");
    let function = parse(&format!("{globals}{own}")).unwrap().functions.remove(0);
    assert_eq!(
        (function.timeout, function.memory_mb),
        (Duration::from_secs(5), 256)
    );
    let expected =
        [("A", "1"), ("B", "2"), ("C", "2")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(function.environment, BTreeMap::from(expected));
}

#[test]
fn the_program_is_named_by_its_metadata_or_its_folder() {
    assert_eq!(
        parse(&function("")).unwrap().functions[0].binary,
        "session-export"
    );
    let named = function("").replace(
        "rust-cargolambda",
        "rust-cargolambda\n      BuildProperties: {Binary: other}",
    );
    assert_eq!(parse(&named).unwrap().functions[0].binary, "other");
    let neither = function("").replace("functions/session-export/", ".");
    assert!(
        parse(&neither)
            .unwrap_err()
            .problem
            .contains("BuildProperties.Binary")
    );
}

const API: &str = "  Api:\n    Type: AWS::Serverless::HttpApi\n    Properties:\n      Auth:\n        DefaultAuthorizer: \
                   Jwt\n        Authorizers: {Jwt: {JwtConfiguration: {}}, Custom: {FunctionArn: x}}\n";

#[test]
fn the_default_authorizer_guards_every_route_but_those_that_decline_it() {
    let events = "Events:\n  A: {Type: HttpApi, Properties: {ApiId: !Ref Api, Method: get, Path: /a}}\n  B: {Type: \
                  HttpApi, Properties: {ApiId: !Ref Api, Method: any, Path: '/b/{x+}', Auth: {Authorizer: NONE}}}\n  \
                  C: {Type: HttpApi, Properties: {ApiId: !Ref Api}}\n  D: {Type: SNS}\n  E: {Type: HttpApi}";
    let function = parse(&format!("{}{API}", function(events)))
        .unwrap()
        .functions
        .remove(0);
    let expected = [
        route("GET", "/a", true),
        route("ANY", "/b/{x+}", false),
        route("ANY", "$default", true),
        route("ANY", "$default", false),
    ];
    assert_eq!(function.routes, expected);
    assert_eq!(function.other_events, ["D (SNS)"]);
}

#[test]
fn a_resource_whose_condition_does_not_hold_does_not_exist() {
    let text = "Conditions: {No: !Equals [a, b]}\nResources: {A: {Type: AWS::S3::Bucket, Condition: No}}";
    assert_eq!(parse(text).unwrap().buckets, []);
}

#[test]
fn errors_say_where_they_are() {
    for (text, expected) in [
        (
            "a: [1",
            "line 2: the template: while parsing a flow sequence, expected ',' or ']'",
        ),
        ("", "line 1: the template: is empty"),
        ("a: 1", "line 1: the template: Resources is missing"),
        ("a: 1\na: 2", "line 2: a: stands here twice"),
        (
            "a: &x 1\nb: *x",
            "line 2: the template: aliases are not allowed in a template",
        ),
        (
            "a: 1\n---\nb: 2",
            "line 3: the template: there is a second document",
        ),
        ("Resources:\n  A: {}", "line 2: Resources.A: Type is missing"),
        ("Resources: [A]", "line 1: Resources: must be a map"),
    ] {
        assert_eq!(parse(text).unwrap_err().to_string(), expected, "{text}");
    }
}

#[test]
fn errors_of_a_function_say_where_they_are() {
    let at = "Resources.Export.Properties";
    for (properties, expected) in [
        (
            "MemorySize: lots",
            format!("line 8: {at}.MemorySize: must be a whole number from 128 to 10240"),
        ),
        (
            "Timeout: 901",
            format!("line 8: {at}.Timeout: must be a whole number from 1 to 900"),
        ),
        (
            "Environment:\n  Variables:\n    X: !Ref Nobody",
            format!("line 10: {at}.Environment.Variables.X: there is no parameter or resource Nobody"),
        ),
        (
            "Environment: {Variables: {X: !ImportValue y}}",
            format!("line 8: {at}.Environment.Variables.X: ImportValue cannot be resolved on this machine"),
        ),
        (
            "Environment: {Variables: {X: !Sub '${Export.Version}'}}",
            format!(
                "line 8: {at}.Environment.Variables.X: Export.Version cannot be resolved on this machine"
            ),
        ),
        (
            "Environment: {Variables: {X: !Sub '${Export'}}",
            format!("line 8: {at}.Environment.Variables.X: '${{' is not closed"),
        ),
        (
            "FunctionName: !Ref Export",
            format!("line 8: {at}.FunctionName: leads back to itself"),
        ),
        (
            "Events: {A: {Type: HttpApi, Properties: {Auth: {Authorizer: Who}}}}",
            format!("line 8: {at}.Events.A.Properties.Auth.Authorizer: there is no authorizer Who"),
        ),
        (
            "Events: {A: {Type: HttpApi, Properties: {ApiId: !Ref Export}}}",
            format!("line 8: {at}.Events.A.Properties.ApiId: Export is not an AWS::Serverless::HttpApi"),
        ),
    ] {
        assert_eq!(parse(&function(properties)).unwrap_err().to_string(), expected);
    }
}

#[test]
fn an_authorizer_that_does_not_run_here_is_refused() {
    let event = "Events: {A: {Type: HttpApi, Properties: {ApiId: !Ref Api, Auth: {Authorizer: Custom}}}}";
    let error = parse(&format!("{}{API}", function(event))).unwrap_err();
    assert_eq!(error.problem, "only JWT authorizers run on this machine");
}

#[test]
fn a_parameter_without_a_value_is_missed_only_where_it_is_used() {
    let parameter = "Parameters: {P: {Type: String}}";
    assert!(variable(parameter, "x").is_ok());
    let error = variable(parameter, "!Ref P").unwrap_err();
    assert_eq!(error.problem, "parameter P has no default and was not given");
}

#[test]
fn conditions_that_need_each_other_are_refused() {
    let error = variable(
        "Conditions: {A: !Not [Condition: B], B: !Not [Condition: A]}",
        "!If [A, x, y]",
    );
    assert_eq!(error.unwrap_err().problem, "leads back to itself");
}

#[test]
fn endless_nesting_is_refused() {
    let error = parse(&"[".repeat(200)).unwrap_err();
    assert_eq!(error.problem, "is nested too deep");
}

/// A presigned URL that was made before the verdict ends with it. S3 looks at the tag when the URL is used; nothing that
/// runs on this machine does.
#[test]
fn links_to_what_was_rejected_end_whichever_function_has_signed_them() {
    let denies: Vec<_> = DEPLOYED
        .split("- Sid: EndLinksToWhatWasRejected\n")
        .skip(1)
        .collect();
    assert_eq!(denies.len(), 2);
    let expected = "Effect: Deny Action: - s3:GetObject - s3:GetObjectVersion Resource: !Sub \
                    ${ArtifactsBucket.Arn}/* Condition: StringEquals: s3:authType: REST-QUERY-STRING \
                    s3:ExistingObjectTag/status: rejected";
    for deny in denies {
        let words: Vec<_> = deny.split_whitespace().collect();
        assert!(words.join(" ").starts_with(expected), "{deny}");
    }
}
