//! Chat templates: the Jinja programs that turn a conversation into the text a model was trained
//! on, run as Hugging Face's Python runs them, and without trust.
//!
//! As there: blocks are trimmed, `raise_exception`, `strftime_now`, `tojson` as `json.dumps`, loop
//! controls, `{% generation %}` marks, Python's methods and Python's way of printing. A template
//! has a budget for steps and bytes together, a limit for nesting and one for the length of what
//! it writes; it reads no files and sees no clock but the one it is given.
//!
//! Which part of the text is the assistant's is the business of `spans`.

mod filters;
mod moment;
mod python;
mod rewrite;
mod spans;
mod worker;

pub use moment::Moment;
pub use spans::{Rendered, SpanSource};

use crate::error::TextError;
use crate::tokenizer::Tokenizer;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Kwargs, Rest};
use minijinja::{AutoEscape, Environment, Error, ErrorKind, State, Value};
use serde::{Deserialize, Serialize};
use serde_json::Map;
use std::io::Write;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use worker::{Failed, Job, Worker};

/// Steps of a template, each worth 64 bytes made or read, beyond those its input pays for.
const FUEL: u64 = 500_000;
/// The longest text a template may write, beyond four times its input.
const LONGEST_TEXT: usize = 16 << 20;
/// Items that may be looked at while checking what a template stores, beyond its input.
const STORED: usize = 1_000_000;
/// The stack to render on: printing and comparing recurse.
const STACK: usize = 32 << 20;
/// The last resort, for work that the engine does not charge for.
const TIME: Duration = Duration::from_secs(20);
/// The longest template.
const LONGEST_SOURCE: usize = 1 << 20;
/// Macros inside macros, blocks inside blocks.
const DEEPEST: usize = 60;
/// The name under which the template is compiled.
const NAME: &str = "chat_template";

/// One message: `role`, mostly `content`, and whatever else the template reads (`tool_calls`,
/// `name`, `reasoning_content`), in the order given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Message(pub Map<String, serde_json::Value>);

impl Message {
    /// A message with a text.
    pub fn new(role: &str, content: &str) -> Self {
        let mut fields = Map::new();
        fields.insert("role".into(), role.into());
        fields.insert("content".into(), content.into());
        Self(fields)
    }

    /// Who speaks; empty when the message does not say.
    pub fn role(&self) -> &str {
        self.0.get("role").and_then(serde_json::Value::as_str).unwrap_or("")
    }

    /// What is said, where that is a text.
    pub fn content(&self) -> Option<&str> {
        self.0.get("content").and_then(serde_json::Value::as_str)
    }
}

/// What a template is asked to render.
#[derive(Debug, Clone, Copy, Default)]
pub struct RenderRequest<'a> {
    /// The conversation.
    pub messages: &'a [Message],
    /// End with the header of an answer, for the model to go on from.
    pub add_generation_prompt: bool,
    /// The tools on offer, as JSON schemas.
    pub tools: Option<&'a serde_json::Value>,
    /// Further variables, such as `enable_thinking`.
    pub variables: Option<&'a Map<String, serde_json::Value>>,
    /// The clock of `strftime_now`; without it the function is not defined.
    pub now: Option<Moment>,
}

/// A compiled chat template; shared freely between threads.
#[derive(Debug)]
pub struct ChatTemplate {
    environment: Environment<'static>,
    source: String,
    /// `bos_token` and its kin, as text.
    tokens: Vec<(&'static str, String)>,
    marks_generation: bool,
    /// Threads that wait for something to render, as many as were ever at work at once.
    workers: Mutex<Vec<Worker>>,
}

impl ChatTemplate {
    /// Compiles a template that needs no special tokens.
    ///
    /// # Errors
    /// A source that is too long or is not a template, with the line.
    pub fn new(source: &str) -> Result<Self, TextError> {
        if source.len() > LONGEST_SOURCE {
            return Err(TextError::Template {
                line: None,
                reason: format!("expected at most {LONGEST_SOURCE} bytes, found {}", source.len()),
            });
        }
        if let Some(reason) = rewrite::too_deep(source) {
            return Err(TextError::Template { line: None, reason });
        }
        let (rewritten, marks_generation) = rewrite::rewrite(source);
        let environment = compile(rewritten)?;
        Ok(Self {
            environment,
            source: source.into(),
            tokens: Vec::new(),
            marks_generation,
            workers: Mutex::default(),
        })
    }

