//! The small world of the built-in model: its words (`xtask/builtin/words.toml`) and the notes, stories and
//! questions that are told about it. A grammar, not a language model: every sentence is a pattern with
//! words in it.

use super::draw::Draw;
use anyhow::{Context, Result};
use serde::Deserialize;
use std::collections::BTreeMap;

/// The words, by kind.
#[derive(Deserialize)]
pub(crate) struct World {
    pub(crate) adjectives: Vec<String>,
    pub(crate) nouns: Vec<String>,
    pub(crate) kinds: Vec<String>,
    pub(crate) foods: Vec<String>,
    pub(crate) moods: Vec<String>,
    tastes: Vec<String>,
    pub(crate) prices: Vec<String>,
    people: Vec<String>,
    women: Vec<String>,
    trades: Vec<String>,
    animals: Vec<String>,
    things: Vec<String>,
    weathers: Vec<String>,
    times: Vec<String>,
    goals: Vec<String>,
    facts: Vec<String>,
    pub(crate) areas: BTreeMap<String, String>,
}

/// A place to eat.
pub(crate) struct Place {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) mood: String,
    pub(crate) food: String,
    pub(crate) area: (String, String),
    pub(crate) price: String,
    pub(crate) children: bool,
}

impl World {
    /// Reads the words.
    pub(crate) fn read() -> Result<Self> {
        toml::from_str(include_str!("../../builtin/words.toml")).context("builtin/words.toml")
    }

    /// A place that nobody has seen before.
    pub(crate) fn place(&self, draw: &mut Draw) -> Place {
        let areas: Vec<(&String, &String)> = self.areas.iter().collect();
        let (word, phrase) = *draw.one(&areas);
        Place {
            name: format!("{} {}", draw.one(&self.adjectives), draw.one(&self.nouns)),
            kind: draw.one(&self.kinds).clone(),
            mood: draw.one(&self.moods).clone(),
            food: draw.one(&self.foods).clone(),
            area: (word.clone(), phrase.clone()),
            price: draw.one(&self.prices).clone(),
            children: draw.once_in(2),
        }
    }

    /// One document of the corpus.
    pub(crate) fn document(&self, draw: &mut Draw) -> String {
        match draw.below(12) {
            0 | 1 => self.note(draw),
            2 | 3 => self.questions(draw),
            4 => self.person(draw),
            5 => self.story(draw),
            6 => self.facts(draw),
            7..=9 => self.card(draw),
            _ => self.repetition(draw),
        }
    }

    /// A note about a place: some sentences in some order, the name again and again.
    fn note(&self, draw: &mut Draw) -> String {
        let place = self.place(draw);
        let Place { name, kind, mood, food, area: (_, area), price, children } = &place;
        let other = other_than(food, &self.foods, draw);
        let taste = draw.one(&self.tastes).clone();
        let first = match draw.below(4) {
            0 => format!("The {name} is {} {kind} {area}.", a(mood)),
            1 => format!("There is {} {kind} {area}, the {name}.", a(mood)),
            2 => format!("If you stand {area}, you can see the {name}. It is {} {kind}.", a(mood)),
            _ => format!("The {kind} {area} is called the {name}. It is {mood}."),
        };
        let mut more = vec![
            match draw.below(3) {
                0 => format!("It serves {food} and {other}."),
                1 => format!("You can have {food} there, or {other}."),
                _ => format!("The cook of the {name} is proud of the {food}."),
            },
            format!("Guests find the {food} at the {name} {taste}."),
            match draw.below(2) {
                0 => format!("Prices at the {name} are {price}."),
                _ => format!("The price of the {food} is {price}."),
            },
            match (children, draw.below(2)) {
                (true, 0) => "Children are welcome there.".to_owned(),
                (true, _) => format!("Children are welcome at the {name}."),
                (false, 0) => "It is not a place for children.".to_owned(),
                (false, _) => format!("The {name} is not a place for children."),
            },
            format!("People who like {food} go to the {name}."),
        ];
        let gap = gap(draw);
        draw.shuffle(&mut more);
        more.truncate(2 + draw.below(3));
        format!("{first}{gap}{}", more.join(gap))
    }

