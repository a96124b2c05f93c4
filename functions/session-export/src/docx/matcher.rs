//! Finds the first occurrence of each of many strings in one pass (Aho and Corasick, 1975).
//!
//! A search per quote would take a thousand passes over the document. A string leaves the automaton once it is
//! found, so the time is linear in the text and the strings whatever they look like.

/// No state or pattern.
const NONE: u32 = u32::MAX;

#[derive(Debug)]
struct State {
    byte: u8,
    /// The first of this state's children; the others follow by `sibling`.
    child: u32,
    sibling: u32,
    /// The state of the longest proper suffix.
    suffix: u32,
    /// This state, or the nearest suffix where a string that is still wanted ends.
    output: u32,
    depth: u32,
    found_at: u32,
}

impl State {
    fn new(byte: u8, sibling: u32, depth: u32) -> Self {
        Self {
            byte,
            child: NONE,
            sibling,
            suffix: 0,
            output: 0,
            depth,
            found_at: NONE,
        }
    }
}

/// An automaton over a set of strings.
pub(super) struct Matcher {
    states: Vec<State>,
    /// The root's children by byte: most of a text is read there.
    first: [u32; 256],
    ends: Vec<u32>,
    wanted: usize,
}

impl Matcher {
    /// Builds the automaton. Empty strings are never found.
    pub(super) fn new<'a>(patterns: impl Iterator<Item = &'a str>) -> Self {
        let mut matcher = Self {
            states: vec![State::new(0, NONE, 0)],
            first: [0; 256],
            ends: Vec::new(),
            wanted: 0,
        };
        for pattern in patterns {
            let end = pattern.bytes().fold(0, |state, byte| matcher.add(state, byte));
            matcher.ends.push(end);
            matcher.want(end);
        }
        matcher.link();
        matcher
    }

    fn state(&self, index: u32) -> &State {
        // Every index comes from this table, whose first state always exists.
        self.states.get(index as usize).unwrap_or(&ROOT)
    }

    fn edit(&mut self, index: u32, change: impl FnOnce(&mut State)) {
        if let Some(state) = self.states.get_mut(index as usize) {
            change(state);
        }
    }

    fn want(&mut self, end: u32) {
        if end != 0 && self.state(end).output != end {
            self.edit(end, |state| state.output = end);
            self.wanted += 1;
        }
    }

    fn step(&self, from: u32, byte: u8) -> Option<u32> {
        if from == 0 {
            return self
                .first
                .get(usize::from(byte))
                .copied()
                .filter(|state| *state != 0);
        }
        let mut child = self.state(from).child;
        while child != NONE {
            let state = self.state(child);
            if state.byte == byte {
                return Some(child);
            }
            child = state.sibling;
        }
        None
    }

    fn add(&mut self, from: u32, byte: u8) -> u32 {
        if let Some(state) = self.step(from, byte) {
            return state;
        }
        let new = u32::try_from(self.states.len()).unwrap_or(NONE);
        let (sibling, depth) = (self.state(from).child, self.state(from).depth + 1);
        self.states.push(State::new(byte, sibling, depth));
        self.edit(from, |state| state.child = new);
        if from == 0
            && let Some(slot) = self.first.get_mut(usize::from(byte))
        {
            *slot = new;
        }
        new
    }

    fn next(&self, mut from: u32, byte: u8) -> u32 {
        loop {
            match self.step(from, byte) {
                Some(state) => return state,
                None if from == 0 => return 0,
                None => from = self.state(from).suffix,
            }
        }
    }

    /// Sets suffixes and outputs, shorter states first.
    fn link(&mut self) {
        let mut queue = vec![0];
        let mut done = 0;
        while let Some(&parent) = queue.get(done) {
            done += 1;
            let mut child = self.state(parent).child;
            while child != NONE {
                let State {
                    byte,
                    sibling,
                    output,
                    ..
                } = *self.state(child);
                let suffix = if parent == 0 {
                    0
                } else {
                    self.next(self.state(parent).suffix, byte)
                };
                let inherited = self.state(suffix).output;
                self.edit(child, |state| {
                    state.suffix = suffix;
                    state.output = if output == child { child } else { inherited };
                });
                queue.push(child);
                child = sibling;
            }
        }
    }

    /// The nearest state at or after `from` where a wanted string ends; 0 if there is none. Shortens the way.
    fn output(&mut self, from: u32) -> u32 {
        let mut end = self.state(from).output;
        while end != 0 && self.state(end).found_at != NONE {
            let suffix = self.state(end).suffix;
            end = self.state(suffix).output;
        }
        let mut at = from;
        while at != 0 && at != end {
            let on = self.state(at).output;
            self.edit(at, |state| state.output = end);
            at = if on == at { self.state(at).suffix } else { on };
        }
        end
    }

    /// Where each string occurs first, as byte ranges, in the order the strings were given.
    pub(super) fn find(mut self, text: &str) -> Vec<Option<(usize, usize)>> {
        let mut state = 0;
        for (at, byte) in text.bytes().enumerate() {
            if self.wanted == 0 {
                break;
            }
            state = self.next(state, byte);
            loop {
                let end = self.output(state);
                if end == 0 {
                    break;
                }
                self.edit(end, |state| {
                    state.found_at = u32::try_from(at + 1).unwrap_or(NONE);
                });
                self.wanted -= 1;
            }
        }
        self.ends.iter().map(|end| self.found(*end)).collect()
    }

    fn found(&self, end: u32) -> Option<(usize, usize)> {
        let state = self.state(end);
        let at = state.found_at as usize;
        (state.found_at != NONE).then(|| (at - state.depth as usize, at))
    }
}

static ROOT: State = State {
    byte: 0,
    child: NONE,
    sibling: NONE,
    suffix: 0,
    output: 0,
    depth: 0,
    found_at: NONE,
};

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Matcher;

    #[test]
    fn every_string_is_found_where_it_first_occurs() {
        let found = Matcher::new(["she", "he", "hers", "his", "", "he"].into_iter()).find("ushers he");
        assert_eq!(
            found,
            [Some((1, 4)), Some((2, 4)), Some((2, 6)), None, None, Some((2, 4))]
        );
    }

    #[test]
    fn strings_that_are_suffixes_of_each_other_take_linear_time() {
        let patterns: Vec<String> = (1..400).map(|n| "a".repeat(n)).collect();
        let text = "a".repeat(200) + "b" + &"a".repeat(1_000_000);
        let found = Matcher::new(patterns.iter().map(String::as_str)).find(&text);
        assert_eq!(found[0], Some((0, 1)));
        assert_eq!(found[398], Some((201, 600)));
    }

    proptest! {
        #[test]
        fn it_agrees_with_a_search_for_each(text in "[ab]{0,60}", patterns in prop::collection::vec("[ab]{1,6}", 0..12)) {
            let found = Matcher::new(patterns.iter().map(String::as_str)).find(&text);
            let expected: Vec<_> = patterns.iter().map(|p| text.find(p.as_str()).map(|at| (at, at + p.len()))).collect();
            prop_assert_eq!(found, expected);
        }
    }
}