    /// Compiles a template with the special tokens of a tokenizer: `bos_token`, `eos_token`,
    /// `unk_token`, `pad_token`.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn for_tokenizer(source: &str, tokenizer: &Tokenizer) -> Result<Self, TextError> {
        let special = tokenizer.special();
        let named = [
            ("bos_token", special.bos),
            ("eos_token", special.eos),
            ("unk_token", special.unknown),
            ("pad_token", special.pad),
        ];
        let mut template = Self::new(source)?;
        for (name, id) in named {
            if let Some(text) = id.and_then(|id| tokenizer.token_text(id)) {
                template.tokens.push((name, text.into()));
            }
        }
        Ok(template)
    }

    /// Gives a variable such as `bos_token` its text.
    #[must_use]
    pub fn with_token(mut self, name: &'static str, text: &str) -> Self {
        self.tokens.retain(|(known, _)| *known != name);
        self.tokens.push((name, text.into()));
        self
    }

    /// The template as it was given.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The text of a conversation.
    ///
    /// # Errors
    /// What the template raises, what it does wrong, and running away.
    pub fn render(&self, request: &RenderRequest<'_>) -> Result<String, TextError> {
        let text = self.run(request)?;
        Ok(if self.marks_generation { spans::without_marks(&text).0 } else { text })
    }

    /// The text with the marks of `{% generation %}` still in it.
    fn run(&self, request: &RenderRequest<'_>) -> Result<String, TextError> {
        let mut size = 0;
        let context = self.context(request, &mut size);
        let failed = |failed| match failed {
            Failed::Template(error) => error,
            Failed::Thread(reason) => TextError::Template { line: None, reason },
            Failed::Overstayed => {
                TextError::TemplateRanAway { line: None, limit: format!("{TIME:?}") }
            }
        };
        let free = self.workers().pop();
        let worker = match free {
            Some(worker) => worker,
            None => Worker::start(&self.environment).map_err(failed)?,
        };
        let (text, worker) = worker.render(Job { context, size, now: request.now }, TIME);
        self.workers().extend(worker);
        text.map_err(failed)
    }

    fn workers(&self) -> MutexGuard<'_, Vec<Worker>> {
        self.workers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn context(&self, request: &RenderRequest<'_>, size: &mut usize) -> Value {
        let messages: Vec<Value> =
            request.messages.iter().map(|message| map(&message.0, size)).collect();
        let tools = request.tools.map_or(Value::from(()), |tools| value(tools, size));
        let mut pairs: Vec<(String, Value)> = vec![
            ("messages".into(), Value::from(messages)),
            ("tools".into(), tools),
            ("documents".into(), Value::from(())),
            ("add_generation_prompt".into(), Value::from(request.add_generation_prompt)),
        ];
        pairs.extend(
            self.tokens.iter().map(|(name, text)| ((*name).into(), Value::from(text.as_str()))),
        );
        for (name, variable) in request.variables.into_iter().flatten() {
            pairs.retain(|(known, _)| known != name);
            pairs.push((name.clone(), value(variable, size)));
        }
        Value::from_pairs(pairs)
    }
}

/// Compiles on a stack of known size: the engine recurses over what it has parsed.
fn compile(source: String) -> Result<Environment<'static>, TextError> {
    let failed = |reason: String| TextError::Template { line: None, reason };
    let work = move || {
        let mut environment = environment();
        environment.add_template_owned(NAME, source).map_err(|error| explain(&error))?;
        Ok(environment)
    };
    std::thread::Builder::new()
        .name("chat template".into())
        .stack_size(STACK)
        .spawn(work)
        .map_err(|error| failed(format!("cannot start a thread to compile on: {error}")))?
        .join()
        .unwrap_or_else(|_| Err(failed("the engine failed".into())))
}

