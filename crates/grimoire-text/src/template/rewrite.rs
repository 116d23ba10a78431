//! Two changes to the source of a template before it is compiled. `{% generation %}` becomes the
//! call block that Hugging Face's extension makes of it. And what is stored in a namespace, the one
//! place where a loop can let a value grow from turn to turn, goes through a check of its size,
//! because the engine charges its budget for texts and steps but not for lists joined to lists.
//! Lines stay where they are; texts, comments and raw blocks are not touched.

/// The function that a `{% generation %}` block calls.
pub(super) const CALL: &str = "grimoire_generation";
/// The filter that checks what is stored in a namespace.
pub(super) const BOUNDED: &str = "grimoire_bounded";

/// Operators and calls in one tag: what the engine chains without a limit of its own becomes a tree as deep.
const MOST_CHAINED: usize = 1000;
/// `{% elif %}` in all tags, each a level below the one before it.
const MOST_ALTERNATIVES: usize = 1000;

/// What makes the tree of this source deeper than any template needs, if anything does. The engine walks and
/// drops the tree by recursion, and an overflow of the stack ends the process.
pub(super) fn too_deep(source: &str) -> Option<String> {
    let (mut rest, mut alternatives) = (source, 0);
    while let Some(at) = rest.find('{') {
        rest = &rest[at..];
        let kind = rest.as_bytes().get(1).copied();
        let closed = end_of_piece(rest, kind);
        let (piece, after) = rest.split_at(closed.unwrap_or(rest.len()));
        rest = after;
        if !matches!(kind, Some(b'{' | b'%')) {
            continue;
        }
        let chained = joints(&piece[2..]);
        if chained > MOST_CHAINED {
            return Some(format!(
                "expected at most {MOST_CHAINED} operators in one tag, found {chained}"
            ));
        }
        if kind == Some(b'%') {
            let inner = piece[2..].trim_start_matches(['-', '+']).trim_start();
            alternatives += usize::from(inner.starts_with("elif"));
            if closed.is_some() && is_raw(&piece[2..piece.len() - 2]) {
                rest = &rest[end_of_raw(rest)..];
            }
        }
    }
    (alternatives > MOST_ALTERNATIVES)
        .then(|| format!("expected at most {MOST_ALTERNATIVES} elif tags, found {alternatives}"))
}

/// How many signs and words of this code join two expressions or go on from one; more rather than fewer.
fn joints(code: &str) -> usize {
    let bytes = code.as_bytes();
    let (mut at, mut count, mut quote) = (0, 0, None);
    while at < bytes.len() {
        let byte = bytes[at];
        match quote {
            Some(_) if byte == b'\\' => at += 1,
            Some(mark) if byte == mark => quote = None,
            Some(_) => {}
            None if matches!(byte, b'\'' | b'"') => quote = Some(byte),
            None if byte.is_ascii_alphabetic() || byte == b'_' => {
                let word = |b: &&u8| b.is_ascii_alphanumeric() || **b == b'_';
                let end = at + bytes[at..].iter().take_while(word).count();
                let joins: [&[u8]; 6] = [b"and", b"or", b"not", b"in", b"is", b"if"];
                count += usize::from(joins.contains(&&bytes[at..end]));
                at = end;
                continue;
            }
            None => count += usize::from(b".[(|+-*/~%=<>!".contains(&byte)),
        }
        at += 1;
    }
    count
}

/// Where the comment, the code or the lone brace at the start of `rest` ends; `kind` is its second byte.
fn end_of_piece(rest: &str, kind: Option<u8>) -> Option<usize> {
    match kind {
        Some(b'#') => rest[2..].find("#}").map(|end| 2 + end + 2),
        Some(b'{') => end_of_code(&rest[2..], "}}").map(|end| 2 + end),
        Some(b'%') => end_of_code(&rest[2..], "%}").map(|end| 2 + end),
        _ => Some(1),
    }
}

fn is_raw(inner: &str) -> bool {
    inner.trim_matches(['-', '+']).trim() == "raw"
}

/// The source to compile, and whether it marks the assistant's part.
pub(super) fn rewrite(source: &str) -> (String, bool) {
    let mut out = String::with_capacity(source.len() + 256);
    let (mut rest, mut marks) = (source, false);
    while let Some(at) = rest.find('{') {
        let kind = rest.as_bytes().get(at + 1).copied();
        let Some(end) = end_of_piece(&rest[at..], kind).map(|end| at + end) else { break };
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
            _ if is_raw(inner) => {
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
    let is_end = |at: &usize| {
        rest[at + 2..].trim_start_matches(['-', '+']).trim_start().starts_with("endraw")
    };
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
    use super::{joints, rewrite, too_deep};

    #[test]
    fn only_tags_are_rewritten() {
        let same = [
            "plain { text } {{ '{% generation %}' }} {# {% set a.b = 1 %} #}",
            "{% raw %}{% generation %}{% set a.b = 1 %}{% endraw %}{{ {'a': {'b': 1}} }}",
            "{% raw %}{% generation %}{%-\n\tendraw %}{{ a }}",
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
    fn what_joins_expressions_is_counted() {
        let counts = [
            ("- for message in messages -", 3),
            (" a.b['c'](d)|e ", 4),
            (" '1 + 1 \\' + 1' ~ \"a.b\" ", 1),
            (" x if y is not none and z else notion ", 4),
        ];
        for (code, count) in counts {
            assert_eq!(joints(code), count, "{code}");
        }
    }

    #[test]
    fn what_is_not_closed_is_looked_at_all_the_same() {
        for source in
            ["{% 'é", "{{ é", "{% é", "{%", "{%é", "{é", "{# é", "{%}", "{% raw %}é", "{% raw"]
        {
            assert_eq!(too_deep(source), None, "{source}");
        }
        assert!(too_deep(&format!("{{{{ 1{} 'é", "+1".repeat(1001))).is_some());
    }

    #[test]
    fn a_raw_block_ends_where_the_engine_ends_it() {
        let (source, marks) = rewrite("{% raw %}{%\nendraw %}{% generation %}a{% endgeneration %}");
        assert!(marks && source.contains("{% call grimoire_generation() %}"), "{source}");
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