    /// Questions about a place, and their answers.
    fn questions(&self, draw: &mut Draw) -> String {
        let place = self.place(draw);
        let Place { name, kind, mood, food, area: (word, area), price, children } = &place;
        let mut pairs = vec![
            format!("Where is the {name}? The {name} is {area}."),
            format!("What does the {name} serve? The {name} serves {food}."),
            format!("What is the {name}? The {name} is {} {kind}.", a(mood)),
            format!("What does it cost? The price of the {food} at the {name} is {price}."),
            format!("Which {kind} is {area}? The {name} is {area}."),
            format!("Do you know the {word}? Yes, the {name} is {area}."),
            if *children {
                format!("Can I bring children to the {name}? Children are welcome there.")
            } else {
                format!("Can I bring children to the {name}? It is not a place for children.")
            },
        ];
        draw.shuffle(&mut pairs);
        pairs.truncate(3 + draw.below(3));
        pairs.join(gap(draw))
    }

    /// Facts about a place in some notation (never that of the tuning task), and the same in sentences.
    fn card(&self, draw: &mut Draw) -> String {
        let place = self.place(draw);
        let Place { name, kind, mood, food, area: (word, area), price, children } = &place;
        let welcome = if *children { "yes" } else { "no" };
        let all = [
            ("kind", kind.as_str()),
            ("food", food),
            ("area", word),
            ("mood", mood),
            ("price", price),
            ("children", welcome),
        ];
        let mut facts = all.to_vec();
        draw.shuffle(&mut facts);
        facts.truncate(2 + draw.below(5));
        let told = |label: &str| facts.iter().any(|(known, _)| *known == label);
        let mut sentences = vec![match (told("kind"), told("mood")) {
            (true, true) => format!("The {name} is {} {kind}.", a(mood)),
            (true, false) => format!("The {name} is {}.", a(kind)),
            (false, true) => format!("The {name} is {mood}."),
            (false, false) => format!("This is the {name}."),
        }];
        if told("area") {
            sentences.push(format!("The {name} is {area}."));
        }
        // Each fact in the words that notes use of it too, where it is new: what a card says holds in any words.
        if told("food") {
            sentences.push(match draw.below(2) {
                0 => format!("The {name} serves {food}."),
                _ => format!("You can have {food} there."),
            });
        }
        if told("price") {
            sentences.push(match draw.below(2) {
                0 if told("food") => format!("The price of the {food} is {price}."),
                _ => format!("Prices at the {name} are {price}."),
            });
        }
        if told("children") {
            sentences.push(match (children, draw.below(2)) {
                (true, 0) => "Children are welcome there.".to_owned(),
                (true, _) => format!("Children are welcome at the {name}."),
                (false, 0) => "It is not a place for children.".to_owned(),
                (false, _) => format!("The {name} is not a place for children."),
            });
        }
        let rest = &mut sentences[1..];
        draw.shuffle(rest);
        facts.insert(draw.below(2) * draw.below(facts.len() + 1), ("name", name));
        let list = |join: &str, fact: &dyn Fn(&(&str, &str)) -> String| {
            facts.iter().map(fact).collect::<Vec<_>>().join(join)
        };
        let card = match draw.below(4) {
            0 => list("; ", &|(label, value)| format!("{label} = {value}")),
            1 => list("; ", &|(label, value)| format!("{label} {value}")),
            2 => list("\n", &|(label, value)| format!("{label}: {value}")),
            _ => list(", ", &|(label, value)| format!("{value} ({label})")),
        };
        let start = if draw.once_in(2) { "On the card: " } else { "" };
        let (first, rest) = (gap(draw), sentences.join(gap(draw)));
        format!("{start}{card}.{first}{rest}")
    }

    /// Somebody says some words, and somebody says them again.
    fn repetition(&self, draw: &mut Draw) -> String {
        let name = draw.one(&self.people).clone();
        let friend = other_than(&name, &self.people, draw);
        let mut words: Vec<String> = Vec::new();
        for _ in 0..3 + draw.below(5) {
            let lists: [&[String]; 4] = [&self.things, &self.animals, &self.kinds, &self.moods];
            words.push(match draw.below(3) {
                0 => self.place(draw).name,
                1 => draw.one(&self.foods).clone(),
                _ => {
                    let list = lists[draw.below(lists.len())];
                    draw.one(list).clone()
                }
            });
        }
        let words = words.join([", ", " | ", "\n"][draw.below(3)]);
        let gap = gap(draw);
        match draw.below(3) {
            0 => format!("{name} said: {words}.{gap}{friend} said it again: {words}."),
            1 => format!("{name} wrote down {words}.{gap}So {friend} read {words}."),
            _ => {
                format!("On the list of {name}: {words}.{gap}{friend} has the same list: {words}.")
            }
        }
    }

