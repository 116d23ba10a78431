//! The TOML of a task, read and checked; what is wrong is named by file and line. `grimoire eval --help`
//! describes the keys for people.

use super::error::TaskError;
use super::extract::{Extract, Take};
use super::metric::{Kind, TaskMetric};
use super::template::Template;
use super::{Answer, Key, Options, Shots, Task, Truth};
use crate::perplexity::{Begin, Unit};
use fancy_regex::Regex;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::ops::Range;
use toml::Spanned;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTask {
    name: String,
    #[serde(default)]
    about: String,
    #[serde(default)]
    source: String,
    data: Option<String>,
    rows: Option<String>,
    #[serde(default)]
    fields: Map<String, Value>,
    group: Option<String>,
    cluster: Option<String>,
    prompt: Option<Spanned<String>>,
    truth: Option<Spanned<String>>,
    references: Option<String>,
    separator: Option<String>,
    generate: Option<Spanned<RawGenerate>>,
    choose: Option<Spanned<RawChoose>>,
    score: Option<Spanned<RawScore>>,
    examples: Option<RawExamples>,
    #[serde(default)]
    metric: Vec<Spanned<RawMetric>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawGenerate {
    #[serde(default = "default_tokens")]
    tokens: usize,
    #[serde(default)]
    stop: Vec<String>,
}

fn default_tokens() -> usize {
    256
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawChoose {
    options: Spanned<RawOptions>,
    option: Option<Spanned<String>>,
    key: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum RawOptions {
    Fixed(Vec<String>),
    Path(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawScore {
    #[serde(default = "default_window")]
    window: usize,
    stride: Option<usize>,
    begin: Option<Spanned<String>>,
}

fn default_window() -> usize {
    1024
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawExamples {
    count: usize,
    between: Option<String>,
    #[serde(default)]
    rows: Vec<Map<String, Value>>,
    data: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawMetric {
    kind: Spanned<String>,
    name: Option<String>,
    pattern: Option<Spanned<String>>,
    take: Option<Spanned<String>>,
    #[serde(default)]
    ignore: Vec<Spanned<String>>,
    case: Option<bool>,
    per: Option<Spanned<String>>,
}

/// The file that is read, for errors that name its lines.
struct File<'a> {
    name: &'a str,
    text: &'a str,
}

impl File<'_> {
    fn error(&self, span: Range<usize>, problem: impl std::fmt::Display) -> TaskError {
        let before = &self.text.as_bytes()[..span.start.min(self.text.len())];
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        TaskError::new(self.name, line, problem)
    }

    fn template(&self, key: &str, source: &Spanned<String>) -> Result<Template, TaskError> {
        Template::new(source.get_ref()).map_err(|fault| {
            let problem = format!("{key}, line {} of the template: {}", fault.line, fault.problem);
            self.error(source.span(), problem)
        })
    }

    fn regex(&self, key: &str, source: &Spanned<String>) -> Result<Regex, TaskError> {
        Regex::new(source.get_ref()).map_err(|error| {
            self.error(source.span(), format!("{key}: no regular expression: {error}"))
        })
    }

    /// One of a few words.
    fn word<T: Copy>(
        &self,
        key: &str,
        found: &Spanned<String>,
        words: &[(&str, T)],
    ) -> Result<T, TaskError> {
        let word = words.iter().find(|(word, _)| word == found.get_ref());
        word.map(|(_, value)| *value).ok_or_else(|| {
            let names: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            let problem =
                format!("{key} is `{}`, expected one of {}", found.get_ref(), names.join(", "));
            self.error(found.span(), problem)
        })
    }
}

impl Task {
    /// Reads a task; `name` is its file in errors.
    ///
    /// # Errors
    /// What is no TOML, an unknown key, a value outside its domain, a template or pattern that cannot be read, an
    /// answer that no metric can judge.
    pub fn parse(name: &str, text: &str) -> Result<Self, TaskError> {
        let file = File { name, text };
        let raw: RawTask = toml::from_str(text).map_err(|error: toml::de::Error| {
            let message = error.message().trim().replace('\n', " ");
            file.error(error.span().unwrap_or(0..0), message)
        })?;
        let answer = answer(&file, &raw)?;
        let scores = matches!(answer, Answer::Score { .. });
        let prompt = match (&raw.prompt, scores) {
            (Some(prompt), false) => file.template("prompt", prompt)?,
            (Some(prompt), true) => {
                let problem = "a scored text has no prompt: `truth` is the text";
                return Err(file.error(prompt.span(), problem));
            }
            (None, true) => Template::new("").map_err(|fault| file.error(0..0, fault.problem))?,
            (None, false) => return Err(file.error(0..0, "there is no `prompt`")),
        };
        let truth = match (&raw.truth, &raw.references) {
            (Some(truth), None) => Truth::Text(file.template("truth", truth)?),
            (None, Some(references)) => Truth::Path(path(references)),
            _ => {
                return Err(
                    file.error(0..0, "expected `truth` (a template) or `references` (a path)")
                );
            }
        };
        let fields = fields(&file, &raw)?;
        let metrics = raw
            .metric
            .iter()
            .map(|metric| self::metric(&file, metric, &answer))
            .collect::<Result<Vec<_>, _>>()?;
        if metrics.is_empty() {
            let hint = match answer {
                Answer::Generate { .. } => "for instance [[metric]] kind = \"exact\"",
                Answer::Choose { .. } => "for instance [[metric]] kind = \"accuracy\"",
                Answer::Score { .. } => "for instance [[metric]] kind = \"perplexity\"",
            };
            return Err(file.error(0..0, "there is no [[metric]]").hint(hint));
        }
        let usual = Shots::default();
        let shots = match raw.examples {
            Some(RawExamples { count, between, rows, data }) => {
                Shots { count, between: between.unwrap_or(usual.between), rows, data }
            }
            None => usual,
        };
        Ok(Self {
            name: raw.name,
            about: raw.about,
            source: raw.source,
            data: raw.data,
            rows: raw.rows.as_deref().map(path).unwrap_or_default(),
            fields,
            group: raw.group,
            cluster: raw.cluster,
            prompt,
            truth,
            separator: raw.separator.unwrap_or_else(|| " ".to_owned()),
            shots,
            answer,
            metrics,
        })
    }
}

fn path(text: &str) -> Vec<String> {
    text.split('.').map(str::to_owned).collect()
}

/// Pairs of names of a field.
fn fields(file: &File<'_>, raw: &RawTask) -> Result<Vec<(String, String)>, TaskError> {
    let pair = |(own, other): (&String, &Value)| match other {
        Value::String(other) => Ok((own.clone(), other.clone())),
        _ => Err(file.error(0..0, format!("fields.{own}: expected another name of the field"))),
    };
    raw.fields.iter().map(pair).collect()
}

fn answer(file: &File<'_>, raw: &RawTask) -> Result<Answer, TaskError> {
    match (&raw.generate, &raw.choose, &raw.score) {
        (Some(generate), None, None) => {
            let RawGenerate { tokens, stop } = generate.get_ref();
            if *tokens == 0 || stop.iter().any(String::is_empty) {
                let problem = "[generate] needs `tokens` of at least 1 and no empty `stop`";
                return Err(file.error(generate.span(), problem));
            }
            Ok(Answer::Generate { tokens: *tokens, stop: stop.clone() })
        }
        (None, Some(choose), None) => {
            let RawChoose { options, option, key } = choose.get_ref();
            let form = option.as_ref().map(|form| file.template("option", form)).transpose()?;
            let keys = [("text", Key::Text), ("index", Key::Index), ("letter", Key::Letter)];
            let key = match key {
                Some(key) => file.word("key", key, &keys)?,
                None => Key::Text,
            };
            let options = match options.get_ref() {
                RawOptions::Fixed(texts) if texts.len() < 2 => {
                    return Err(file.error(options.span(), "a choice has at least two options"));
                }
                RawOptions::Fixed(texts) => Options::Fixed(texts.clone()),
                RawOptions::Path(text) => Options::Path(path(text)),
            };
            Ok(Answer::Choose { options, form, key })
        }
        (None, None, Some(score)) => {
            let RawScore { window, stride, begin } = score.get_ref();
            let stride = stride.unwrap_or(*window);
            if *window < 2 || stride == 0 || stride > *window {
                let problem =
                    "[score] needs a `window` of at least 2 and a `stride` of 1 to the window";
                return Err(file.error(score.span(), problem));
            }
            let rules =
                [("none", Begin::None), ("document", Begin::Document), ("window", Begin::Window)];
            let begin = match begin {
                Some(begin) => file.word("begin", begin, &rules)?,
                None => Begin::Document,
            };
            Ok(Answer::Score { window: *window, stride, begin })
        }
        _ => Err(file.error(0..0, "a task has one of [generate], [choose] and [score]").hint(
            "generate: the model writes; choose: it picks an option; score: it rates a text",
        )),
    }
}

fn metric(
    file: &File<'_>,
    raw: &Spanned<RawMetric>,
    answer: &Answer,
) -> Result<TaskMetric, TaskError> {
    let metric = raw.get_ref();
    let units = [("token", Unit::Token), ("byte", Unit::Byte), ("word", Unit::Word)];
    let per = match &metric.per {
        Some(per) => file.word("per", per, &units)?,
        None => Unit::Token,
    };
    let kinds: &[(&str, Kind)] = match answer {
        Answer::Generate { .. } => &Kind::WRITTEN,
        Answer::Choose { .. } => &Kind::CHOSEN,
        Answer::Score { .. } => &[("perplexity", Kind::Perplexity(per))],
    };
    let kind = file.word("kind", &metric.kind, kinds)?;
    let take = match &metric.take {
        Some(take) => file.word("take", take, &[("first", Take::First), ("last", Take::Last)])?,
        None => Take::First,
    };
    if let (Kind::MacroF1, Answer::Choose { options: Options::Path(_), .. }) = (kind, answer) {
        let problem = "macro-f1 needs the same options for every item";
        return Err(file.error(metric.kind.span(), problem));
    }
    let extract = Extract {
        pattern: metric.pattern.as_ref().map(|text| file.regex("pattern", text)).transpose()?,
        take,
        ignore: metric
            .ignore
            .iter()
            .map(|text| file.regex("ignore", text))
            .collect::<Result<_, _>>()?,
        case: metric.case.unwrap_or(true),
    };
    Ok(TaskMetric { kind, name: metric.name.clone(), extract })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "name = \"t\"\nprompt = \"{{ q }}\"\ntruth = \"{{ a }}\"\n[generate]\n\
                        [[metric]]\nkind = \"exact\"\n";

    fn wrong(text: &str) -> String {
        Task::parse("t.toml", text).unwrap_err().to_string()
    }

    #[test]
    fn what_is_wrong_is_named_by_file_and_line() {
        let task = Task::parse("t.toml", GOOD).unwrap();
        assert!(matches!(task.answer, Answer::Generate { tokens: 256, .. }));
        // A task that says nothing of examples may be asked with some, and they do not run into each other.
        assert_eq!((task.shots.count, task.shots.between.as_str()), (0, "\n\n"));
        let cases = [
            (GOOD.replace("name", "nome"), "t.toml:1: unknown field `nome`"),
            (GOOD.replace("{{ q }}", "{{ q"), "t.toml:2: prompt, line 1 of the template: "),
            (GOOD.replace("exact", "exakt"), "t.toml:6: kind is `exakt`, expected one of exact, "),
            (format!("{GOOD}pattern = \"(\"\n"), "t.toml:7: pattern: no regular expression: "),
            (format!("{GOOD}take = \"all\"\n"), "t.toml:7: take is `all`, expected one of first, "),
            (GOOD.replace("[generate]", ""), "t.toml:1: a task has one of [generate], "),
            (GOOD.replace("[generate]", "[generate]\ntokens = 0"), "t.toml:4: [generate] needs"),
            (GOOD.replace("[generate]", "[choose]\noptions = [\"a\"]"), "t.toml:5: a choice has"),
            (GOOD.replace("truth", "[x"), "t.toml:3: "),
            (GOOD.replace("[[metric]]\nkind = \"exact\"", ""), "t.toml:1: there is no [[metric]]"),
        ];
        for (text, expected) in cases {
            let found = wrong(&text);
            assert!(found.starts_with(expected), "{found}\nexpected {expected}");
        }
    }
}
