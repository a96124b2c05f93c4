use std::cell::Cell;
use std::collections::BTreeMap;

use super::at::At;
use super::error::TemplateError;
use super::model::Settings;

/// How many references may lead to one another before they are taken for a circle.
const MAX_STEPS: usize = 64;

/// Gives references their values.
pub(super) struct Resolver<'a> {
    pub(super) settings: &'a Settings,
    pub(super) root: At<'a>,
    steps: Cell<usize>,
}

impl<'a> Resolver<'a> {
    pub(super) fn new(root: At<'a>, settings: &'a Settings) -> Result<Self, TemplateError> {
        let declared = root.get("Parameters");
        let is_declared = |name: &str| {
            declared
                .as_ref()
                .is_some_and(|declared| declared.get(name).is_some())
        };
        if let Some(name) = settings.parameters.keys().find(|name| !is_declared(name)) {
            return Err(root.error(format!("there is no parameter {name}")));
        }
        Ok(Self {
            settings,
            root,
            steps: Cell::new(0),
        })
    }

    /// All resources whose condition, if they have one, holds.
    pub(super) fn resources(&self) -> Result<Vec<(&'a str, At<'a>)>, TemplateError> {
        let mut present = Vec::new();
        for (id, resource) in self.root.require("Resources")?.entries()? {
            let condition = resource
                .get("Condition")
                .map(|name| self.condition_named(&name))
                .transpose()?;
            if condition.unwrap_or(true) {
                present.push((id, resource));
            }
        }
        Ok(present)
    }

    pub(super) fn resource(&self, id: &str) -> Option<At<'a>> {
        self.root.find(&["Resources", id])
    }

    /// `Globals` of one kind, such as `Function`.
    pub(super) fn globals(&self, kind: &str) -> Option<At<'a>> {
        self.root.find(&["Globals", kind])
    }

    /// The parameters that have a value.
    pub(super) fn parameters(&self) -> Result<BTreeMap<String, String>, TemplateError> {
        let Some(declared) = self.root.get("Parameters") else {
            return Ok(BTreeMap::new());
        };
        let mut values = BTreeMap::new();
        for (name, parameter) in declared.entries()? {
            if let Some(value) = self.parameter(name, &parameter)? {
                values.insert(name.to_owned(), value);
            }
        }
        Ok(values)
    }

    pub(super) fn parameter(&self, name: &str, declared: &At<'a>) -> Result<Option<String>, TemplateError> {
        match (self.settings.parameters.get(name), declared.get("Default")) {
            (Some(value), _) => Ok(Some(value.clone())),
            (None, Some(default)) => default.text().map(|text| Some(text.to_owned())),
            (None, None) => Ok(None),
        }
    }

    /// The text that a node stands for; nothing for `AWS::NoValue`.
    pub(super) fn text(&self, at: &At<'a>) -> Result<Option<String>, TemplateError> {
        self.step(at, |resolver| resolver.text_of(at))
    }

    /// One step on the way from reference to reference.
    pub(super) fn step<T>(
        &self,
        at: &At<'a>,
        resolve: impl FnOnce(&Self) -> Result<T, TemplateError>,
    ) -> Result<T, TemplateError> {
        let steps = self.steps.get();
        if steps >= MAX_STEPS {
            return Err(at.error("leads back to itself"));
        }
        self.steps.set(steps + 1);
        let result = resolve(self);
        self.steps.set(steps);
        result
    }

    fn text_of(&self, at: &At<'a>) -> Result<Option<String>, TemplateError> {
        let Some(at) = self.follow(at)? else {
            return Ok(None);
        };
        match at.call() {
            None => at.text().map(|text| Some(text.to_owned())),
            Some(("Ref", target)) => self.reference(target.text()?, &at).map(Some),
            Some(("GetAtt", target)) => self.get_att(&target).map(Some),
            Some(("Sub", template)) => self.substitute(&template).map(Some),
            Some(("Join", parts)) => self.join(&parts).map(Some),
            Some((function, _)) => Err(at.error(format!("{function} cannot be resolved on this machine"))),
        }
    }

    /// The text of a node that must have one.
    pub(super) fn required_text(&self, at: &At<'a>) -> Result<String, TemplateError> {
        self.text(at)?.ok_or_else(|| at.error("must have a value"))
    }

    /// Decides `If`; nothing for `AWS::NoValue`.
    pub(super) fn follow(&self, at: &At<'a>) -> Result<Option<At<'a>>, TemplateError> {
        let mut at = at.clone();
        loop {
            match at.call() {
                Some(("Ref", target)) if target.text().is_ok_and(|name| name == "AWS::NoValue") => {
                    return Ok(None);
                }
                Some(("If", arguments)) => match arguments.items()?.as_slice() {
                    [condition, then, otherwise] => {
                        at = if self.condition_named(condition)? {
                            then.clone()
                        } else {
                            otherwise.clone()
                        };
                    }
                    _ => return Err(at.error("If takes a condition and two values")),
                },
                _ => return Ok(Some(at)),
            }
        }
    }
}
