use super::at::At;
use super::error::TemplateError;
use super::resolve::Resolver;

/// The section `Conditions`.
impl<'a> Resolver<'a> {
    /// Whether the condition of this name holds.
    pub(super) fn condition_named(&self, name: &At<'a>) -> Result<bool, TemplateError> {
        let text = name.text()?;
        let condition = self.root.find(&["Conditions", text]);
        self.condition(&condition.ok_or_else(|| name.error(format!("there is no condition {text}")))?)
    }

    fn condition(&self, at: &At<'a>) -> Result<bool, TemplateError> {
        self.step(at, |resolver| resolver.condition_of(at))
    }

    fn condition_of(&self, at: &At<'a>) -> Result<bool, TemplateError> {
        if let Some(name) = at.get("Condition") {
            return self.condition_named(&name);
        }
        let Some((function, argument)) = at.call() else {
            return Err(at.error("is not a condition"));
        };
        if function == "Condition" {
            return self.condition_named(&argument);
        }
        let arguments = argument.items()?;
        match (function, arguments.as_slice()) {
            ("Equals", [left, right]) => Ok(self.text(left)? == self.text(right)?),
            ("Not", [condition]) => Ok(!self.condition(condition)?),
            ("And", conditions) => conditions
                .iter()
                .try_fold(true, |all, condition| Ok(self.condition(condition)? && all)),
            ("Or", conditions) => conditions
                .iter()
                .try_fold(false, |any, condition| Ok(self.condition(condition)? || any)),
            _ => Err(at.error(format!("{function} is not a condition"))),
        }
    }
}
