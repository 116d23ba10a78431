//! The obvious definition that the fast path is held to: a sentence at a time, a tag at a time, `O` as any other
//! tag. Tests only.

use super::scheme::Scheme;
use super::steps::{END, INSIDE, START};
use super::{
    EntityCounts, Finder, PREDICTION, Reading, Sentence, TOGETHER, TRUTH, Tally, entities,
};
use crate::EvalError;
use std::collections::BTreeMap;

type Spans = Vec<(usize, usize, String)>;

/// The entities of a sentence; the place of the first tag that the reading does not have.
fn spans(reading: Reading, tags: &[&str]) -> Result<Spans, usize> {
    let coder = Finder::new(reading).coder;
    let split = |tag| coder.split(tag).map(|(class, label)| (class, label.to_owned()));
    let outside = split("O").expect("every reading has it");
    let mut found = Vec::new();
    let mut open: Option<(usize, String)> = None;
    let mut last = outside.clone();
    for (at, tag) in tags.iter().enumerate() {
        let current = split(tag).ok_or(at)?;
        let step = coder.steps().of(last.0, current.0, last.1 == current.1);
        if step & INSIDE == 0
            && let Some((start, label)) = open.take()
            && step & END != 0
        {
            found.push((start, at, label));
        }
        if open.is_none() && step & START != 0 {
            open = Some((at, current.1.clone()));
        }
        last = current;
    }
    let step = coder.steps().of(last.0, outside.0, last.1 == outside.1);
    if let Some((start, label)) = open
        && (reading == Reading::Conlleval || step & END != 0)
    {
        found.push((start, tags.len(), label));
    }
    Ok(found)
}

