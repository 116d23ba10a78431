//! The tasks inside the binary. Their data are not: each says where they come from, names a data set of a hub that
//! has them (but for a text of one's own, where there is none to name), and takes a path instead.

use super::{Task, TaskError};

/// Name and TOML of each, in the order of a list for people.
const TASKS: [(&str, &str); 7] = [
    ("perplexity", include_str!("builtin/perplexity.toml")),
    ("e2e-nlg", include_str!("builtin/e2e-nlg.toml")),
    ("gsm8k", include_str!("builtin/gsm8k.toml")),
    ("svamp", include_str!("builtin/svamp.toml")),
    ("xquad", include_str!("builtin/xquad.toml")),
    ("aqua-rat", include_str!("builtin/aqua-rat.toml")),
    ("sentiment", include_str!("builtin/sentiment.toml")),
];

/// The names.
pub fn names() -> impl Iterator<Item = &'static str> {
    TASKS.iter().map(|(name, _)| *name)
}

/// The TOML of a task, to read or to start one's own from.
pub fn source(name: &str) -> Option<&'static str> {
    TASKS.iter().find(|(task, _)| *task == name).map(|(_, text)| *text)
}

/// A task by its name.
pub fn task(name: &str) -> Option<Result<Task, TaskError>> {
    source(name).map(|text| Task::parse(name, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_task_reads_and_says_its_source() {
        for name in names() {
            let task = task(name).unwrap().unwrap();
            assert_eq!(task.name, name);
            assert!(!task.about.is_empty() && task.source.contains("https://"), "{name}");
            assert_eq!(task.data.is_none(), name == "perplexity", "{name}");
        }
        assert!(task("nothing").is_none());
    }

    /// SVAMP's bodies are whole sentences or the first half of one.
    #[test]
    fn body_and_question_of_svamp_become_one_text() {
        let task = task("svamp").unwrap().unwrap();
        for (body, expected) in [
            ("He had 4 cards.", "Question: He had 4 cards. How many are left?\nAnswer:"),
            ("If he lost 4 cards", "Question: If he lost 4 cards, How many are left?\nAnswer:"),
        ] {
            let row = serde_json::json!({ "Body": body, "Question": "How many are left?" });
            assert_eq!(task.prompt.render(row.as_object().unwrap()).unwrap(), expected);
        }
    }
}
