//! The suffix stripper of Porter (Program 14(3), 1980, 130–137) with the deviations of its most used
//! implementation, NLTK's default mode: a list of irregular forms, short words left alone, `-ies` and
//! `-ied` in four-letter words, `y` after a consonant, `-alli` first and `-fulli`, `-logi` added.
//! Words are lower-case ASCII letters and digits; a digit counts as a consonant. Not for other languages.

/// The stem of a lower-case ASCII word.
pub fn stem(word: &str) -> String {
    if let Some((_, stem)) = IRREGULAR.iter().find(|(form, _)| *form == word) {
        return (*stem).to_owned();
    }
    if word.len() <= 2 || !word.is_ascii() {
        return word.to_owned();
    }
    let mut stem = word.as_bytes().to_vec();
    plural(&mut stem);
    past(&mut stem);
    final_y(&mut stem);
    double_suffix(&mut stem);
    first_rule(&mut stem, STEP_3, |stem| measure(stem) > 0);
    step_4(&mut stem);
    final_e(&mut stem);
    if stem.ends_with(b"ll") && measure(&stem[..stem.len() - 1]) > 1 {
        stem.pop();
    }
    stem.into_iter().map(char::from).collect()
}

const IRREGULAR: [(&str, &str); 16] = [
    ("sky", "sky"),
    ("skies", "sky"),
    ("dying", "die"),
    ("lying", "lie"),
    ("tying", "tie"),
    ("news", "news"),
    ("innings", "inning"),
    ("inning", "inning"),
    ("outings", "outing"),
    ("outing", "outing"),
    ("cannings", "canning"),
    ("canning", "canning"),
    ("howe", "howe"),
    ("proceed", "proceed"),
    ("exceed", "exceed"),
    ("succeed", "succeed"),
];

/// Suffix and replacement.
type Rule = (&'static [u8], &'static [u8]);

const STEP_2: &[Rule] = &[
    (b"ational", b"ate"),
    (b"tional", b"tion"),
    (b"enci", b"ence"),
    (b"anci", b"ance"),
    (b"izer", b"ize"),
    (b"bli", b"ble"),
    (b"alli", b"al"),
    (b"entli", b"ent"),
    (b"eli", b"e"),
    (b"ousli", b"ous"),
    (b"ization", b"ize"),
    (b"ation", b"ate"),
    (b"ator", b"ate"),
    (b"alism", b"al"),
    (b"iveness", b"ive"),
    (b"fulness", b"ful"),
    (b"ousness", b"ous"),
    (b"aliti", b"al"),
    (b"iviti", b"ive"),
    (b"biliti", b"ble"),
    (b"fulli", b"ful"),
];

const STEP_3: &[Rule] = &[
    (b"icate", b"ic"),
    (b"ative", b""),
    (b"alize", b"al"),
    (b"iciti", b"ic"),
    (b"ical", b"ic"),
    (b"ful", b""),
    (b"ness", b""),
];

/// All are removed after a stem of measure above 1; `ion` only after s or t.
const STEP_4: [&[u8]; 19] = [
    b"al", b"ance", b"ence", b"er", b"ic", b"able", b"ible", b"ant", b"ement", b"ment", b"ent",
    b"ion", b"ou", b"ism", b"ate", b"iti", b"ous", b"ive", b"ize",
];

/// Step 1a.
fn plural(word: &mut Vec<u8>) {
    if word.ends_with(b"ies") {
        let drop = if word.len() == 4 { 1 } else { 2 };
        word.truncate(word.len() - drop);
    } else if word.ends_with(b"sses") {
        word.truncate(word.len() - 2);
    } else if word.ends_with(b"s") && !word.ends_with(b"ss") {
        word.pop();
    }
}

/// Step 1b.
fn past(word: &mut Vec<u8>) {
    if word.ends_with(b"ied") {
        let drop = if word.len() == 4 { 1 } else { 2 };
        word.truncate(word.len() - drop);
        return;
    }
    if word.ends_with(b"eed") {
        if measure(&word[..word.len() - 3]) > 0 {
            word.pop();
        }
        return;
    }
    let Some(suffix) = [&b"ed"[..], b"ing"]
        .into_iter()
        .find(|suffix| word.ends_with(suffix) && has_vowel(&word[..word.len() - suffix.len()]))
    else {
        return;
    };
    word.truncate(word.len() - suffix.len());
    if [&b"at"[..], b"bl", b"iz"].iter().any(|end| word.ends_with(end)) {
        word.push(b'e');
    } else if ends_double_consonant(word) {
        if !matches!(word.last(), Some(b'l' | b's' | b'z')) {
            word.pop();
        }
    } else if measure(word) == 1 && ends_consonant_vowel_consonant(word) {
        word.push(b'e');
    }
}

