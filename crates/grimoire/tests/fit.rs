//! `grimoire fit` as whole commands: a table in, a model and its figures out, wrong input named.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::type_complexity,
    reason = "a test stops at what it did not expect, and says what it saw"
)]

use grimoire_testkit::{close, golden};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn grimoire(folder: &Path, line: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_grimoire"))
        .current_dir(folder)
        .arg("fit")
        .args(line.split_whitespace())
        .output()
        .unwrap()
}

fn json(folder: &Path, line: &str) -> Value {
    let output = grimoire(folder, &format!("{line} --json"));
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn talk(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

/// Seven rows with a category, two of them with a hole.
fn with_holes() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let text = "y,x,colour\n1,2,red\n2,NA,blue\n3,4,red\n5,6,green\n4,5,blue\n7,8,\n6,7,green\n";
    std::fs::write(folder.path().join("t.csv"), text).unwrap();
    folder
}

fn linear() -> PathBuf {
    grimoire_testkit::repository_root().join("golden/linear")
}

/// NIST's Filip, a polynomial of degree 10 whose columns are nearly dependent: the certified values
/// (golden/linear/nist.py) to the last digit through a CSV file and the command.
#[test]
fn ols_prints_all_the_digits_of_a_polynomial() {
    let all: Value = golden::read("linear/nist.json");
    let filip = &all["filip"];
    let cells = |value: &Value| -> Vec<String> {
        value.as_array().unwrap().iter().map(|cell| cell.as_str().unwrap().to_owned()).collect()
    };
    let (y, x) = (cells(&filip["y"]), cells(&filip["x"][0]));
    let folder = tempfile::tempdir().unwrap();
    let rows: String = y.iter().zip(&x).map(|(y, x)| format!("{y},{x}\n")).collect();
    std::fs::write(folder.path().join("filip.csv"), format!("y,x\n{rows}")).unwrap();
    let report = json(folder.path(), "ols filip.csv --target y --poly x:10");
    let expected = cells(&filip["certified"]["coefficients"]);
    let terms = report["terms"].as_array().unwrap();
    assert_eq!(terms.len(), 11);
    for (term, expected) in terms.iter().zip(expected) {
        close(number(&term["coefficient"]), expected.parse().unwrap(), 1e-14, 0.0);
    }
}

#[test]
fn a_lasso_path_states_its_convention_and_agrees_with_glmnet() {
    let cases: Vec<Value> = golden::read("linear/path-glmnet.json");
    let case = cases.iter().find(|case| case["name"] == "mtcars").unwrap();
    let report = json(&linear(), "lasso mtcars.csv --target hp --lambda 5,1,0 --folds 0");
    assert_eq!(report["objective"], "|y - b0 - Xb|^2/(2n) + lambda |b|_1");
    assert_eq!(report["convention"], "glmnet");
    let path = report["path"].as_array().unwrap();
    for (row, expected) in path.iter().zip(case["coefficients"].as_array().unwrap()) {
        close(number(&row["intercept"]), number(&expected[0]), 1e-7, 1e-7);
        for (j, b) in row["coefficients"].as_array().unwrap().iter().enumerate() {
            close(number(b), number(&expected[j + 1]), 1e-7, 1e-7);
        }
        assert!(number(&row["gap"]) <= 1e-12);
    }
    let text = grimoire(&linear(), "lasso mtcars.csv --target hp").stdout;
    let text = String::from_utf8(text).unwrap();
    assert!(text.contains("convention: glmnet, predictors scaled to variance one"), "{text}");
    assert!(text.contains("one-se") && text.contains("least"), "{text}");
    let other = json(&linear(), "elastic-net mtcars.csv --target hp --convention sklearn");
    assert_eq!(other["convention"], "sklearn");
    assert_eq!(other["objective"], "|y - b0 - Xb|^2/(2n) + lambda (0.5 |b|_1 + 0.5 |b|_2^2/2)");
}

#[test]
fn holes_and_categories_follow_the_stated_rules() {
    let folder = with_holes();
    let dropped = json(folder.path(), "ols t.csv --target y");
    assert_eq!((&dropped["source"]["n"], &dropped["source"]["dropped"]), (&5.into(), &2.into()));
    let names = |report: &Value| -> Vec<String> {
        let terms = report["terms"].as_array().unwrap().iter();
        terms.map(|term| term["name"].as_str().unwrap().to_owned()).collect()
    };
    // The first level in sorted order is the base.
    assert_eq!(names(&dropped), ["(Intercept)", "x", "colour=green", "colour=red"]);
    let filled = json(folder.path(), "ols t.csv --target y --missing fill");
    assert_eq!(filled["source"]["n"], 7);
    assert_eq!(names(&filled).len(), 5, "a missing category is a level of its own");
    let refused = grimoire(folder.path(), "ols t.csv --target y --missing error");
    assert!(talk(&refused).contains("t.csv, line 3: no value for `x`"), "{}", talk(&refused));
}

/// R writes row names into a first column without a name, pandas an index: a count of rows is no predictor.
#[test]
fn row_numbers_are_left_out_unless_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let rows = [(3.5, 1.0), (5.0, 2.5), (4.5, 2.0), (8.0, 4.5), (7.5, 3.5)];
    let write = |name: &str, first: &dyn Fn(usize) -> String, header: &str| {
        let lines: String = rows
            .iter()
            .enumerate()
            .map(|(i, (y, x))| format!("{}\t{y}\t{x}\n", first(i)))
            .collect();
        std::fs::write(folder.path().join(name), format!("{header}\ty\tx\n{lines}")).unwrap();
    };
    write("r.data", &|i| (i + 1).to_string(), "");
    write("pandas.tsv", &|i| i.to_string(), "\"\"");
    write("other.data", &|i| (i * i).to_string(), "");
    write("named.data", &|i| (i + 1).to_string(), "day");
    let terms = |line: &str| -> Vec<String> {
        let report = json(folder.path(), line);
        let terms = report["terms"].as_array().unwrap().iter();
        terms.map(|term| term["name"].as_str().unwrap().to_owned()).collect()
    };
    for file in ["r.data", "pandas.tsv"] {
        let plain = grimoire(folder.path(), &format!("ols {file} --target y"));
        let note = format!(
            "{file}: the first column has no name and only counts the rows; it is left out"
        );
        assert!(talk(&plain).contains(&note), "{}", talk(&plain));
        assert_eq!(terms(&format!("ols {file} --target y")), ["(Intercept)", "x"]);
        let kept = format!("ols {file} --target y --keep-row-numbers");
        assert_eq!(terms(&kept), ["(Intercept)", "", "x"]);
        assert!(talk(&grimoire(folder.path(), &kept)).is_empty());
    }
    let report = json(folder.path(), "ols r.data --target y");
    assert_eq!(report["source"]["row_numbers_left_out"], true);
    // An empty word names it.
    assert_eq!(terms("ols r.data --target y --features ,x"), ["(Intercept)", "", "x"]);
    assert_eq!(terms("ols other.data --target y"), ["(Intercept)", "", "x"]);
    assert_eq!(terms("ols named.data --target y"), ["(Intercept)", "day", "x"]);
    let lasso = grimoire(folder.path(), "lasso r.data --target y --lambda 0.1 --folds 0");
    assert!(talk(&lasso).contains("--keep-row-numbers keeps it"), "{}", talk(&lasso));
    // A model fitted without them predicts from a file that has none.
    json(folder.path(), "ols r.data --target y --save m.json");
    std::fs::write(folder.path().join("new.csv"), "x\n2\n").unwrap();
    assert_eq!(json(folder.path(), "predict m.json new.csv")["n"], 1);
}