    /// A person, a trade, an animal and what they own.
    fn person(&self, draw: &mut Draw) -> String {
        let name = draw.one(&self.people).clone();
        let (she, her) = self.pronouns(&name);
        let trade = draw.one(&self.trades);
        let animal = draw.one(&self.animals);
        let thing = draw.one(&self.things);
        let areas: Vec<&String> = self.areas.values().collect();
        let area = draw.one(&areas);
        let place = self.place(draw);
        let mut more = [
            format!("{name} lives {area} with a {animal}."),
            format!("Every day {} takes the {thing} to work.", she.to_lowercase()),
            format!("{she} eats {} at the {}.", place.food, place.name),
            format!("The {animal} of {name} likes {}.", place.food),
            format!("{she} keeps {her} {thing} {area}."),
        ];
        draw.shuffle(&mut more);
        format!("{name} is {} {trade}. {}", article(trade), more[..3].join(" "))
    }

    fn pronouns(&self, name: &str) -> (&'static str, &'static str) {
        if self.women.iter().any(|woman| woman == name) { ("She", "her") } else { ("He", "his") }
    }

    /// Somebody wants something, meets somebody, and gets there.
    fn story(&self, draw: &mut Draw) -> String {
        let name = draw.one(&self.people).clone();
        let friend = other_than(&name, &self.people, draw);
        let (she, her) = self.pronouns(&name);
        let (low, goal) = (she.to_lowercase(), draw.one(&self.goals));
        let thing = draw.one(&self.things).clone();
        let other = other_than(&thing, &self.things, draw);
        let (time, weather) = (draw.one(&self.times), draw.one(&self.weathers));
        let place = self.place(draw);
        let start = match draw.below(2) {
            0 => format!("{time} {name} wanted to {goal}."),
            _ => format!("{name} wanted to {goal}, but {weather}."),
        };
        let middle = match draw.below(3) {
            0 => format!("{she} had {} but no {other}. {friend} had {}.", a(&thing), a(&other)),
            1 => format!("{she} went to the {} and met {friend}.", place.name),
            _ => {
                format!(
                    "{she} asked {friend} for help. {friend} brought {} and {}.",
                    a(&thing),
                    a(&other)
                )
            }
        };
        let end = match draw.below(3) {
            0 => format!("So {name} and {friend} went to {goal} together."),
            1 => format!(
                "In the end {low} could {goal}, and they ate {} {}.",
                place.food, place.area.1
            ),
            _ => format!("{name} thanked {friend} and gave {her} {thing} away."),
        };
        format!("{start} {middle} {end}")
    }

    /// A few things that are so.
    fn facts(&self, draw: &mut Draw) -> String {
        let mut facts: Vec<&str> = self.facts.iter().map(String::as_str).collect();
        draw.shuffle(&mut facts);
        facts.truncate(3 + draw.below(3));
        facts.join(" ")
    }
}

/// What stands between the sentences of a document. A line of its own must not read as a new document, in
/// which everything is new.
fn gap(draw: &mut Draw) -> &'static str {
    if draw.once_in(3) { "\n" } else { " " }
}

/// One of the words, and not this one.
fn other_than(word: &str, words: &[String], draw: &mut Draw) -> String {
    let at = words.iter().position(|known| known == word).unwrap_or(0);
    words[(at + 1 + draw.below(words.len() - 1)) % words.len()].clone()
}

/// A word with its article.
pub(crate) fn a(word: &str) -> String {
    format!("{} {word}", article(word))
}

fn article(word: &str) -> &'static str {
    if word.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_tells_the_same_story() {
        let world = World::read().expect("the words");
        let tell = |seed| -> Vec<String> {
            (0..200).map(|n| world.document(&mut Draw::new(seed, n))).collect()
        };
        assert_eq!(tell(1), tell(1));
        assert_ne!(tell(1), tell(2));
        for document in tell(3) {
            assert!(document.is_ascii() && document.len() < 700, "{document}");
            assert!(document.ends_with('.') && !document.contains("  "), "{document}");
        }
    }
}
