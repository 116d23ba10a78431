//! Templates of prompts: Jinja over the fields of a row. A field that the row lacks is an error, never an
//! empty text; a template cannot loop for ever.

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Value as Jinja;
use minijinja::{Environment, UndefinedBehavior};
use serde_json::{Map, Value};

/// Steps that a template may take for one row.
const FUEL: u64 = 100_000;

/// A template, checked.
#[derive(Debug, Clone)]
pub struct Template {
    source: String,
    environment: Environment<'static>,
    fields: Vec<String>,
}

/// What is wrong with a template: a line within it, from 1, and a description.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The line within the template.
    pub line: usize,
    /// What is wrong.
    pub problem: String,
}

impl Template {
    /// Checks a template.
    ///
    /// # Errors
    /// A template that is no Jinja.
    pub fn new(source: &str) -> Result<Self, Fault> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        let syntax = SyntaxConfig::builder().keep_trailing_newline(true).build();
        environment.set_syntax(syntax.map_err(|error| fault(&error))?);
        environment.set_fuel(Some(FUEL));
        environment
            .add_template_owned("template", source.to_owned())
            .map_err(|error| fault(&error))?;
        let template = environment.get_template("template").map_err(|error| fault(&error));
        let mut fields: Vec<String> = template?.undeclared_variables(false).into_iter().collect();
        fields.retain(|field| environment.globals().all(|(global, _)| global != field));
        fields.sort();
        Ok(Self { source: source.to_owned(), environment, fields })
    }

    /// As it was written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The text for a row.
    ///
    /// # Errors
    /// A field that the row lacks; an operation that its value does not bear.
    pub fn render(&self, row: &Map<String, Value>) -> Result<String, Fault> {
        if let Some(missing) = self.fields.iter().find(|field| !row.contains_key(*field)) {
            let have: Vec<&str> = row.keys().map(String::as_str).collect();
            let problem = format!("there is no field `{missing}` among {}", have.join(", "));
            return Err(Fault { line: 1, problem });
        }
        let template = self.environment.get_template("template").map_err(|error| fault(&error))?;
        template.render(object(row)).map_err(|error| fault(&error))
    }
}

/// A row as the template sees it.
fn object(row: &Map<String, Value>) -> Jinja {
    Jinja::from_pairs(row.iter().map(|(name, value)| (name.clone(), jinja(value))))
}

fn jinja(value: &Value) -> Jinja {
    match value {
        Value::Null => Jinja::from(()),
        Value::Bool(flag) => Jinja::from(*flag),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => Jinja::from(whole),
            (None, real) => real.map_or_else(|| Jinja::from(number.to_string()), Jinja::from),
        },
        Value::String(text) => Jinja::from(text.as_str()),
        Value::Array(values) => values.iter().map(jinja).collect(),
        Value::Object(inner) => object(inner),
    }
}

fn fault(error: &minijinja::Error) -> Fault {
    let detail = error.detail().map(|detail| format!(": {detail}")).unwrap_or_default();
    Fault { line: error.line().unwrap_or(1), problem: format!("{}{detail}", error.kind()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(text: &str) -> Map<String, Value> {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn renders_fields_and_names_what_is_missing() {
        let template = Template::new("Q: {{ q }}\n{{ n + 1 }}\n").unwrap();
        assert_eq!(template.render(&row(r#"{"q": "why?", "n": 2}"#)).unwrap(), "Q: why?\n3\n");
        let fault = template.render(&row(r#"{"q": "why?"}"#)).unwrap_err();
        assert_eq!(fault.problem, "there is no field `n` among q");
        let fault = Template::new("a\n{{ b").unwrap_err();
        assert_eq!(fault.line, 2);
        let endless =
            "{% for i in range(9999) %}{% for j in range(9999) %}x{% endfor %}{% endfor %}";
        let fault = Template::new(endless).unwrap().render(&row("{}")).unwrap_err();
        assert!(fault.problem.contains("fuel"), "{}", fault.problem);
    }
}
