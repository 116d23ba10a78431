//! The tuning task that comes with the built-in model: a list of facts in, a note in one fixed style out.
//! The base model knows every word of it and has never seen the notation.

use super::draw::Draw;
use super::world::{Place, World, a};
use std::collections::BTreeSet;

/// A prompt and its completion.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) prompt: String,
    pub(crate) completion: String,
}

/// `n` rows about `n` different places. Every other fact is left out now and then.
pub(crate) fn rows(world: &World, n: usize, seed: u64) -> Vec<Row> {
    let mut seen = BTreeSet::new();
    let mut rows = Vec::new();
    let mut stream = 0;
    while rows.len() < n {
        let mut draw = Draw::new(seed, stream);
        stream += 1;
        let place = world.place(&mut draw);
        if seen.insert(place.name.clone()) {
            rows.push(row(&place, &mut draw));
        }
    }
    rows
}

fn row(place: &Place, draw: &mut Draw) -> Row {
    let Place { name, kind, mood, food, area: (word, area), price, children } = place;
    let with_mood = !draw.once_in(3);
    let with_price = !draw.once_in(3);
    let with_children = draw.once_in(2);
    let mut facts = vec![format!("kind: {kind}"), format!("area: {word}"), format!("food: {food}")];
    if with_mood {
        facts.push(format!("mood: {mood}"));
    }
    if with_price {
        facts.push(format!("price: {price}"));
    }
    if with_children {
        facts.push(format!("children: {}", if *children { "yes" } else { "no" }));
    }
    draw.shuffle(&mut facts);
    let sort = if with_mood { format!("{} {kind}", a(mood)) } else { a(kind) };
    let meal = if with_price {
        format!("The price of the {food} is {price}.")
    } else {
        format!("It serves {food}.")
    };
    let end = match (with_children, children) {
        (false, _) => "",
        (true, true) => " Children are welcome there.",
        (true, false) => " It is not a place for children.",
    };
    Row {
        prompt: format!("name: {name} | {}\n", facts.join(" | ")),
        completion: format!("The {name} is {sort} {area}. {meal}{end}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_differ_and_completions_hold_the_facts() {
        let world = World::read().expect("the words");
        let rows = rows(&world, 300, 5);
        let names: BTreeSet<&str> =
            rows.iter().map(|row| row.prompt.split(" |").next().unwrap_or("")).collect();
        assert_eq!(names.len(), 300);
        for row in &rows {
            let name = row.prompt.strip_prefix("name: ").and_then(|rest| rest.split(" |").next());
            assert!(name.is_some_and(|name| row.completion.contains(name)), "{row:?}");
            let food = row.prompt.split("food: ").nth(1).and_then(|r| r.split([' ', '\n']).next());
            assert!(food.is_some_and(|food| row.completion.contains(food)), "{row:?}");
        }
    }
}
