//! Tercom's normaliser (Normalizer.java): entities, punctuation cut off as in NIST's tokenizer, and, for
//! Chinese and Japanese, characters cut apart. Its rules for runs of kana never apply, because the text
//! has a space on both sides by then; they are left out.

use super::TerOptions;
use crate::text::whitespace;
use regex::Regex;
use std::sync::OnceLock;

/// The text after lower-casing and the steps that the options ask for.
pub(super) fn normalise(segment: &str, options: &TerOptions) -> String {
    let segment = whitespace::trim_end(segment);
    if segment.is_empty() {
        return String::new();
    }
    let mut text = if options.case_sensitive { segment.to_owned() } else { segment.to_lowercase() };
    let rules = rules();
    if options.normalized {
        for (from, to) in [
            ("\n-", ""),
            ("\n", " "),
            ("&quot;", "\""),
            ("&amp;", "&"),
            ("&lt;", "<"),
            ("&gt;", ">"),
        ] {
            text = text.replace(from, to);
        }
        text = apply(&format!(" {text} "), &rules.western);
        if options.asian_support {
            text = apply(&text, &rules.asian);
        }
    }
    if options.no_punctuation {
        text = apply(&text, &rules.punctuation);
        if options.asian_support {
            text = apply(&text, &rules.asian_punctuation);
        }
    }
    text
}

type Rules = Vec<(Regex, &'static str)>;

struct RuleSet {
    western: Rules,
    asian: Rules,
    punctuation: Rules,
    asian_punctuation: Rules,
}

const ASIAN_MARKS: &str =
    r"([\u{3001}\u{3002}\u{3008}-\u{3011}\u{3014}-\u{301f}\u{ff61}-\u{ff65}\u{30fb}])";
const WIDE_MARKS: &str =
    r"([\u{ff0e}\u{ff0c}\u{ff1f}\u{ff1a}\u{ff1b}\u{ff01}\u{ff02}\u{ff08}\u{ff09}])";

fn rules() -> &'static RuleSet {
    static RULES: OnceLock<RuleSet> = OnceLock::new();
    RULES.get_or_init(|| RuleSet {
        western: compile(&[
            (r"([\{-~\[-` -\&\(-\+:-@/])", " $1 "),
            (r"'s ", " 's "),
            (r"([^0-9])([\.,])", "$1 $2 "),
            (r"([\.,])([^0-9])", " $1 $2"),
            (r"([0-9])(-)", "$1 $2 "),
        ]),
        asian: compile(&[
            (r"([\u{4e00}-\u{9fff}\u{3400}-\u{4dbf}])", " $1 "),
            (r"([\u{31c0}-\u{31ef}\u{2e80}-\u{2eff}])", " $1 "),
            (r"([\u{3300}-\u{33ff}\u{f900}-\u{faff}\u{fe30}-\u{fe4f}])", " $1 "),
            (r"([\u{3200}-\u{3f22}])", " $1 "),
            (ASIAN_MARKS, " $1 "),
            (WIDE_MARKS, " $1 "),
        ]),
        punctuation: compile(&[(r#"[\.,\?:;!"\(\)]"#, "")]),
        asian_punctuation: compile(&[(ASIAN_MARKS, ""), (WIDE_MARKS, "")]),
    })
}

/// The patterns are constants; one that does not compile is dropped, and the tests would show it.
fn compile(rules: &[(&str, &'static str)]) -> Rules {
    rules.iter().filter_map(|(from, to)| Some((Regex::new(from).ok()?, *to))).collect()
}

fn apply(text: &str, rules: &Rules) -> String {
    rules.iter().fold(text.to_owned(), |text, (from, to)| from.replace_all(&text, *to).into_owned())
}
