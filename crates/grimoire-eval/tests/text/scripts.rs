//! ROUGE of scripts that its first tokenizer does not know, worked out by hand, and the warning.

use grimoire_eval::text::rouge::{self, Kind, RougeOptions, Several, Tokens};
use grimoire_testkit::close;

fn unicode() -> RougeOptions {
    RougeOptions { tokens: Tokens::Unicode, ..Default::default() }
}

#[test]
fn words_or_characters_match_in_every_script() {
    // Matching units over units of the candidate and of the reference.
    for (name, candidate, reference, hits, ours, theirs) in [
        // A character with its marks is a unit: แ ม ว กิ น ป ล า and แ ม ว กิ น ข้ า ว.
        ("Thai", "แมวกินปลา", "แมวกินข้าว", 6, 8, 8),
        // The vowel AM is one character, as typed and as decomposed.
        ("Thai AM", "น้ำ", "น\u{e49}\u{e33}", 1, 1, 1),
        ("Chinese", "我喜欢猫。", "我喜欢狗！", 3, 4, 4),
        ("Japanese", "猫が好きです", "犬が好きです", 5, 6, 6),
        // Half-width kana are the same kana: デ ー タ.
        ("Japanese, half width", "ﾃﾞｰﾀ", "データ", 3, 3, 3),
        ("Arabic", "القطة تجلس على الحصير", "القطة تجلس على الكرسي", 3, 4, 4),
        // Vowel signs belong to their word.
        ("Hindi", "मैं घर जाता हूँ", "मैं घर जाती हूँ", 3, 4, 4),
        ("mixed", "GPT模型 2024年", "gpt模型", 3, 5, 3),
        ("French, two forms of é", "Cafe\u{301} noir", "café", 1, 2, 1),
    ] {
        let score =
            &rouge::sentence(candidate, &[reference], &[Kind::N(1)], &unicode()).unwrap()[0];
        println!("{name}");
        close(score.precision, f64::from(hits) / f64::from(ours), 1e-15, 0.0);
        close(score.recall, f64::from(hits) / f64::from(theirs), 1e-15, 0.0);
    }
}

#[test]
fn the_warning_comes_above_five_percent() {
    let loss = |text: &str| {
        rouge::corpus(&[text], &[vec!["x"]], &[Kind::L], &RougeOptions::default()).unwrap().loss
    };
    // With the x of the reference, 20 letters, one of them lost, then 19.
    assert!(loss(&format!("{}é", "a".repeat(18))).warning().is_none());
    assert!(loss(&format!("{}é", "a".repeat(17))).warning().is_some());
    assert!(loss("สวัสดี").warning().is_some());
    assert!(loss("plain text, 1984 ... (!)").warning().is_none());
}

#[test]
fn several_references_count_by_the_best_or_by_the_mean() {
    let references = ["the cat is on the mat", "a cat sat there"];
    let kinds = [Kind::N(1), Kind::N(2), Kind::L];
    let of = |references: &[&str], several| {
        let options = RougeOptions { several, ..Default::default() };
        rouge::sentence("the cat sat on the mat", references, &kinds, &options).unwrap()
    };
    let each: Vec<_> = references.iter().map(|r| of(&[*r], Several::Max)).collect();
    let (best, mean) = (of(&references, Several::Max), of(&references, Several::Mean));
    for kind in 0..kinds.len() {
        assert_eq!(best[kind], each[0][kind]);
        close(mean[kind].f1, (each[0][kind].f1 + each[1][kind].f1) / 2.0, 1e-15, 0.0);
    }
}
