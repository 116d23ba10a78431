//! `adapter_config.json`: PEFT's description of a LoRA adapter, read and written.
//!
//! Read here: `r`, `lora_alpha`, `use_rslora`, `rank_pattern`, `alpha_pattern`, `target_modules`,
//! `exclude_modules`, `layers_to_transform`, `layers_pattern`, `fan_in_fan_out`, and the names of base
//! model, revision and task. Everything else that would change what the adapter computes is refused
//! by name, whether this version knows it or not: an adapter is never silently another one.
//!
//! Source: PEFT 0.21.2, `LoraConfig`, `get_pattern_key` and `check_target_module_exists`, described
//! in its checkpoint format guide.

use crate::error::quoted;
use crate::{FormatError, Mapped, Result};
use regex::{Regex, RegexBuilder};
use serde_json::{Map, Number, Value, json};
use std::path::Path;

/// The largest configuration that is read.
const LARGEST: usize = 16 << 20;
/// Compiled size allowed to one pattern of an untrusted file.
const LARGEST_PATTERN: usize = 1 << 20;
/// The most patterns or names in one field: several for each layer of the deepest models.
const MOST_PATTERNS: usize = 8192;
/// Ranks beyond this occur nowhere.
const LARGEST_RANK: u64 = 1 << 16;

/// Which modules carry an adapter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Targets {
    /// Those whose path is one of these names or ends with `.` and one.
    Names(Vec<String>),
    /// Those whose whole path matches this regular expression.
    Pattern(String),
}

/// What `adapter_config.json` says.
#[derive(Clone, Debug, PartialEq)]
pub struct PeftConfig {
    /// The base model: a hub name or a path, where it is told.
    pub base_model: Option<String>,
    /// The revision of the base model.
    pub revision: Option<String>,
    /// `CAUSAL_LM` and the like.
    pub task_type: Option<String>,
    /// Rank where no pattern says otherwise.
    pub rank: usize,
    /// Alpha where no pattern says otherwise.
    pub alpha: f64,
    /// Scale by `alpha / √rank` instead of `alpha / rank`.
    pub use_rslora: bool,
    /// Dropout in training; does not change what the adapter computes afterwards.
    pub dropout: f64,
    /// Ranks of the modules that a pattern matches; the first that matches counts.
    pub rank_pattern: Vec<(String, usize)>,
    /// Alphas of the modules that a pattern matches; the first that matches counts.
    pub alpha_pattern: Vec<(String, f64)>,
    /// The adapted modules.
    pub targets: Targets,
    /// Modules left out again.
    pub exclude: Option<Targets>,
    /// Only these layers.
    pub layers: Option<Vec<usize>>,
    /// The names of the lists that hold the layers, where they are told.
    pub layers_pattern: Vec<String>,
    /// The base matrix is stored `[inputs, outputs]` (GPT-2's Conv1D).
    pub fan_in_fan_out: bool,
}

/// Fields that change nothing in what a finished adapter computes.
const HARMLESS: [&str; 6] = [
    "auto_mapping",
    "inference_mode",
    "peft_version",
    "megatron_core",
    "qalora_group_size",
    "runtime_config",
];

/// Fields that are read.
const KNOWN: [&str; 17] = [
    "peft_type",
    "base_model_name_or_path",
    "revision",
    "task_type",
    "r",
    "lora_alpha",
    "use_rslora",
    "lora_dropout",
    "rank_pattern",
    "alpha_pattern",
    "target_modules",
    "exclude_modules",
    "layers_to_transform",
    "layers_pattern",
    "fan_in_fan_out",
    "bias",
    "init_lora_weights",
];

