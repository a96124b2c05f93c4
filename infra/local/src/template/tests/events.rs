//! What calls functions, and what this machine refuses because it would not.

use super::super::S3Trigger;
use super::{API, function, parse, route};

const BUCKET: &str = "  B: {Type: AWS::S3::Bucket}\n";

fn event(properties: &str) -> String {
    function(&format!(
        "Events: {{A: {{Type: HttpApi, Properties: {{{properties}}}}}}}"
    ))
}

#[test]
fn changes_of_objects_call_functions_as_their_filters_say() {
    let events = "Events:\n  A: {Type: S3, Properties: {Bucket: !Ref B, Events: 's3:ObjectCreated:*'}}\n  B: {Type: S3, \
                  Properties: {Bucket: !Ref B, Events: ['s3:ObjectRemoved:Delete', 's3:ObjectRestore:*'], Filter: \
                  {S3Key: {Rules: [{Name: Prefix, Value: !Sub '${AWS::Region}/'}, {Name: suffix, Value: .pdf}]}}}}";
    let function = parse(&format!("{}{BUCKET}", function(events)))
        .unwrap()
        .functions
        .remove(0);
    let trigger = |events: &[&str], prefix: &str, suffix: &str| S3Trigger {
        bucket: "casefile-local-b".to_owned(),
        events: events.iter().map(|event| (*event).to_owned()).collect(),
        prefix: prefix.to_owned(),
        suffix: suffix.to_owned(),
    };
    let expected = [
        trigger(&["s3:ObjectCreated:*"], "", ""),
        trigger(
            &["s3:ObjectRemoved:Delete", "s3:ObjectRestore:*"],
            "us-east-1/",
            ".pdf",
        ),
    ];
    assert_eq!(function.s3_triggers, expected);
    assert_eq!(function.other_events, ["B (S3, s3:ObjectRestore:*)"]);
}

#[test]
fn routes_without_an_authorizer_stand_beside_those_with_one() {
    let event = |name: &str, method: &str, path: &str, auth: &str| {
        format!(
            "  {name}: {{Type: HttpApi, Properties: {{ApiId: !Ref Api, Method: {method}, Path: '{path}'{auth}}}}}\n"
        )
    };
    let none = ", Auth: {Authorizer: NONE}";
    let events = [
        event("Get", "GET", "/v1/links/{collection}/{path+}", ""),
        event("Post", "post", "/v1/links", ""),
        event("Use", "GET", "/v1/s/{token}", none),
        event("Look", "HEAD", "/v1/s/{token}", none),
        event("Revoke", "DELETE", "/v1/s/{token}", ""),
    ];
    let template = format!("{}{API}", function(&format!("Events:\n{}", events.concat())));
    let template = parse(&template).unwrap();
    let expected = [
        route("GET", "/v1/links/{collection}/{path+}", true),
        route("POST", "/v1/links", true),
        route("GET", "/v1/s/{token}", false),
        route("HEAD", "/v1/s/{token}", false),
        route("DELETE", "/v1/s/{token}", true),
    ];
    assert_eq!(template.functions[0].routes, expected);
}

#[test]
fn triggers_that_are_not_delivered_are_named() {
    let template = format!(
        "{}  B: {{Type: AWS::S3::Bucket, Properties: {{NotificationConfiguration: {{TopicConfigurations: []}}}}}}\n  \
         Mail: {{Type: AWS::SNS::Subscription}}",
        function("Events: {Tick: {Type: SNS}, Table: {Type: DynamoDB}}")
    );
    assert_eq!(
        parse(&template).unwrap().undelivered(),
        [
            "Export: Tick (SNS)",
            "Export: Table (DynamoDB)",
            "B: TopicConfigurations",
            "Mail: AWS::SNS::Subscription"
        ]
    );
}

