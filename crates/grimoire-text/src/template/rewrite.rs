//! Two changes to the source of a template before it is compiled. `{% generation %}` becomes the
//! call block that Hugging Face's extension makes of it. And what is stored in a namespace, the one
//! place where a loop can let a value grow from turn to turn, goes through a check of its size,
//! because the engine charges its budget for texts and steps but not for lists joined to lists.
//! Lines stay where they are; texts, comments and raw blocks are not touched.

/// The function that a `{% generation %}` block calls.
pub(super) const CALL: &str = "grimoire_generation";
/// The filter that checks what is stored in a namespace.
pub(super) const BOUNDED: &str = "grimoire_bounded";

/// The source to compile, and whether it marks the assistant's part.
pub(super) fn rewrite(source: &str) -> (String, bool) {
    let mut out = String::with_capacity(source.len() + 256);
    let (mut rest, mut marks) = (source, false);
    while let Some(at) = rest.find('{') {
        let kind = rest.as_bytes().get(at + 1).copied();
        let end = match kind {
            Some(b'#') => rest[at + 2..].find("#}").map(|end| at + 2 + end + 2),
            Some(b'{') => end_of_code(&rest[at + 2..], "}}").map(|end| at + 2 + end),
            Some(b'%') => end_of_code(&rest[at + 2..], "%}").map(|end| at + 2 + end),
            _ => Some(at + 1),
        };
        let Some(end) = end else { break };
        out.push_str(&rest[..at]);
        let piece = &rest[at..end];
        rest = &rest[end..];
        if kind != Some(b'%') {
            out.push_str(piece);
            continue;
        }
        let inner = &piece[2..piece.len() - 2];
        match inner.trim_matches(['-', '+']).trim() {
            "generation" => {
                marks = true;
                out.push_str(&piece.replacen("generation", &format!("call {CALL}()"), 1));
            }
            "endgeneration" => out.push_str(&piece.replacen("endgeneration", "endcall", 1)),
            "raw" => {
                out.push_str(piece);
                let raw = end_of_raw(rest);
                out.push_str(&rest[..raw]);
                rest = &rest[raw..];
            }
            _ => match bounded_set(inner) {
                Some(set) => out.extend(["{%", &set, "%}"]),
                None => out.push_str(piece),
            },
        }
    }
    out.push_str(rest);
    (out, marks)
}

/// Where code ends, behind its closing mark: not inside a text, nor inside brackets.
fn end_of_code(code: &str, close: &str) -> Option<usize> {
    let bytes = code.as_bytes();
    let (mut at, mut open, mut quote) = (0, 0_usize, None);
    while at < bytes.len() {
        let byte = bytes[at];
        match quote {
            Some(_) if byte == b'\\' => at += 1,
            Some(mark) if byte == mark => quote = None,
            Some(_) => {}
            None if open == 0 && bytes[at..].starts_with(close.as_bytes()) => {
                return Some(at + close.len());
            }
            None => match byte {
                b'\'' | b'"' => quote = Some(byte),
                b'{' | b'[' | b'(' => open += 1,
                b'}' | b']' | b')' => open = open.saturating_sub(1),
                _ => {}
            },
        }
        at += 1;
    }
    None
}

/// Where `{% endraw %}` begins.
fn end_of_raw(rest: &str) -> usize {
    let tags = rest.match_indices("{%").map(|(at, _)| at);
    let is_end =
        |at: &usize| rest[at + 2..].trim_start_matches(['-', '+', ' ']).starts_with("endraw");
    tags.into_iter().find(is_end).unwrap_or(rest.len())
}

/// `set a.b = value` with the value checked; `None` for anything else.
fn bounded_set(inner: &str) -> Option<String> {
    let code = inner.trim_start_matches(['-', '+']).trim_start();
    let assignment =
        code.strip_prefix("set").filter(|rest| rest.starts_with(char::is_whitespace))?;
    let equals = assignment.find('=')?;
    let (target, value) = (&assignment[..equals], &assignment[equals + 1..]);
    if !target.contains('.') || value.starts_with('=') {
        return None;
    }
    let head = &inner[..inner.len() - value.len()];
    let body = value.trim_end_matches(['-', '+']);
    let tail = &value[body.len()..];
    Some(format!("{head} ({body})|{BOUNDED} {tail}"))
}

#[cfg(test)]
mod tests {
    use super::rewrite;

    #[test]
    fn only_tags_are_rewritten() {
        let same = [
            "plain { text } {{ '{% generation %}' }} {# {% set a.b = 1 %} #}",
            "{% raw %}{% generation %}{% set a.b = 1 %}{% endraw %}{{ {'a': {'b': 1}} }}",
            "{% set a = 1 %}{% set a %}x{% endset %}{% if a == b.c %}{% endif %}{% settle a.b = 1 %}",
            "{{ unclosed '{% generation %}",
            "{%",
            "{",
        ];
        for source in same {
            assert_eq!(rewrite(source), (source.to_string(), false));
        }
    }

    #[test]
    fn generation_and_namespaces_are() {
        assert_eq!(
            rewrite("a\n{%- generation -%}b{%+ endgeneration %}"),
            ("a\n{%- call grimoire_generation() -%}b{%+ endcall %}".into(), true)
        );
        assert_eq!(
            rewrite("{%- set ns.a = '%}' + x if y -%}").0,
            "{%- set ns.a = ( '%}' + x if y )|grimoire_bounded -%}"
        );
    }
}
