//! What the workbench does, as typed request to typed report; the command line and the server call the
//! same functions. Nothing here parses arguments or writes to the terminal.

pub(crate) mod answer;
mod available;
pub(crate) mod book;
pub(crate) mod broken;
pub(crate) mod builtin;
pub(crate) mod compare;
pub(crate) mod compare_page;
mod compare_runs;
pub(crate) mod compare_sources;
mod conclusion;
pub(crate) mod digits;
pub(crate) mod eval;
pub(crate) mod figures;
pub(crate) mod fit;
pub(crate) mod game;
pub(crate) mod html_page;
pub(crate) mod listener;
pub(crate) mod loading;
pub(crate) mod method;
pub(crate) mod model;
pub(crate) mod numbers;
pub(crate) mod perplexity;
pub(crate) mod report_html;
pub(crate) mod score;
pub(crate) mod source;
pub(crate) mod surprise;
pub(crate) mod surprise_page;
pub(crate) mod tag_scores;
pub(crate) mod tags;
pub(crate) mod texts;
pub(crate) mod tune;
pub(crate) mod tune_report;
pub(crate) mod tuned;