/// Step 1c: y after a consonant that is not the first letter.
fn final_y(word: &mut [u8]) {
    let stem = word.len() - 1;
    if word.last() == Some(&b'y') && stem > 1 && is_consonant(word, stem - 1) {
        word[stem] = b'i';
    }
}

/// Step 2.
fn double_suffix(word: &mut Vec<u8>) {
    while word.ends_with(b"alli") && measure(&word[..word.len() - 4]) > 0 {
        word.truncate(word.len() - 2);
    }
    if !first_rule(word, STEP_2, |stem| measure(stem) > 0)
        && word.ends_with(b"logi")
        && measure(&word[..word.len() - 3]) > 0
    {
        word.pop();
    }
}

/// Applies the first rule whose suffix fits, if its stem meets the condition; says whether one fitted.
fn first_rule(word: &mut Vec<u8>, rules: &[Rule], condition: impl Fn(&[u8]) -> bool) -> bool {
    let Some((suffix, replacement)) = rules.iter().find(|(suffix, _)| word.ends_with(suffix))
    else {
        return false;
    };
    let stem = word.len() - suffix.len();
    if condition(&word[..stem]) {
        word.truncate(stem);
        word.extend_from_slice(replacement);
    }
    true
}

fn step_4(word: &mut Vec<u8>) {
    let Some(suffix) = STEP_4.iter().find(|suffix| word.ends_with(suffix)) else { return };
    let stem = word.len() - suffix.len();
    let fits = *suffix != b"ion" || matches!(word[..stem].last(), Some(b's' | b't'));
    if fits && measure(&word[..stem]) > 1 {
        word.truncate(stem);
    }
}

/// Step 5a.
fn final_e(word: &mut Vec<u8>) {
    if word.last() != Some(&b'e') {
        return;
    }
    let stem = &word[..word.len() - 1];
    let m = measure(stem);
    if m > 1 || (m == 1 && !ends_consonant_vowel_consonant(stem)) {
        word.pop();
    }
}

fn is_vowel(letter: u8) -> bool {
    matches!(letter, b'a' | b'e' | b'i' | b'o' | b'u')
}

/// A y is a consonant at the start and after a vowel.
fn is_consonant(word: &[u8], at: usize) -> bool {
    if word[at] != b'y' {
        return !is_vowel(word[at]);
    }
    let run = word[..=at].iter().rev().take_while(|letter| **letter == b'y').count();
    let before = at.checked_sub(run).map(|index| !is_vowel(word[index]));
    // Along a run of y the kinds alternate; the first one is a consonant unless one stands before it.
    (run % 2 == 1) != before.unwrap_or(false)
}

/// Porter's m: how often a vowel is followed by a consonant.
fn measure(word: &[u8]) -> usize {
    let mut m = 0;
    let mut after_vowel = false;
    let mut consonant = false;
    for (at, letter) in word.iter().enumerate() {
        consonant = if *letter == b'y' { at == 0 || !consonant } else { !is_vowel(*letter) };
        m += usize::from(after_vowel && consonant);
        after_vowel = !consonant;
    }
    m
}

fn has_vowel(word: &[u8]) -> bool {
    (0..word.len()).any(|at| !is_consonant(word, at))
}

fn ends_double_consonant(word: &[u8]) -> bool {
    matches!(word, [.., a, b] if a == b) && is_consonant(word, word.len() - 1)
}

/// Consonant, vowel, consonant other than w, x, y; or a word of one vowel and one consonant.
fn ends_consonant_vowel_consonant(word: &[u8]) -> bool {
    let n = word.len();
    match n {
        0 | 1 => false,
        2 => !is_consonant(word, 0) && is_consonant(word, 1),
        _ => {
            is_consonant(word, n - 3)
                && !is_consonant(word, n - 2)
                && is_consonant(word, n - 1)
                && !matches!(word[n - 1], b'w' | b'x' | b'y')
        }
    }
}
