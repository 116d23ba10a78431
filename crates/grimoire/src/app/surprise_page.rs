//! Surprise as a page that is one file: the text coloured token by token, how the surprises spread, and the
//! tokens that were foreseen least. Computes nothing but the bins of its figure.

use super::html_page::{escape, facts, figure, page};
use super::surprise::{SurpriseReport, TokenSurprise, pieces, strength};
use crate::failure::{Failure, Outcome};
use grimoire_plot::{Axis, Bars, Figure, Rule, Size};

/// How many of the least foreseen tokens are listed.
const LISTED: usize = 12;
/// Characters of context before a listed token.
const CONTEXT: usize = 48;

/// The page.
pub(crate) fn html(report: &SurpriseReport, documents: &[String]) -> Outcome<String> {
    let figures = &report.perplexity;
    let title = format!("Surprise: {}", figures.file);
    let interval = figures.interval.map_or_else(
        || "a single cluster: no interval".to_owned(),
        |[low, high]| {
            format!("95 % interval {low:.2} to {high:.2}, clustered by {}", figures.clusters)
        },
    );
    let bits = figures.nll / std::f64::consts::LN_2;
    let mut body = format!(
        "<style>{STYLE}</style>\n<header><h1>{}</h1>\n<p>{}</p></header>\n\
         <p class=\"verdict\">{bits:.2} bits a token <span class=\"how\">perplexity {:.2}; {}</span></p>\n",
        escape(&title),
        escape(&figures.model),
        figures.perplexity,
        escape(&interval)
    );
    body.push_str(&legend());
    let mut rest = &report.tokens[..];
    for (index, document) in documents.iter().enumerate() {
        let n = rest.iter().take_while(|token| token.document == index + 1).count();
        let (own, others) = rest.split_at(n);
        rest = others;
        if documents.len() > 1 {
            body.push_str(&format!("<h3>Document {}</h3>\n", index + 1));
        }
        body.push_str(&text(document, own));
    }
    body.push_str("<h2>How surprises spread</h2>\n");
    let plot = spread(report);
    let svg = plot.svg().map_err(Failure::work)?;
    let narrow = plot.svg_at(Size::NARROW).map_err(Failure::work)?;
    body.push_str(&figure(&svg, &narrow));
    body.push_str(&least_foreseen(report, documents));
    body.push_str("<h2>How it was measured</h2>\n");
    let scored = format!("{} of {}", figures.scored, figures.tokens);
    let mut rows = vec![("tokens scored", scored)];
    for per in &figures.per {
        let value = format!("{:.4} ({:.4} bits)", per.perplexity, per.bits);
        rows.push((per.unit.name(), value));
    }
    rows.push(("signature", figures.signature.clone()));
    let names: Vec<String> = rows
        .iter()
        .map(|(name, _)| match *name {
            "token" | "byte" | "word" => format!("perplexity per {name}"),
            other => other.to_owned(),
        })
        .collect();
    body.push_str(&facts(
        names.iter().zip(&rows).map(|(name, (_, value))| (name.as_str(), value.as_str())),
    ));
    Ok(page(&title, &body))
}

fn legend() -> String {
    let steps = ["below 1", "1 to 2", "2 to 4", "4 to 8", "8 to 16", "16 to 32", "32 and more"];
    let boxes = steps
        .iter()
        .enumerate()
        .map(|(step, name)| format!("<span class=\"s s{step}\">{name}</span>"));
    let boxes: String = boxes.collect();
    format!("<p class=\"legend\">bits: {boxes} <span class=\"s none\">not scored</span></p>\n")
}

fn text(document: &str, tokens: &[TokenSurprise]) -> String {
    let mut out = String::from("<div class=\"text\">");
    for piece in pieces(document, tokens) {
        let (class, title) = match piece.bits {
            Some(bits) => {
                let odds = 2f64.powf(bits);
                (format!("s{}", strength(bits)), format!("{bits:.2} bits: 1 in {odds:.0}"))
            }
            None => ("none".to_owned(), "not scored".to_owned()),
        };
        out.push_str(&format!(
            "<span class=\"{class}\" title=\"{title}\">{}</span>",
            escape(piece.text)
        ));
    }
    out + "</div>\n"
}

