//! The shell of a page that is one file: style inside, no script, nothing loaded from anywhere (its own
//! content policy forbids it), light and dark, narrow and wide, and readable in print.

use std::fmt::Write as _;

/// A whole page; `body` is HTML, `title` is text.
pub(crate) fn page(title: &str, body: &str) -> String {
    let title = escape(title);
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <meta http-equiv=\"Content-Security-Policy\" \
         content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n{body}</main>\n\
         </body>\n</html>\n"
    )
}

/// Text as HTML: markup escaped; characters that no page may hold, and those that turn the direction of
/// what follows, shown as U+FFFD.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\t' => out.push(c),
            '\r' => {}
            c if c.is_control() => out.push('\u{FFFD}'),
            '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' => out.push('\u{FFFD}'),
            '\u{FFFE}' | '\u{FFFF}' => out.push('\u{FFFD}'),
            c => out.push(c),
        }
    }
    out
}

/// A two-column table of names and values.
pub(crate) fn facts<'a>(facts: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut out = String::from("<table class=\"facts\">\n");
    for (name, value) in facts {
        let _ = writeln!(
            out,
            "<tr><th scope=\"row\">{}</th><td>{}</td></tr>",
            escape(name),
            escape(value)
        );
    }
    out + "</table>\n"
}

/// A figure at two widths, of which the page shows the one that fits. Both are finished SVG.
pub(crate) fn figure(wide: &str, narrow: &str) -> String {
    format!(
        "<figure><div class=\"wide\">{wide}</div><div class=\"narrow\">{narrow}</div></figure>\n"
    )
}

const STYLE: &str = "
:root{--ink:#1d2129;--muted:#5f6774;--line:#e4e7ec;--paper:#fff;--ground:#f5f6f8;--good:#00548f;\
--bad:#a74300;--code:#f1f3f6}
@media screen and (prefers-color-scheme:dark){:root{--ink:#e8eaee;--muted:#a0a8b5;--line:#2c323c;\
--paper:#14171c;--ground:#0d0f13;--good:#319edd;--bad:#ec8750;--code:#1c2028}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--ink);\
font:16px/1.55 system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif;\
-webkit-text-size-adjust:100%}
main{max-width:784px;margin:0 auto;padding:40px 16px 64px}
header p{color:var(--muted);margin:0}
h1{font-size:15px;font-weight:600;margin:0 0 2px;overflow-wrap:anywhere}
h2{font-size:20px;line-height:1.3;margin:48px 0 12px}
h3{font-size:15px;margin:0 0 6px}
p{margin:0 0 12px;max-width:44em}
.verdict{font-size:27px;line-height:1.3;font-weight:650;margin:26px 0 10px;letter-spacing:-.01em;\
max-width:none;text-wrap:pretty}
.verdict b{font-weight:750}
.better b{color:var(--good)}.worse b{color:var(--bad)}
.verdict .how{font-weight:400;color:var(--muted)}
.quiet{color:var(--muted)}.range{white-space:nowrap}.under{margin-top:10px;font-size:14px}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(170px,1fr));gap:12px;margin:24px 0 0}
.tile{background:var(--paper);border:1px solid var(--line);border-radius:8px;padding:14px 16px}
.tile .name{font-size:13px;color:var(--muted)}
.tile .value{font-size:21px;white-space:nowrap;font-weight:650;font-variant-numeric:tabular-nums;line-height:1.35}
.tile .value .from{color:var(--muted);font-weight:400}
.tile .note{font-size:13px;color:var(--muted)}
figure{margin:16px 0;background:var(--paper);border:1px solid var(--line);border-radius:8px;\
padding:8px;break-inside:avoid}
figure svg{display:block;max-width:100%;height:auto;margin:0 auto}
.narrow{display:none}
table{border-collapse:collapse;width:100%;font-size:15px;font-variant-numeric:tabular-nums}
th,td{text-align:left;padding:7px 14px 7px 0;border-bottom:1px solid var(--line);vertical-align:top}
.facts td,td:first-child,code{overflow-wrap:anywhere}
.scroll td:first-child:not(.right){min-width:9em}
thead th{color:var(--muted);font-weight:500;font-size:13px}
.facts th{font-weight:400;color:var(--muted);width:38%}
.right{text-align:right;white-space:nowrap}
.scroll{overflow-x:auto}
.warnings{border-left:4px solid var(--bad);background:var(--paper);border-radius:0 8px 8px 0;\
padding:12px 18px;margin:24px 0 0}
.warnings ul{margin:0;padding-left:18px}
.sample{background:var(--paper);border:1px solid var(--line);border-radius:8px;padding:16px 18px;\
margin:0 0 14px;break-inside:avoid}
.sample .prompt{white-space:pre-wrap;overflow-wrap:anywhere;margin:0 0 14px;padding-bottom:12px;\
border-bottom:1px solid var(--line);max-width:none}
.pair{display:grid;grid-template-columns:1fr 1fr;gap:18px}
.label{font-size:12px;color:var(--muted);margin:0 0 3px}
.answer{white-space:pre-wrap;overflow-wrap:anywhere;margin:0}
.sample .expected{margin-top:12px;padding-top:10px;border-top:1px dashed var(--line);\
color:var(--muted);font-size:14px}
code,pre{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:14px}
pre{background:var(--code);border-radius:6px;padding:10px 14px;margin:0 0 14px;white-space:pre-wrap;\
overflow-wrap:anywhere}
details{margin:12px 0}
summary{cursor:pointer;font-weight:600;padding:6px 0}
footer{margin-top:56px;padding-top:14px;border-top:1px solid var(--line);font-size:13px;\
color:var(--muted)}
@media (max-width:740px){main{padding-top:22px}.wide{display:none}.narrow{display:block}\
.pair{grid-template-columns:1fr;gap:12px}.verdict{font-size:22px}figure{padding:2px}\
.scroll table{font-size:13px}.scroll th,.scroll td{padding-right:6px}\
.scroll .range{display:block;font-size:12px;white-space:normal}.scroll [scope]{min-width:4.6em}}
@media print{body{background:#fff;font-size:11pt}main{max-width:none;padding:0}.wide{display:block}\
.narrow{display:none}details>*{display:block}details::details-content{content-visibility:visible;display:block}h2{break-after:avoid}}
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_become_markup() {
        assert_eq!(
            escape("<a href='x'>&\"\u{0}\u{202E}\n"),
            "&lt;a href=&#39;x&#39;&gt;&amp;&quot;\u{FFFD}\u{FFFD}\n"
        );
    }
}