#[test]
fn a_trigger_that_can_not_be_is_refused() {
    let at = "line 8: Resources.Export.Properties.Events.A.Properties";
    for (properties, expected) in [
        ("{Events: x}", format!("{at}: Bucket is missing")),
        ("{Bucket: !Ref B}", format!("{at}: Events is missing")),
        (
            "{Bucket: named, Events: x}",
            format!("{at}.Bucket: must be a Ref to a bucket"),
        ),
        (
            "{Bucket: !Ref Export, Events: x}",
            format!("{at}.Bucket: Export is not an AWS::S3::Bucket"),
        ),
        (
            "{Bucket: !Ref B, Events: x, Filter: {S3Key: {Rules: [{Name: infix, Value: x}]}}}",
            format!("{at}.Filter.S3Key.Rules.0.Name: must be prefix or suffix"),
        ),
    ] {
        let text = function(&format!("Events: {{A: {{Type: S3, Properties: {properties}}}}}"));
        let error = parse(&format!("{text}{BUCKET}")).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
}

#[test]
fn settings_that_would_change_how_a_route_behaves_are_refused() {
    for (text, line, place, problem) in [
        (
            event("PayloadFormatVersion: '1.0'"),
            8,
            "Export.Properties.Events.A.Properties.PayloadFormatVersion",
            "only payload format 2.0 runs on this machine",
        ),
        (
            event("TimeoutInMillis: 5000"),
            8,
            "Export.Properties.Events.A.Properties.TimeoutInMillis",
            "is not held to on this machine",
        ),
        (
            event("Auth: {AuthorizationScopes: [a]}"),
            8,
            "Export.Properties.Events.A.Properties.Auth.AuthorizationScopes",
            "is not held to on this machine",
        ),
        (
            function("ReservedConcurrentExecutions: 0"),
            8,
            "Export.Properties.ReservedConcurrentExecutions",
            "must be a whole number from 1 to 4294967295",
        ),
        (
            function("FunctionUrlConfig: {AuthType: NONE}"),
            8,
            "Export.Properties.FunctionUrlConfig",
            "functions have no URLs on this machine: use an event of type HttpApi",
        ),
        (
            format!(
                "{}{}",
                event("ApiId: !Ref Api"),
                API.replace(
                    "JwtConfiguration: {}",
                    "JwtConfiguration: {}, AuthorizationScopes: [a]"
                )
            ),
            14,
            "Api.Properties.Auth.Authorizers.Jwt.AuthorizationScopes",
            "is not held to on this machine",
        ),
    ] {
        let error = parse(&text).unwrap_err().to_string();
        assert_eq!(error, format!("line {line}: Resources.{place}: {problem}"));
    }
    assert!(parse(&event("PayloadFormatVersion: '2.0'")).is_ok());
}

#[test]
fn resources_that_would_route_or_trigger_otherwise_are_refused() {
    let api = |property: &str| format!("{{Type: AWS::Serverless::HttpApi, Properties: {{{property}}}}}");
    for (resource, problem) in [
        (
            api("StageName: prod"),
            "R.Properties.StageName: only the stage $default runs on this machine",
        ),
        (
            api("DefinitionBody: {}"),
            "R.Properties.DefinitionBody: only routes that are events of functions run on this machine",
        ),
        (
            api("DefinitionUri: api.yaml"),
            "R.Properties.DefinitionUri: only routes that are events of functions run on this machine",
        ),
        (
            "{Type: AWS::S3::Bucket, Properties: {NotificationConfiguration: {LambdaConfigurations: []}}}"
                .to_owned(),
            "R.Properties.NotificationConfiguration.LambdaConfigurations: use an event of type S3 in the Events of the \
             function",
        ),
    ] {
        let error = parse(&format!("Resources:\n  R: {resource}"))
            .unwrap_err()
            .to_string();
        assert_eq!(error, format!("line 2: Resources.{problem}"));
    }
    assert!(parse(&format!("Resources:\n  R: {}", api("StageName: $default"))).is_ok());
    for kind in [
        "AWS::ApiGatewayV2::Route",
        "AWS::Events::Rule",
        "AWS::Lambda::EventSourceMapping",
        "AWS::Lambda::Function",
        "AWS::Serverless::Api",
    ] {
        let error = parse(&format!("Resources:\n  R:\n    Type: {kind}")).unwrap_err();
        assert_eq!(error.path, "Resources.R");
        assert!(
            error
                .problem
                .starts_with(&format!("{kind} does not run on this machine")),
            "{error}"
        );
    }
}