impl PeftConfig {
    /// Reads a configuration.
    ///
    /// # Errors
    /// When it is not JSON, a field has the wrong type, or it uses what is not supported.
    pub fn parse(file: &Mapped) -> Result<Self> {
        if file.bytes().len() > LARGEST {
            let found = format!("{} bytes", file.bytes().len());
            return Err(FormatError::malformed(file.path(), "size", "at most 16 MiB", found));
        }
        let value: Value = serde_json::from_slice(file.bytes()).map_err(|e| {
            FormatError::malformed(file.path(), "file", "a JSON object", e.to_string())
        })?;
        let Value::Object(map) = value else {
            return Err(FormatError::malformed(file.path(), "file", "a JSON object", show(&value)));
        };
        let fields = Fields { path: file.path(), map: &map };
        fields.refuse_unsupported()?;
        let targets = fields.targets("target_modules")?.ok_or_else(|| {
            FormatError::missing(file.path(), "field", "target_modules", "the adapted modules")
        })?;
        Ok(Self {
            base_model: fields.text("base_model_name_or_path")?,
            revision: fields.text("revision")?,
            task_type: fields.text("task_type")?,
            rank: fields.rank("r", map.get("r"))?.unwrap_or(8),
            alpha: fields.number("lora_alpha", map.get("lora_alpha"))?.unwrap_or(8.0),
            use_rslora: fields.flag("use_rslora")?,
            dropout: fields.number("lora_dropout", map.get("lora_dropout"))?.unwrap_or(0.0),
            rank_pattern: fields.pattern("rank_pattern", Fields::rank)?,
            alpha_pattern: fields.pattern("alpha_pattern", Fields::number)?,
            targets,
            exclude: fields.targets("exclude_modules")?,
            layers: fields.layers()?,
            layers_pattern: match fields.targets("layers_pattern")? {
                None => Vec::new(),
                Some(Targets::Names(names)) => names,
                // An empty one means any list, as none does.
                Some(Targets::Pattern(one)) => {
                    Some(one).filter(|one| !one.is_empty()).into_iter().collect()
                }
            },
            fan_in_fan_out: fields.flag("fan_in_fan_out")?,
        })
    }

    /// The configuration as PEFT writes it: every field of its version 0.21.2, sorted by name.
    #[must_use]
    pub fn to_json(&self) -> String {
        let targets = |targets: &Targets| match targets {
            Targets::Names(names) => json!(names),
            Targets::Pattern(pattern) => json!(pattern),
        };
        let ranks: Map<_, _> =
            self.rank_pattern.iter().map(|(k, v)| (k.clone(), json!(v))).collect();
        let alphas: Map<_, _> =
            self.alpha_pattern.iter().map(|(k, v)| (k.clone(), whole_or_float(*v))).collect();
        let layers_pattern =
            if self.layers_pattern.is_empty() { Value::Null } else { json!(self.layers_pattern) };
        let value = json!({
            "alora_invocation_tokens": null,
            "alpha_pattern": alphas,
            "arrow_config": null,
            "auto_mapping": null,
            "base_model_name_or_path": self.base_model,
            "bias": "none",
            "corda_config": null,
            "ensure_weight_tying": false,
            "eva_config": null,
            "exclude_modules": self.exclude.as_ref().map(targets),
            "fan_in_fan_out": self.fan_in_fan_out,
            "inference_mode": true,
            "init_lora_weights": true,
            "layer_replication": null,
            "layers_pattern": layers_pattern,
            "layers_to_transform": self.layers,
            "loftq_config": {},
            "lora_alpha": whole_or_float(self.alpha),
            "lora_bias": false,
            "lora_dropout": self.dropout,
            "megatron_config": null,
            "megatron_core": "megatron.core",
            "modules_to_save": null,
            "peft_type": "LORA",
            "qalora_group_size": 16,
            "r": self.rank,
            "rank_pattern": ranks,
            "revision": self.revision,
            "target_modules": targets(&self.targets),
            "target_parameters": null,
            "task_type": self.task_type,
            "trainable_token_indices": null,
            "use_dora": false,
            "use_qalora": false,
            "use_rslora": self.use_rslora,
        });
        let mut text = format!("{value:#}");
        text.push('\n');
        text
    }

    /// Prepares the patterns for questions about modules; `path` is named in errors.
    ///
    /// # Errors
    /// When a pattern is not a regular expression, or too large a one.
    pub(crate) fn compile(&self, path: &Path) -> Result<Resolver<'_>> {
        let ends = |pattern: &String| compile(path, &format!(r"^(?:.*\.)?(?:{pattern})$"));
        let layer_lists: Vec<String> = match self.layers_pattern.as_slice() {
            [] => vec![r"^.*?\.[^.]*\.(\d+)\.".to_owned()],
            names => names.iter().map(|name| format!(r"^(?:.*?\.)??(?:{name})\.(\d+)\.")).collect(),
        };
        Ok(Resolver {
            config: self,
            ranks: self.rank_pattern.iter().map(|(p, _)| ends(p)).collect::<Result<_>>()?,
            alphas: self.alpha_pattern.iter().map(|(p, _)| ends(p)).collect::<Result<_>>()?,
            targets: Matcher::new(path, &self.targets)?,
            exclude: self.exclude.as_ref().map(|e| Matcher::new(path, e)).transpose()?,
            layers: layer_lists.iter().map(|list| compile(path, list)).collect::<Result<_>>()?,
        })
    }
}