#[test]
fn a_saved_model_predicts_and_names_what_it_does_not_know() {
    let folder = with_holes();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    // y = x − 1 on all rows without a hole.
    json(folder.path(), "ols t.csv --target y --features x --save m.json");
    write("new.csv", "x\n3\nNA\n10\n");
    let output = grimoire(folder.path(), "predict m.json new.csv");
    assert_eq!(String::from_utf8_lossy(&output.stdout).lines().count(), 3);
    let report = json(folder.path(), "predict m.json new.csv");
    let rows = report["rows"].as_array().unwrap();
    close(number(&rows[0]["prediction"]), 2.0, 1e-12, 0.0);
    close(number(&rows[1]["prediction"]), 9.0, 1e-12, 0.0);
    assert_eq!((&rows[1]["line"], &report["dropped"]), (&4.into(), &1.into()));
    json(folder.path(), "ols t.csv --target y --save c.json");
    write("pink.csv", "x,colour\n3,pink\n");
    let unknown = grimoire(folder.path(), "predict c.json pink.csv");
    assert!(talk(&unknown).contains("line 2: `colour` is `pink`, which the model has not seen"));
    assert_eq!(unknown.status.code(), Some(1));
}

/// Levels come from the rows that are used. Two groups with means 2.5 and 5.75: the base is the first mean, the term
/// their difference, and a level whose only row has no target is not known.
#[test]
fn categories_have_the_levels_of_the_rows_used() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("t.csv", "c,x,y\na,1,\nb,2,2\nb,6,3\nd,1,5\nd,3,6.5\n");
    let report = json(folder.path(), "ols t.csv --target y --features c --save m.json");
    let terms = report["terms"].as_array().unwrap();
    assert_eq!(terms.len(), 2);
    assert_eq!(terms[1]["name"], "c=d");
    close(number(&terms[0]["coefficient"]), 2.5, 1e-14, 0.0);
    close(number(&terms[1]["coefficient"]), 3.25, 1e-14, 0.0);
    assert_eq!(report["source"]["categories"], serde_json::json!([{ "column": "c", "base": "b" }]));
    write("new.csv", "c\nb\n\na\n");
    let unknown = grimoire(folder.path(), "predict m.json new.csv");
    let said = "new.csv, line 4: `c` is `a`, which the model has not seen";
    assert!(talk(&unknown).contains(said), "{}", talk(&unknown));
    let lasso = json(folder.path(), "lasso t.csv --target y --features c --lambda 0 --folds 0");
    assert_eq!(lasso["terms"], serde_json::json!(["c=d"]));
    // The mean that fills a hole is that of the rows with a target, (2 + 6 + 3)/3 and not (1 + 2 + 6 + 3)/4.
    write("holes.csv", "x,y\n1,\n2,2\n6,3\n,5\n3,6.5\n");
    json(folder.path(), "ols holes.csv --target y --missing fill --save f.json");
    let model = std::fs::read_to_string(folder.path().join("f.json")).unwrap();
    let model: Value = serde_json::from_str(&model).unwrap();
    close(number(&model["encoding"]["features"][0]["mean"]), 11.0 / 3.0, 1e-15, 0.0);
}