/// How the surprises of tokens spread, with their mean.
pub(crate) fn spread(report: &SurpriseReport) -> Figure {
    let mean = report.perplexity.nll / std::f64::consts::LN_2;
    let bits: Vec<f64> = report.tokens.iter().filter_map(|token| token.bits).collect();
    let most = bits.iter().fold(1.0f64, |most, bits| most.max(*bits)).ceil();
    let n_bins = (most as usize).clamp(1, 40);
    let width = most / n_bins as f64;
    let mut counts = vec![0.0; n_bins];
    for bits in bits {
        counts[((bits / width) as usize).min(n_bins - 1)] += 1.0;
    }
    let at = |bin: usize| width * bin as f64;
    let bins = counts.iter().enumerate().map(|(bin, n)| (at(bin), at(bin + 1), *n)).collect();
    Figure::new("Tokens by surprise")
        .x(Axis::linear("bits"))
        .y(Axis::linear("tokens"))
        .add(Bars::bins("tokens", bins))
        .add(Rule::x(mean, "mean"))
}

fn least_foreseen(report: &SurpriseReport, documents: &[String]) -> String {
    let mut worst: Vec<&TokenSurprise> =
        report.tokens.iter().filter(|token| token.bits.is_some()).collect();
    worst.sort_by(|a, b| b.bits.partial_cmp(&a.bits).unwrap_or(std::cmp::Ordering::Equal));
    let mut out = String::from(
        "<h2>Foreseen least</h2>\n<div class=\"scroll\"><table><thead><tr><th class=\"right\">bits</th>\
         <th>in its context</th></tr></thead>\n",
    );
    for token in worst.into_iter().take(LISTED) {
        let before = documents[token.document - 1].get(..token.bytes[0]).unwrap_or_default();
        let cut = before.char_indices().rev().take(CONTEXT).last().map_or(0, |(at, _)| at);
        out.push_str(&format!(
            "<tr><td class=\"right\">{:.2}</td><td>{}{}<b class=\"s6\">{}</b></td></tr>\n",
            token.bits.unwrap_or_default(),
            if cut > 0 { "…" } else { "" },
            escape(&before[cut..]),
            escape(&legible(token, &documents[token.document - 1]))
        ));
    }
    out + "</table></div>\n"
}

/// A token as it can be read by itself: white space by signs, a part of a character by the whole.
fn legible(token: &TokenSurprise, document: &str) -> String {
    if token.text.chars().all(char::is_whitespace) {
        let sign = |c| match c {
            '\n' => '↵',
            '\t' => '⇥',
            _ => '␣',
        };
        return token.text.chars().map(sign).collect();
    }
    let [mut from, mut to] = token.bytes;
    if document.is_char_boundary(from) && document.is_char_boundary(to) {
        return token.text.clone();
    }
    while !document.is_char_boundary(from) {
        from -= 1;
    }
    while !document.is_char_boundary(to) {
        to += 1;
    }
    format!("part of {}", document[from..to].trim())
}

const STYLE: &str = "
.text{white-space:pre-wrap;overflow-wrap:anywhere;background:var(--paper);border:1px solid var(--line);\
border-radius:8px;padding:16px 18px;margin:0 0 16px;line-height:1.9}
.text span,.legend .s,b.s6{border-radius:3px;padding:1px 0}
.legend{font-size:13px;color:var(--muted);margin-top:20px}.legend .s{display:inline-block;padding:2px 8px;margin-right:2px;color:var(--ink)}
.s1{background:#fdf1e3}.s2{background:#fbdcb8}.s3{background:#f8c083}.s4{background:#f29d52}
.s5{background:#c2501a;color:#fff!important}.s6{background:#a93310;color:#fff!important}
.none{color:var(--muted);text-decoration:underline dotted}
@media screen and (prefers-color-scheme:dark){.s1{background:#33261a}.s2{background:#4c3319}\
.s3{background:#6d4417}.s4{background:#955512}.s5{background:#c9701f;color:#14171c!important}.s6{background:#f08a3c;color:#14171c!important}}
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_that_cannot_be_seen_are_shown_by_signs() {
        let document = "a\t\n \u{434}b";
        let shown = |from: usize, to: usize| {
            let text = String::from_utf8_lossy(&document.as_bytes()[from..to]).into_owned();
            let bytes = [from, to];
            let token = TokenSurprise { document: 1, place: 1, id: 0, bytes, text, bits: None };
            legible(&token, document)
        };
        assert_eq!(shown(1, 4), "⇥↵␣");
        assert_eq!(shown(3, 5), "part of \u{434}");
        assert_eq!(shown(4, 7), "\u{434}b");
    }
}