/// Answers what a configuration says about a module.
pub(crate) struct Resolver<'a> {
    config: &'a PeftConfig,
    ranks: Vec<Regex>,
    alphas: Vec<Regex>,
    targets: Matcher,
    exclude: Option<Matcher>,
    layers: Vec<Regex>,
}

impl Resolver<'_> {
    pub(crate) fn rank(&self, module: &str) -> usize {
        let first = self.ranks.iter().position(|pattern| pattern.is_match(module));
        first.map_or(self.config.rank, |at| self.config.rank_pattern[at].1)
    }

    fn alpha(&self, module: &str) -> f64 {
        let first = self.alphas.iter().position(|pattern| pattern.is_match(module));
        first.map_or(self.config.alpha, |at| self.config.alpha_pattern[at].1)
    }

    /// `alpha / rank`, or `alpha / √rank` with rsLoRA.
    pub(crate) fn scale(&self, module: &str) -> f32 {
        let rank = self.rank(module) as f64;
        let divisor = if self.config.use_rslora { rank.sqrt() } else { rank };
        (self.alpha(module) / divisor) as f32
    }

    /// Whether PEFT would put an adapter on this module.
    pub(crate) fn is_target(&self, module: &str) -> bool {
        if self.exclude.as_ref().is_some_and(|exclude| exclude.matches(module)) {
            return false;
        }
        if !self.targets.matches(module) {
            return false;
        }
        // PEFT looks at layers only where the modules are named and not a pattern.
        match (&self.config.targets, &self.config.layers) {
            (Targets::Names(_), Some(layers)) if !layers.is_empty() => self
                .layers
                .iter()
                .find_map(|list| list.captures(module)?.get(1)?.as_str().parse::<usize>().ok())
                .is_some_and(|layer| layers.contains(&layer)),
            _ => true,
        }
    }
}

enum Matcher {
    Names(Vec<String>),
    Whole(Regex),
    All,
}

impl Matcher {
    fn new(path: &Path, targets: &Targets) -> Result<Self> {
        Ok(match targets {
            Targets::Names(names) => Self::Names(names.clone()),
            Targets::Pattern(pattern) if pattern == "all-linear" => Self::All,
            Targets::Pattern(pattern) => Self::Whole(compile(path, &format!("^(?:{pattern})$"))?),
        })
    }

    fn matches(&self, module: &str) -> bool {
        match self {
            Self::Names(names) => names.iter().any(|name| {
                module
                    .strip_suffix(name.as_str())
                    .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
            }),
            Self::Whole(pattern) => pattern.is_match(module),
            Self::All => true,
        }
    }
}

fn compile(path: &Path, pattern: &str) -> Result<Regex> {
    RegexBuilder::new(pattern).size_limit(LARGEST_PATTERN).build().map_err(|e| {
        let found = e.to_string().replace('\n', " ");
        FormatError::malformed(path, "pattern", "a regular expression", quoted(&found))
    })
}

/// The fields of the object, asked for by type.
struct Fields<'a> {
    path: &'a Path,
    map: &'a Map<String, Value>,
}

