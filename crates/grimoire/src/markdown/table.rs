//! Tables: columns as wide as they need, narrowed and their cells broken when the window is too small.

use super::inline::{Span, columns, parse, wrap};
use super::{INDENT, Look};

/// The gap between two columns.
const GAP: usize = 2;

/// Which side a column's cells stand on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Left,
    Middle,
    Right,
}

/// Whether a table starts here: a row, then a row of dashes.
pub(super) fn is_table(lines: &[&str]) -> bool {
    lines[0].contains('|') && lines.get(1).is_some_and(|line| sides(line).is_some())
}

/// Renders the table that starts here; returns how many lines it took.
pub(super) fn render(lines: &[&str], look: Look, out: &mut String) -> usize {
    let Some(sides) = sides(lines[1]) else { return 1 };
    let body = lines[2..].iter().take_while(|line| line.contains('|')).count();
    let mut rows = vec![cells(lines[0])];
    rows.extend(lines[2..2 + body].iter().map(|line| cells(line)));
    let rows: Vec<Vec<Vec<Span>>> = rows
        .into_iter()
        .map(|row| (0..sides.len()).map(|at| parse(row.get(at).map_or("", |c| c))).collect())
        .collect();
    let widths = widths(&rows, sides.len(), look.width.saturating_sub(INDENT.len()));
    for (index, row) in rows.iter().enumerate() {
        let look = Look { colour: look.colour, ..look };
        let cells: Vec<Vec<String>> =
            row.iter().zip(&widths).map(|(cell, width)| wrap(cell, *width, look)).collect();
        let bare = Look { colour: false, ..look };
        let sizes: Vec<Vec<usize>> = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| wrap(cell, *width, bare).iter().map(|l| columns(l)).collect())
            .collect();
        let height = cells.iter().map(Vec::len).max().unwrap_or(0);
        for at in 0..height {
            let mut line = String::from(INDENT);
            for (column, side) in sides.iter().enumerate() {
                let text = cells[column].get(at).map_or("", String::as_str);
                let size = sizes[column].get(at).copied().unwrap_or(0);
                let space = widths[column].saturating_sub(size);
                let before = match side {
                    Side::Left => 0,
                    Side::Middle => space / 2,
                    Side::Right => space,
                };
                let text = if index == 0 { look.bold(text) } else { text.to_owned() };
                line.push_str(&" ".repeat(before));
                line.push_str(&text);
                line.push_str(&" ".repeat(space - before + GAP));
            }
            out.push_str(line.trim_end());
            out.push('\n');
        }
        if index == 0 {
            let rules: Vec<String> = widths.iter().map(|width| "─".repeat(*width)).collect();
            out.push_str(&format!("{INDENT}{}\n", rules.join("  ")));
        }
    }
    out.push('\n');
    2 + body
}

/// The sides of the columns, if the line is a row of dashes.
fn sides(line: &str) -> Option<Vec<Side>> {
    if !line.contains('-') || !line.contains('|') {
        return None;
    }
    cells(line)
        .iter()
        .map(|cell| {
            let cell = cell.trim();
            let dashes = cell.trim_matches(':');
            if dashes.is_empty() || !dashes.bytes().all(|b| b == b'-') {
                return None;
            }
            Some(match (cell.starts_with(':'), cell.ends_with(':')) {
                (true, true) => Side::Middle,
                (false, true) => Side::Right,
                _ => Side::Left,
            })
        })
        .collect()
}

/// The cells of a row; `\|` is a bar inside one.
fn cells(line: &str) -> Vec<String> {
    let line = line.trim();
    let line = line.strip_prefix('|').unwrap_or(line);
    let mut cells = vec![String::new()];
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' if chars.peek() == Some(&'|') => {
                chars.next();
                if let Some(cell) = cells.last_mut() {
                    cell.push('|');
                }
            }
            '|' => cells.push(String::new()),
            other => {
                if let Some(cell) = cells.last_mut() {
                    cell.push(other);
                }
            }
        }
    }
    if cells.len() > 1 && cells.last().is_some_and(|cell| cell.trim().is_empty()) {
        cells.pop();
    }
    cells.iter().map(|cell| cell.trim().to_owned()).collect()
}

/// The widths of the columns: what they need, the widest narrowed until all fit.
fn widths(rows: &[Vec<Vec<Span>>], n_columns: usize, room: usize) -> Vec<usize> {
    let need = |cell: &Vec<Span>| cell.iter().map(|span| columns(&span.text)).sum::<usize>();
    let mut widths: Vec<usize> = (0..n_columns)
        .map(|at| rows.iter().map(|row| need(&row[at])).max().unwrap_or(0).max(1))
        .collect();
    let gaps = GAP * n_columns.saturating_sub(1);
    while widths.iter().sum::<usize>() + gaps > room {
        let Some(widest) = (0..n_columns).max_by_key(|at| widths[*at]) else { break };
        if widths[widest] <= 8 {
            break;
        }
        widths[widest] -= 1;
    }
    widths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_by_their_side() {
        let text = ["| name | n |", "|:--|--:|", "| a \\| b | 1 |", "| c | 23 |", "after"];
        let mut out = String::new();
        assert!(is_table(&text));
        assert_eq!(render(&text, Look { width: 40, colour: false }, &mut out), 4);
        assert_eq!(out, "  name    n\n  ─────  ──\n  a | b   1\n  c      23\n\n");
    }
}