/// Runs the compiled template.
fn run_here(
    environment: &Environment<'static>,
    context: Value,
    limit: usize,
) -> Result<String, TextError> {
    let template = environment.get_template(NAME).map_err(|error| explain(&error))?;
    let mut out = Limited { text: Vec::new(), limit, overflowed: false };
    let result = template.render_captured_to(context, &mut out).map(|_| ());
    if out.overflowed {
        let limit = format!("{limit} bytes of text");
        return Err(TextError::TemplateRanAway { line: None, limit });
    }
    result.map_err(|error| explain(&error))?;
    String::from_utf8(out.text)
        .map_err(|error| TextError::Template { line: None, reason: error.to_string() })
}

/// JSON as the template's values; counts the bytes of texts and a few for every other value.
fn value(json: &serde_json::Value, size: &mut usize) -> Value {
    *size += 16;
    match json {
        serde_json::Value::Null => Value::from(()),
        serde_json::Value::Bool(flag) => Value::from(*flag),
        serde_json::Value::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(integer), _) => Value::from(integer),
            (None, Some(integer)) => Value::from(integer),
            _ => Value::from(number.as_f64().unwrap_or(f64::NAN)),
        },
        serde_json::Value::String(text) => {
            *size += text.len();
            Value::from(text.as_str())
        }
        serde_json::Value::Array(items) => {
            Value::from(items.iter().map(|item| value(item, size)).collect::<Vec<_>>())
        }
        serde_json::Value::Object(fields) => map(fields, size),
    }
}

fn map(fields: &Map<String, serde_json::Value>, size: &mut usize) -> Value {
    let pairs: Vec<(String, Value)> = fields
        .iter()
        .map(|(name, field)| {
            *size += name.len();
            (name.clone(), value(field, size))
        })
        .collect();
    Value::from_pairs(pairs)
}

/// What `raise_exception` was told, found again at the root of the engine's error.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Raised(String);

fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
    environment.set_syntax(syntax.unwrap_or_default());
    environment.set_recursion_limit(DEEPEST);
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    environment.set_unknown_method_callback(|state, value, method, args| {
        if method == "format" {
            python::charge_widths(value)?;
        }
        minijinja_contrib::pycompat::unknown_method_callback(state, value, method, args)
    });
    environment.set_formatter(|out, _, value| {
        if value.is_undefined() {
            return Ok(());
        }
        out.write_str(&python::text_of(value)?)?;
        Ok(())
    });
    environment.add_filter("tojson", |value: Value, options: Kwargs| {
        python::to_json(&value, &options).map(Value::from)
    });
    environment.add_filter("string", python::text_of);
    filters::add_to(&mut environment);
    environment.add_function("raise_exception", |message: &str| -> Result<Value, Error> {
        Err(Error::new(ErrorKind::InvalidOperation, "raised").with_source(Raised(message.into())))
    });
    environment.add_function(
        rewrite::CALL,
        |state: &mut State, _: Rest<Value>, options: Kwargs| -> Result<Value, Error> {
            let caller: Value = options.get("caller")?;
            let inner = caller.call(state, &[])?;
            Ok(Value::from_safe_string(format!("{}{inner}{}", spans::OPEN, spans::CLOSE)))
        },
    );
    environment
}

/// The engine's error in our words.
fn explain(error: &Error) -> TextError {
    let line = error.line();
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error);
    let (mut reason, mut ran_away) = (error.to_string(), false);
    while let Some(cause) = source {
        if let Some(raised) = cause.downcast_ref::<Raised>() {
            return TextError::TemplateRaised { line, message: raised.0.clone() };
        }
        if let Some(inner) = cause.downcast_ref::<Error>() {
            ran_away |= inner.kind() == ErrorKind::OutOfFuel;
            reason = match inner.detail() {
                Some(detail) => format!("{}: {detail}", inner.kind()),
                None => inner.kind().to_string(),
            };
        }
        source = cause.source();
    }
    if ran_away {
        return TextError::TemplateRanAway { line, limit: format!("{FUEL} steps") };
    }
    TextError::Template { line, reason }
}

/// A writer that refuses what goes beyond its limit.
struct Limited {
    text: Vec<u8>,
    limit: usize,
    overflowed: bool,
}

impl Write for Limited {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.text.len() + bytes.len() > self.limit {
            self.overflowed = true;
            return Err(std::io::Error::other("the text is too long"));
        }
        self.text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