impl Fields<'_> {
    fn wrong(&self, field: &str, expected: &str, found: &Value) -> FormatError {
        FormatError::malformed(self.path, format!("field {field:?}"), expected, show(found))
    }

    fn unsupported(&self, what: String) -> FormatError {
        let supported = "an adapter here is LoRA on linear layers, without biases or saved modules";
        FormatError::unsupported(self.path, what, supported)
    }

    fn refuse_unsupported(&self) -> Result<()> {
        match self.map.get("peft_type") {
            None => {}
            Some(Value::String(kind)) if kind == "LORA" => {}
            Some(other) => return Err(self.unsupported(format!("PEFT method {}", show(other)))),
        }
        match self.map.get("bias") {
            None | Some(Value::Null) => {}
            Some(Value::String(bias)) if bias == "none" => {}
            Some(other) => return Err(self.unsupported(format!("bias {}", show(other)))),
        }
        // Initialisations that rewrite the base model leave an adapter that fits only the rewritten one.
        match self.map.get("init_lora_weights") {
            None | Some(Value::Null | Value::Bool(_)) => {}
            Some(Value::String(kind))
                if ["gaussian", "eva", "orthogonal"].contains(&kind.as_str()) => {}
            Some(other) => {
                return Err(self.unsupported(format!("init_lora_weights {}", show(other))));
            }
        }
        for (field, value) in self.map {
            let silent = KNOWN.contains(&field.as_str()) || HARMLESS.contains(&field.as_str());
            if !silent && is_set(value) {
                return Err(self.unsupported(format!("{} {}", quoted(field), show(value))));
            }
        }
        Ok(())
    }

    fn text(&self, field: &str) -> Result<Option<String>> {
        match self.map.get(field) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(other) => Err(self.wrong(field, "a string", other)),
        }
    }

    fn flag(&self, field: &str) -> Result<bool> {
        match self.map.get(field) {
            None | Some(Value::Null) => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(other) => Err(self.wrong(field, "true or false", other)),
        }
    }

    fn number(&self, field: &str, value: Option<&Value>) -> Result<Option<f64>> {
        match value {
            None | Some(Value::Null) => Ok(None),
            Some(value) => match value.as_f64() {
                Some(number) if (number as f32).is_finite() => Ok(Some(number)),
                _ => Err(self.wrong(field, "a number", value)),
            },
        }
    }

    fn rank(&self, field: &str, value: Option<&Value>) -> Result<Option<usize>> {
        match value {
            None | Some(Value::Null) => Ok(None),
            Some(value) => match value.as_u64() {
                // No rank above the limit, so it fits a usize.
                Some(rank) if (1..=LARGEST_RANK).contains(&rank) => Ok(Some(rank as usize)),
                _ => Err(self.wrong(field, &format!("a rank from 1 to {LARGEST_RANK}"), value)),
            },
        }
    }

    fn pattern<T>(
        &self,
        field: &str,
        read: fn(&Self, &str, Option<&Value>) -> Result<Option<T>>,
    ) -> Result<Vec<(String, T)>> {
        let map = match self.map.get(field) {
            None | Some(Value::Null) => return Ok(Vec::new()),
            Some(Value::Object(map)) => map,
            Some(other) => return Err(self.wrong(field, "an object", other)),
        };
        self.refuse_many(field, map.len())?;
        let mut all = Vec::new();
        for (pattern, value) in map {
            let place = format!("{field}, {}", quoted(pattern));
            match read(self, &place, Some(value))? {
                Some(it) => all.push((pattern.clone(), it)),
                None => return Err(self.wrong(&place, "a number", value)),
            }
        }
        Ok(all)
    }

    fn targets(&self, field: &str) -> Result<Option<Targets>> {
        match self.map.get(field) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(pattern)) => Ok(Some(Targets::Pattern(pattern.clone()))),
            Some(value @ Value::Array(items)) => {
                self.refuse_many(field, items.len())?;
                let names: Option<Vec<String>> =
                    items.iter().map(|item| item.as_str().map(str::to_owned)).collect();
                match names {
                    Some(names) if names.iter().all(|name| !name.is_empty()) => {
                        Ok(Some(Targets::Names(names)))
                    }
                    _ => Err(self.wrong(field, "a list of names", value)),
                }
            }
            Some(other) => Err(self.wrong(field, "a list of names or a pattern", other)),
        }
    }

    fn refuse_many(&self, field: &str, found: usize) -> Result<()> {
        if found <= MOST_PATTERNS {
            return Ok(());
        }
        let expected = format!("at most {MOST_PATTERNS} entries");
        Err(FormatError::malformed(
            self.path,
            format!("field {field:?}"),
            expected,
            found.to_string(),
        ))
    }

    fn layers(&self) -> Result<Option<Vec<usize>>> {
        let field = "layers_to_transform";
        let index = |value: &Value| value.as_u64().and_then(|index| usize::try_from(index).ok());
        match self.map.get(field) {
            None | Some(Value::Null) => Ok(None),
            Some(value @ Value::Array(items)) => {
                let layers: Option<Vec<usize>> = items.iter().map(index).collect();
                layers.map(Some).ok_or_else(|| self.wrong(field, "a list of layer numbers", value))
            }
            Some(value) => match index(value) {
                Some(layer) => Ok(Some(vec![layer])),
                None => Err(self.wrong(field, "layer numbers", value)),
            },
        }
    }
}

/// Whether a field says anything: null, false, empty and 0 do not.
fn is_set(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(flag) => *flag,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(map) => !map.is_empty(),
    }
}

fn show(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(64) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}

/// PEFT writes whole alphas as integers.
fn whole_or_float(value: f64) -> Value {
    if value.fract() == 0.0 && value.abs() < 1e15 {
        Value::from(value as i64)
    } else {
        Number::from_f64(value).map_or(Value::Null, Value::Number)
    }
}