#[test]
fn a_cell_that_makes_a_category_of_numbers_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("mixed.csv", "x,y\n1,2\n2,3\n3a,4\n2,6\n1,3\n");
    let output = grimoire(folder.path(), "ols mixed.csv --target y");
    let said = "mixed.csv: `x` is taken as a category, for line 4 is `3a`";
    assert!(talk(&output).contains(said), "{}", talk(&output));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("base of the categories: x=1\n"), "{text}");
    assert!(talk(&grimoire(folder.path(), "ols mixed.csv --target y --category x")).contains(said));
    write("inf.csv", "x,y\n1,2\n2,3\ninf,4\n4,6\n");
    let refused = grimoire(folder.path(), "ols inf.csv --target y");
    let said = "inf.csv, line 4: `x` is `inf`, which is not a finite number";
    assert!(talk(&refused).contains(said), "{}", talk(&refused));
}

/// Empty lines and quoted line ends count as lines of the file.
#[test]
fn lines_are_those_of_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("t.csv", "y,x,note\r\n1,1,a\r\n\r\n\r\n2,3,\"b\r\nc\"\r\n\r\n4,4,a\r\n5,7,a\r\n");
    json(folder.path(), "ols t.csv --target y --features x --save m.json");
    let rows = json(folder.path(), "predict m.json t.csv");
    let lines: Vec<u64> =
        rows["rows"].as_array().unwrap().iter().map(|row| row["line"].as_u64().unwrap()).collect();
    assert_eq!(lines, [2, 5, 8, 9]);
    write("wrong.csv", "y,x\n\n1,2\n\n\noops,3\n");
    let refused = grimoire(folder.path(), "ols wrong.csv --target y");
    assert!(talk(&refused).contains("line 6: `y` is `oops`"), "{}", talk(&refused));
}

