use super::at::At;
use super::error::TemplateError;
use super::node::Value;
use super::resolve::Resolver;

/// Texts that are put together.
impl<'a> Resolver<'a> {
    /// `Sub` with a text, or with a text and a map of more names.
    pub(super) fn substitute(&self, at: &At<'a>) -> Result<String, TemplateError> {
        let (template, names) = match &at.node.value {
            Value::Text(_) => (at.clone(), None),
            _ => match at.items()?.as_slice() {
                [template, names] => (template.clone(), Some(names.clone())),
                _ => return Err(at.error("Sub takes a text, or a text and a map")),
            },
        };
        let mut rest = template.text()?;
        let mut result = String::new();
        while let Some((before, after)) = rest.split_once("${") {
            let (name, after) = after
                .split_once('}')
                .ok_or_else(|| template.error("'${' is not closed"))?;
            result.push_str(before);
            match name.strip_prefix('!') {
                Some(literal) => result.extend(["${", literal, "}"]),
                None => result.push_str(&self.variable(name.trim(), names.as_ref(), &template)?),
            }
            rest = after;
        }
        result.push_str(rest);
        Ok(result)
    }

    fn variable(&self, name: &str, names: Option<&At<'a>>, at: &At<'a>) -> Result<String, TemplateError> {
        if let Some(value) = names.and_then(|names| names.get(name)) {
            return self.required_text(&value);
        }
        match name.split_once('.') {
            Some((id, attribute)) => self.attribute(id, attribute, at),
            None => self.reference(name, at),
        }
    }

    /// What `Join` stands for.
    pub(super) fn join(&self, at: &At<'a>) -> Result<String, TemplateError> {
        match at.items()?.as_slice() {
            [separator, parts] => {
                let mut texts = Vec::new();
                for part in parts.items()? {
                    texts.extend(self.text(&part)?);
                }
                Ok(texts.join(separator.text()?))
            }
            _ => Err(at.error("Join takes a separator and a list")),
        }
    }
}
