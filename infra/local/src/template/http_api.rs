use super::at::At;
use super::error::TemplateError;
use super::model::Route;
use super::resolve::Resolver;

/// The routes that lead to a function, and the events that this machine does not deliver.
pub(super) fn events<'a>(
    resolver: &Resolver<'a>,
    function: &str,
    properties: &At<'a>,
) -> Result<(Vec<Route>, Vec<String>), TemplateError> {
    let (mut routes, mut others) = (Vec::new(), Vec::new());
    let events = properties
        .get("Events")
        .map(|events| events.entries())
        .transpose()?;
    for (name, event) in events.unwrap_or_default() {
        match event.require("Type")?.text()? {
            "HttpApi" => routes.push(route(resolver, function, &event)?),
            kind => others.push(format!("{name} ({kind})")),
        }
    }
    Ok((routes, others))
}

/// Reads an event of type `HttpApi`. Source: AWS SAM Developer Guide, event source type `HttpApi`.
fn route<'a>(resolver: &Resolver<'a>, function: &str, event: &At<'a>) -> Result<Route, TemplateError> {
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