#[test]
fn names_with_commas_stand_in_quotes() {
    let folder = tempfile::tempdir().unwrap();
    let text = "\"size,m2\",y,z\n1,2,3\n2,3,1\n3,5,2\n4,6,4\n";
    std::fs::write(folder.path().join("t.csv"), text).unwrap();
    for line in ["--features \"size,m2\"", "--exclude z"] {
        let report = json(folder.path(), &format!("ols t.csv --target y {line}"));
        assert_eq!(report["terms"][1]["name"], "size,m2", "{line}");
        // Slope of 2, 3, 5, 6 on 1 to 4.
        close(number(&report["terms"][1]["coefficient"]), 1.4, 1e-14, 0.0);
    }
    let both = json(folder.path(), "ols t.csv --target y --features \"size,m2\",z");
    assert_eq!(both["terms"].as_array().unwrap().len(), 3);
}

#[test]
fn ridge_says_what_it_scales_by_and_takes_only_its_options() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("t.csv", "x,y\n1,2\n2,3\n3,5\n");
    let of = |line: &str| json(folder.path(), &format!("ridge t.csv --target y --lambda 1 {line}"));
    assert_eq!(of("")["objective"], "|y - b0 - Xb|^2/(2n) + lambda |b|_2^2/(2s), s = sd(y)");
    let report = of("--no-intercept --standardize false");
    let text = "|y - Xb|^2/(2n) + lambda |b|_2^2/(2s), s = sqrt(mean(y^2))";
    assert_eq!(report["objective"], text);
    // x'y = 23, x'x = 14, n = 3, s = sqrt(38/3): the objective is least at 23/(14 + 3/s).
    let s = (38.0_f64 / 3.0).sqrt();
    close(number(&report["path"][0]["coefficients"][0]), 23.0 / (14.0 + 3.0 / s), 1e-13, 0.0);
    for option in ["--lambdas 5", "--ratio 0.1", "--tolerance 1e-3", "--updates naive", "--folds 3"]
    {
        let output = grimoire(folder.path(), &format!("ridge t.csv --target y {option}"));
        assert!(talk(&output).contains("unexpected argument"), "{option}: {}", talk(&output));
    }
    write("const.csv", "x,y\n1,2\n2,2\n3,2\n");
    let constant = grimoire(folder.path(), "ridge const.csv --target y");
    assert!(talk(&constant).contains("y does not vary"), "{}", talk(&constant));
    assert_eq!(constant.status.code(), Some(1));
}

#[test]
fn figures_are_written_whole() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(linear().join("mtcars.csv"), folder.path().join("cars.csv")).unwrap();
    for (line, file) in [
        ("ols cars.csv --target hp --plot a.svg", "a.svg"),
        ("lasso cars.csv --target hp --plot b.svg", "b.svg"),
        ("lasso cars.csv --target hp --plot-loss c.svg", "c.svg"),
        ("ridge cars.csv --target hp --plot d.svg", "d.svg"),
    ] {
        let output = grimoire(folder.path(), line);
        assert!(output.status.success(), "{line}: {}", talk(&output));
        let svg = std::fs::read_to_string(folder.path().join(file)).unwrap();
        assert!(svg.starts_with("<svg ") && svg.trim_end().ends_with("</svg>"), "{line}");
    }
}

#[test]
fn wrong_calls_say_what_was_wrong() {
    let folder = with_holes();
    for (line, message, code) in [
        ("lasso t.csv --target z", "t.csv has no column `z`", 2),
        ("lasso t.csv --target y --lambda=-1", "value 1 of the penalties is -1, expected", 2),
        ("lasso t.csv --target y --ratio 2", "the ratio of the last penalty to the first is 2", 2),
        ("elastic-net t.csv --target y --alpha 2", "the absolute-value penalty is 2", 2),
        ("ols t.csv --target y --poly x:30", "--poly x:30: expected COLUMN:DEGREE", 2),
        ("ols t.csv --target colour", "line 2: `colour` is `red`, which is not a number", 1),
        ("logistic t.csv --target colour", "has 3 different values", 1),
        ("ols missing.csv --target y", "missing.csv", 1),
    ] {
        let output = grimoire(folder.path(), line);
        assert!(talk(&output).contains(message), "{line}: {}", talk(&output));
        assert_eq!(output.status.code(), Some(code), "{line}");
        assert!(output.stdout.is_empty(), "{line}");
    }
}

#[test]
fn threads_and_seeds_leave_the_bytes_alone() {
    let line = "lasso mtcars.csv --target hp --json --seed 3";
    let one = grimoire(&linear(), &format!("{line} --threads 1")).stdout;
    assert!(!one.is_empty());
    assert_eq!(one, grimoire(&linear(), &format!("{line} --threads 3")).stdout);
}
