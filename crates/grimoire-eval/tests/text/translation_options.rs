//! Every option of BLEU, chrF and TER on every system of WMT22, of whole outputs and of every sentence, with
//! references that are missing here and there, against what `golden/eval/translation_options.py` recorded from
//! sacreBLEU 2.6.0. Only in the slow tier.

use crate::lines;
use crate::machine_translation::{Golden, Recorded};
use std::collections::HashMap;

#[test]
fn every_option_counts_and_scores_as_sacrebleu_on_every_system_of_wmt22() {
    if !grimoire_testkit::slow("options wmt22") {
        return;
    }
    let Some(folder) = grimoire_testkit::shared_data("options wmt22", "wmt22-mt") else { return };
    let golden: Golden = grimoire_testkit::golden::read("eval/translation_options.json.gz");
    let mut files: HashMap<String, Vec<String>> = HashMap::new();
    for recorded in &golden.configurations {
        let Recorded { pair, system, references, configuration } = recorded;
        let target = pair.split('-').nth(1).unwrap();
        let key = |name: &str| format!("{pair}/{name}.{target}.gz");
        let mut names = vec![key(&format!("hyp.{system}"))];
        names.extend(
            references.trim_end_matches('-').chars().map(|letter| key(&format!("ref.{letter}"))),
        );
        for name in &names {
            files.entry(name.clone()).or_insert_with(|| lines(&folder.join(name)));
        }
        let texts: Vec<&Vec<String>> = names.iter().map(|name| &files[name]).collect();
        let hypothesis: Vec<&str> = texts[0].iter().map(String::as_str).collect();
        let holes = references.ends_with('-');
        let these = |segment: usize| {
            let all = texts[1..].iter().enumerate();
            // Reference A is missing of segments 1, 4, 7 …, reference B of 0, 3, 6 ….
            let there = all.filter(|(at, _)| !holes || segment % 3 != 1 - at);
            there.map(|(_, lines)| lines[segment].as_str()).collect()
        };
        let by_segment: Vec<Vec<&str>> = (0..texts[0].len()).map(these).collect();
        let name = format!(
            "{pair} {system} {references} {} {}",
            configuration.kind, configuration.settings
        );
        configuration.check(&name, &hypothesis, &by_segment);
    }
    // As many as the script said that it wrote.
    assert_eq!(golden.configurations.len(), 1_362);
}
