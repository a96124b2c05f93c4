use super::at::At;
use super::error::TemplateError;
use super::model::Route;
use super::resolve::Resolver;

/// Reads an event of type `HttpApi`. Source: AWS SAM Developer Guide, event source type `HttpApi`.
pub(super) fn route<'a>(
    resolver: &Resolver<'a>,
    function: &str,
    event: &At<'a>,
) -> Result<Route, TemplateError> {
    refuse_others(resolver, event)?;
    let property = |key: &str| match event.find(&["Properties", key]) {
        Some(at) => resolver.text(&at),
        None => Ok(None),
    };
    let method = property("Method")?
        .unwrap_or_else(|| "ANY".to_owned())
        .to_uppercase();
    let any = matches!(method.as_str(), "*" | "X-AMAZON-APIGATEWAY-ANY-METHOD");
    Ok(Route {
        method: if any { "ANY".to_owned() } else { method },
        path: property("Path")?.unwrap_or_else(|| "$default".to_owned()),
        function: function.to_owned(),
        authorized: is_authorized(resolver, event)?,
    })
}

/// What would make a route behave otherwise than it does on this machine.
fn refuse_others<'a>(resolver: &Resolver<'a>, event: &At<'a>) -> Result<(), TemplateError> {
    if let Some(version) = event.find(&["Properties", "PayloadFormatVersion"])
        && resolver.text(&version)?.is_some_and(|version| version != "2.0")
    {
        return Err(version.error("only payload format 2.0 runs on this machine"));
    }
    for keys in [
        &["Properties", "TimeoutInMillis"][..],
        &["Properties", "Auth", "AuthorizationScopes"],
    ] {
        if let Some(setting) = event.find(keys) {
            return Err(setting.error("is not held to on this machine"));
        }
    }
    Ok(())
}

/// Refuses an `AWS::Serverless::HttpApi` whose routes are declared, or answer, elsewhere than the functions' events
/// say.
pub(super) fn check<'a>(resolver: &Resolver<'a>, resource: &At<'a>) -> Result<(), TemplateError> {
    for key in ["DefinitionBody", "DefinitionUri"] {
        if let Some(definition) = resource.find(&["Properties", key]) {
            return Err(definition.error("only routes that are events of functions run on this machine"));
        }
    }
    if let Some(stage) = resource.find(&["Properties", "StageName"])
        && resolver.text(&stage)?.is_some_and(|stage| stage != "$default")
    {
        return Err(stage.error("only the stage $default runs on this machine"));
    }
    Ok(())
}

/// Whether the API's authorizer guards this route: its default one, unless the event names another or `NONE`.
fn is_authorized<'a>(resolver: &Resolver<'a>, event: &At<'a>) -> Result<bool, TemplateError> {
    let api = api(resolver, event)?;
    let auth = api.as_ref().and_then(|api| api.get("Auth"));
    let named = event.find(&["Properties", "Auth", "Authorizer"]);
    let default = auth.as_ref().and_then(|auth| auth.get("DefaultAuthorizer"));
    let Some(authorizer) = named.or(default) else {
        return Ok(false);
    };
    let name = resolver.required_text(&authorizer)?;
    if name == "NONE" {
        return Ok(false);
    }
    let declared = auth.and_then(|auth| auth.find(&["Authorizers", &name]));
    let declared = declared.ok_or_else(|| authorizer.error(format!("there is no authorizer {name}")))?;
    if let Some(scopes) = declared.get("AuthorizationScopes") {
        return Err(scopes.error("is not held to on this machine"));
    }
    match declared.get("JwtConfiguration") {
        Some(_) => Ok(true),
        None => Err(declared.error("only JWT authorizers run on this machine")),
    }
}

/// The properties of the API that an event belongs to; without `ApiId`, SAM's implicit one from `Globals`.
fn api<'a>(resolver: &Resolver<'a>, event: &At<'a>) -> Result<Option<At<'a>>, TemplateError> {
    let Some(id) = event.find(&["Properties", "ApiId"]) else {
        return Ok(resolver.globals("HttpApi"));
    };
    let Some(("Ref", target)) = id.call() else {
        return Err(id.error("must be a Ref to an HTTP API"));
    };
    let name = target.text()?;
    let resource = resolver
        .resource(name)
        .ok_or_else(|| id.error(format!("there is no resource {name}")))?;
    if resource.require("Type")?.text()? != "AWS::Serverless::HttpApi" {
        return Err(id.error(format!("{name} is not an AWS::Serverless::HttpApi")));
    }
    Ok(resource.get("Properties"))
}