/// Counts in all and by type, or sentence, token and side of the first bad tag.
type Counted = Result<(EntityCounts, BTreeMap<String, EntityCounts>), (usize, usize, &'static str)>;

fn counted(sentences: &[Sentence<'_>], reading: Reading) -> Counted {
    let mut all = EntityCounts::default();
    let mut types: BTreeMap<String, EntityCounts> = BTreeMap::new();
    for (index, (truth, predicted)) in sentences.iter().enumerate() {
        let truth = spans(reading, truth).map_err(|at| (index + 1, at + 1, TRUTH))?;
        let predicted = spans(reading, predicted).map_err(|at| (index + 1, at + 1, PREDICTION))?;
        let mut add = |span: &(usize, usize, String), counts: EntityCounts| {
            types.entry(span.2.clone()).or_default().add(&counts);
            all.add(&counts);
        };
        let none = EntityCounts::default();
        for span in &truth {
            let correct = u64::from(predicted.contains(span));
            add(span, EntityCounts { truth: 1, correct, ..none });
        }
        predicted.iter().for_each(|span| add(span, EntityCounts { predicted: 1, ..none }));
    }
    Ok((all, types))
}

/// The next number of a fixed sequence below `n` (splitmix64).
fn draw(state: &mut u64, n: usize) -> usize {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((mixed ^ (mixed >> 31)) % n as u64) as usize
}

/// Tags of every length class, and such as only one reading has.
const TAGS: [&str; 36] = [
    "B-a",
    "I-a",
    "E-a",
    "S-a",
    "U-a",
    "L-a",
    "B-b",
    "I-b",
    "E-b",
    "S-b",
    "U-b",
    "L-b",
    "B",
    "I",
    "E",
    "S",
    "U",
    "L",
    "O-",
    "O-a",
    "OO",
    "I-OO",
    "B-person",
    "I-person",
    "B-group",
    "I-location-of",
    "B-a-type-of-more-than-16-bytes",
    "I-a-type-of-more-than-16-bytes",
    "B-a-type-of-more-than-16-bytez",
    "",
    "X",
    ".",
    "[-a",
    "]-a",
    ".-b",
    "é-ä",
];

#[test]
fn random_sentences_count_as_one_by_one() {
    let strict = [Scheme::Iob1, Scheme::Iob2, Scheme::Ioe2, Scheme::Iobes, Scheme::Bilou];
    let readings = strict.map(Reading::Strict).into_iter().chain([Reading::Conlleval]);
    let (mut state, mut errors) = (0, 0);
    for (reading, round) in readings.flat_map(|reading| (0..60).map(move |round| (reading, round)))
    {
        let coder = Finder::new(reading).coder;
        let known: Vec<&str> = TAGS.into_iter().filter(|tag| coder.split(tag).is_some()).collect();
        // From hardly any tag but `O` to no `O`; in each fourth round some that the reading may not have.
        let rarity = 1 + round % 12;
        let mut tags = |n: usize| -> Vec<&str> {
            let mut tag = |_| match draw(&mut state, 3 * rarity) {
                0..=2 if round % 4 == 0 && draw(&mut state, 1000) == 0 => {
                    TAGS[draw(&mut state, TAGS.len())]
                }
                0..=2 => known[draw(&mut state, known.len())],
                _ => "O",
            };
            (0..n).map(&mut tag).collect()
        };
        let mut sentences: Vec<Sentence<'_>> = Vec::new();
        let mut n_tags = 0;
        while n_tags < TOGETHER + TOGETHER / 2 {
            let n = n_tags * 7 % 201;
            let truth = tags(n);
            let mut predicted = tags(n);
            // Some are right.
            predicted.iter_mut().zip(&truth).skip(n / 3).for_each(|(tag, right)| *tag = right);
            sentences.push((truth, predicted));
            n_tags += n + 1;
        }
        agree(&sentences, reading, &mut errors);
    }
    assert!(errors > 10, "{errors}");
}

/// Together and one by one, counts and errors are those of the definition.
fn agree(sentences: &[Sentence<'_>], reading: Reading, errors: &mut usize) {
    let expected = counted(sentences, reading);
    let mut tally = Tally::new(reading);
    let one_by_one = sentences.iter().enumerate().try_for_each(|(index, (truth, predicted))| {
        tally.add(truth, predicted).map(|_| ()).map_err(|error| error.in_sentence(index + 1))
    });
    let one_by_one = one_by_one.map(|()| tally.score());
    for found in [entities(sentences, reading), one_by_one] {
        match (found, &expected) {
            (Ok(score), Ok((all, types))) => {
                assert_eq!(score.counts, *all);
                let found = score.types.iter().map(|(label, (counts, _))| (label.clone(), *counts));
                assert_eq!(found.collect::<BTreeMap<_, _>>(), *types);
            }
            (Err(EvalError::Tag { tag, token, sentence, side, .. }), Err(place)) => {
                assert_eq!((sentence, token, side), *place);
                let (truth, predicted) = &sentences[sentence - 1];
                assert_eq!(tag, if side == TRUTH { truth } else { predicted }[token - 1]);
                *errors += 1;
            }
            (found, expected) => panic!("{found:?}, expected {expected:?}"),
        }
    }
    for (truth, _) in sentences {
        let found = reading.spans(truth).map(|spans| {
            spans
                .iter()
                .map(|span| (span.start, span.end, span.label.to_owned()))
                .collect::<Spans>()
        });
        assert_eq!(found.ok(), spans(reading, truth).ok());
    }
}

/// The public signature does not ask for sides of one length.
#[test]
fn sides_of_different_lengths_count_each() {
    let mut tally = Tally::new(Reading::Strict(Scheme::Iob2));
    let truth = ["O", "B-a", "I-a"];
    let predicted = ["O", "B-a", "I-a", "O", "O", "B-b"];
    let found = tally.add(&truth, &predicted);
    assert_eq!(found, Ok(EntityCounts { correct: 1, predicted: 2, truth: 1 }));
    assert_eq!(tally.add(&predicted, &[]), Ok(EntityCounts { correct: 0, predicted: 0, truth: 2 }));
}

/// conlleval leaves a chunk open where `O` follows `X`: the end of the sentence ends it, and the next has none.
#[test]
fn a_chunk_ends_with_its_sentence() {
    let sentences = vec![(vec!["B", "I"], vec!["B", "X"]), (vec!["X", "O"], vec!["X", "O"])];
    let found = entities(&sentences, Reading::Conlleval).map(|score| score.counts);
    assert_eq!(found, Ok(EntityCounts { correct: 1, predicted: 1, truth: 1 }));
    assert_eq!(found, counted(&sentences, Reading::Conlleval).map(|(all, _)| Ok(all)).unwrap());
}
