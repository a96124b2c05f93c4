use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

fn noon() -> Timestamp {
    "2025-11-14T12:00:00Z".parse().unwrap()
}

fn after(seconds: i64) -> Timestamp {
    noon() + SignedDuration::from_secs(seconds)
}

fn request(name: &str) -> Sha256 {
    Sha256::of(name.as_bytes())
}

fn looked(state: &State, now: Timestamp, used: &[u32]) -> Vec<Looked> {
    let doubtful = state.doubtful(now, 0).into_iter();
    let look = |open: Open| Looked {
        open,
        is_used: used.contains(&open.number),
    };
    doubtful.map(look).collect()
}

fn open(state: &State) -> Vec<u32> {
    state.open().iter().map(|open| open.number).collect()
}

fn void(number: u32, at: Timestamp) -> Void {
    Void {
        number,
        reason: "the customer withdrew".to_owned(),
        by: "olga".to_owned(),
        at,
    }
}

/// A series in which `a`, `b` and `c` took a number at noon.
fn three() -> State {
    let mut state = State::new(4);
    for (name, number) in [("a", 1), ("b", 2), ("c", 3)] {
        assert_eq!(
            state.give(request(name), noon(), &[], &[]),
            Some(Given::New(number))
        );
    }
    state
}

#[test]
fn numbers_count_from_one_and_a_repeat_gets_its_own() {
    let mut state = three();
    let before = state.clone();
    assert_eq!(
        state.give(request("b"), after(30), &[], &[]),
        Some(Given::Kept(2))
    );
    assert_eq!(state, before);
    assert_eq!(
        state.give(request("b"), after(31), &[], &[]),
        Some(Given::Renewed(2))
    );
    assert_eq!(state.open()[1].since, after(31));
    assert_eq!(open(&state), [1, 2, 3]);
}

#[test]
fn a_repeat_gets_its_own_also_when_its_document_is_seen_only_now() {
    let mut state = three();
    let looks = looked(&state, after(50), &[1, 2]);
    assert_eq!(
        state.give(request("b"), after(50), &[], &looks),
        Some(Given::Renewed(2))
    );
    assert_eq!(open(&state), [2, 3]);
}

#[test]
fn a_number_whose_request_is_gone_goes_to_the_next_one() {
    let mut state = three();
    let now = after(121);
    let looks = looked(&state, now, &[1]);
    assert_eq!(state.give(request("d"), now, &[], &looks), Some(Given::New(2)));
    assert_eq!(open(&state), [2, 3]);
    assert_eq!(state.next(), 4);
    // The one that it was taken from comes back too late.
    let looks = looked(&state, now, &[]);
    assert_eq!(state.give(request("b"), now, &[], &looks), Some(Given::New(3)));
    assert_eq!(state.give(request("c"), now, &[], &[]), Some(Given::New(4)));
}

#[test]
fn a_number_is_nobody_else_s_before_its_time_or_without_a_look() {
    let mut state = three();
    let looks = looked(&state, after(120), &[]);
    assert_eq!(looks.len(), 3);
    assert_eq!(
        state.give(request("d"), after(120), &[], &looks),
        Some(Given::New(4))
    );
    assert_eq!(
        state.give(request("e"), after(500), &[], &[]),
        Some(Given::New(5))
    );
}

#[test]
fn a_lost_number_is_not_given_again() {
    let mut state = three();
    assert_eq!(state.give(request("b"), noon(), &[2], &[]), Some(Given::New(4)));
    assert_eq!(open(&state), [1, 3, 4]);
    // Also when another one's time is over.
    let now = after(121);
    let looks = looked(&state, now, &[]);
    assert_eq!(state.give(request("d"), now, &[1], &looks), Some(Given::New(3)));
    assert_eq!(open(&state), [1, 3, 4]);
}

#[test]
fn no_two_states_are_equal() {
    let mut state = three();
    let mut changes = vec![state.changes];
    state.give(request("a"), after(31), &[], &[]).unwrap();
    changes.push(state.changes);
    assert!(state.make_void(void(2, after(1_000))).unwrap());
    changes.push(state.changes);
    assert!(state.go_on_after(41, "olga", noon()).unwrap());
    changes.push(state.changes);
    assert_eq!(changes, [3, 4, 5, 6]);
}

#[test]
fn few_are_looked_at_and_the_dead_come_first() {
    let mut state = State::new(4);
    for at in 0..40 {
        let since = if at < 3 { noon() } else { after(100) };
        state.give(request(&at.to_string()), since, &[], &[]).unwrap();
    }
    let now = after(130);
    let numbers = |random| {
        let doubtful = state.doubtful(now, random).into_iter();
        doubtful.map(|open| open.number).collect::<Vec<_>>()
    };
    assert_eq!(numbers(0), [1, 2, 3, 4, 5, 6, 7, 8]);
    assert_eq!(numbers(35), [1, 2, 3, 39, 40, 4, 5, 6]);
    assert!(state.doubtful(after(105), 0).iter().all(|open| open.number < 4));
    assert!(State::new(4).doubtful(now, 7).is_empty());
}

#[test]
fn only_an_open_number_that_nobody_can_use_any_more_is_void() {
    let mut state = three();
    let late = after(901);
    for (number, at, error) in [
        (2, after(900), VoidError::Young),
        (4, late, VoidError::NotOpen),
        (0, late, VoidError::NotOpen),
    ] {
        assert_eq!(state.make_void(void(number, at)), Err(error), "{number}");
    }
    assert_eq!(state.make_void(void(2, late)), Ok(true));
    assert_eq!(state.make_void(void(2, late)), Ok(false));
    assert_eq!((open(&state), state.is_void(2)), (vec![1, 3], true));
    let looks = looked(&state, late, &[1, 3]);
    for (name, number) in [("b", 4), ("d", 5)] {
        assert_eq!(
            state.give(request(name), late, &[], &looks),
            Some(Given::New(number))
        );
    }
}

#[test]
fn another_system_s_numbers_go_only_forward() {
    let mut state = State::new(4);
    assert_eq!(state.go_on_after(42, "olga", noon()), Ok(true));
    assert_eq!(state.go_on_after(42, "olga", noon()), Ok(false));
    assert_eq!(state.give(request("a"), noon(), &[], &[]), Some(Given::New(43)));
    assert_eq!(state.go_on_after(42, "olga", noon()), Err(SetError::Backward));
    assert_eq!(state.go_on_after(MAX_COUNT, "olga", noon()), Err(SetError::Last));
    assert_eq!(state.go_on_after(99, "olga", noon()), Ok(true));
    let former: Vec<_> = [1, 42, 43, 44, 99, 100]
        .map(|count| state.is_former(count))
        .into();
    assert_eq!(former, [true, true, false, true, true, false]);
}

#[test]
fn a_series_ends_before_its_numbers_can_not_be_read() {
    let mut state = State::new(4);
    state.go_on_after(MAX_COUNT - 1, "olga", noon()).unwrap();
    assert_eq!(
        state.give(request("a"), noon(), &[], &[]),
        Some(Given::New(MAX_COUNT))
    );
    assert_eq!(state.give(request("b"), noon(), &[], &[]), None);
    assert!(state.is_whole());
}

#[test]
fn too_many_open_numbers_are_told() {
    let mut state = State::new(4);
    for at in 0..MAX_OPEN {
        assert!(state.give(request(&at.to_string()), noon(), &[], &[]).is_some());
    }
    assert_eq!(state.give(request("x"), noon(), &[], &[]), None);
    assert_eq!(state.give(request("0"), noon(), &[], &[]), Some(Given::Kept(1)));
}

#[test]
fn a_state_reads_back_as_it_is_documented() {
    let mut state = three();
    state.make_void(void(2, after(1_000))).unwrap();
    state.go_on_after(9, "olga", noon()).unwrap();
    let text = serde_json::to_string(&state).unwrap();
    assert_eq!(serde_json::from_str::<State>(&text).unwrap(), state);
    assert!(
        text.starts_with(r#"{"width":4,"next":10,"open":[{"number":1,"request":""#)
            && text.contains(r#""since":"2025-11-14T12:00:00Z""#),
        "{text}"
    );
    for wrong in [
        text.replace(r#""next":10"#, r#""next":0"#),
        text.replace(r#""next":10"#, r#""next":3"#),
        text.replace(r#""width":4"#, r#""width":0"#),
    ] {
        assert!(
            !serde_json::from_str::<State>(&wrong).unwrap().is_whole(),
            "{wrong}"
        );
    }
}

/// Storage, as the protocol uses it.
#[derive(Debug)]
struct World {
    state: State,
    /// Which number a request remembers.
    memory: BTreeMap<Sha256, u32>,
    /// Whose the document of a number is: nobody's when it was stored by hand.
    documents: BTreeMap<u32, Option<Sha256>>,
    now: Timestamp,
}

/// A call, which does one thing at a time. It mirrors `Numbers::issue`.
#[derive(Debug)]
struct Call {
    request: Sha256,
    lost: Vec<u32>,
    step: Step,
    born: Timestamp,
}

#[derive(Debug)]
enum Step {
    ReadState,
    ReadMemory(State),
    Look {
        read: State,
        now: Timestamp,
        todo: Vec<Open>,
        looked: Vec<Looked>,
    },
    Write {
        next: State,
        given: Given,
    },
    Find(u32),
    Make(u32),
    Finish(u32),
    Done(u32),
}

impl World {
    fn new() -> Self {
        Self {
            state: State::new(4),
            memory: BTreeMap::new(),
            documents: BTreeMap::new(),
            now: noon(),
        }
    }

    /// Whose the document is, who remembers it from then on.
    #[expect(clippy::option_option, reason = "no document, or one that is nobody's")]
    fn place(&mut self, number: u32) -> Option<Option<Sha256>> {
        let owner = *self.documents.get(&number)?;
        if let Some(owner) = owner {
            self.memory.entry(owner).or_insert(number);
        }
        Some(owner)
    }

    fn step(&mut self, call: &mut Call, is_answer_lost: bool) {
        let step = std::mem::replace(&mut call.step, Step::ReadState);
        call.step = match step {
            Step::ReadState => Step::ReadMemory(self.state.clone()),
            Step::ReadMemory(read) => match self.memory.get(&call.request) {
                Some(number) => Step::Find(*number),
                None => Step::Look {
                    todo: read.doubtful(self.now, 0),
                    now: self.now,
                    read,
                    looked: Vec::new(),
                },
            },
            Step::Look {
                mut read,
                now,
                mut todo,
                mut looked,
            } => match todo.pop() {
                Some(open) => {
                    let is_used = self.memory.get(&open.request) == Some(&open.number)
                        || self.place(open.number).is_some();
                    looked.push(Looked { open, is_used });
                    Step::Look {
                        read,
                        now,
                        todo,
                        looked,
                    }
                }
                None => match read.give(call.request, now, &call.lost, &looked).unwrap() {
                    Given::Kept(number) => Step::Find(number),
                    given => Step::Write { next: read, given },
                },
            },
            Step::Write { next, given } => {
                if self.state.changes + 1 == next.changes {
                    self.state = next;
                    match given {
                        _ if is_answer_lost => Step::ReadState,
                        Given::New(number) => Step::Make(number),
                        Given::Kept(number) | Given::Renewed(number) => Step::Find(number),
                    }
                } else {
                    Step::ReadState
                }
            }
            Step::Find(number) => match self.place(number) {
                None => Step::Make(number),
                Some(owner) if owner == Some(call.request) => Step::Finish(number),
                Some(_) => call.lose(number),
            },
            Step::Make(number) => match self.documents.get(&number) {
                None => {
                    self.documents.insert(number, Some(call.request));
                    Step::Finish(number)
                }
                Some(_) => Step::Find(number),
            },
            Step::Finish(number) => Step::Done(*self.memory.entry(call.request).or_insert(number)),
            done @ Step::Done(_) => done,
        };
    }

    fn run(&mut self, request: Sha256) -> u32 {
        let mut call = Call::new(request, self.now);
        for _ in 0..1_000 {
            self.step(&mut call, false);
            if let Step::Done(number) = call.step {
                return number;
            }
        }
        panic!("it doesn't end: {call:?}");
    }

    /// Every number below the next one has a document, or is known to be open.
    fn has_no_gap(&self) -> bool {
        (1..self.state.next).all(|number| self.documents.contains_key(&number) || self.state.is_open(number))
    }
}

impl Call {
    fn new(request: Sha256, born: Timestamp) -> Self {
        Self {
            request,
            lost: Vec::new(),
            step: Step::ReadState,
            born,
        }
    }

    fn lose(&mut self, number: u32) -> Step {
        self.lost.push(number);
        Step::ReadState
    }
}

/// What happens next; numbers choose among what there is.
#[derive(Debug, Clone)]
enum Event {
    Begin(u8),
    Step(usize),
    /// It may have taken effect, and nobody knows.
    StepUnheard(usize),
    Crash(usize),
    Pass(i64),
    StoreByHand(u32),
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        3 => (0..6_u8).prop_map(Event::Begin),
        20 => any::<usize>().prop_map(Event::Step),
        1 => any::<usize>().prop_map(Event::StepUnheard),
        1 => any::<usize>().prop_map(Event::Crash),
        1 => (1..150_i64).prop_map(Event::Pass),
        1 => (1..12_u32).prop_map(Event::StoreByHand),
    ];
    proptest::collection::vec(event, 0..250)
}

/// Plays events. Calls that live longer than `longest` seconds are ended, as Lambda does.
fn play(events: Vec<Event>, longest: i64) -> (World, BTreeSet<Sha256>) {
    let mut world = World::new();
    let mut calls: Vec<Call> = Vec::new();
    let mut requests = BTreeSet::new();
    for event in events {
        let count = calls.len().max(1);
        match event {
            Event::Begin(name) => {
                let request = Sha256::of(&[name]);
                requests.insert(request);
                calls.push(Call::new(request, world.now));
            }
            Event::Step(at) => {
                if let Some(call) = calls.get_mut(at % count) {
                    world.step(call, false);
                }
            }
            Event::StepUnheard(at) => {
                if let Some(call) = calls.get_mut(at % count) {
                    world.step(call, true);
                }
            }
            Event::Crash(at) if !calls.is_empty() => drop(calls.swap_remove(at % count)),
            Event::Crash(_) => {}
            Event::Pass(seconds) => world.now += SignedDuration::from_secs(seconds),
            Event::StoreByHand(number) => {
                world.documents.entry(number).or_insert(None);
            }
        }
        calls.retain(|call| world.now.duration_since(call.born) <= SignedDuration::from_secs(longest));
        assert!(world.has_no_gap(), "{world:?}");
    }
    (world, requests)
}

/// Every request is repeated until it is done; then come others, which use what was left open.
fn end(world: &mut World, requests: &BTreeSet<Sha256>) {
    for request in requests {
        let number = world.run(*request);
        assert_eq!(world.documents.get(&number), Some(&Some(*request)), "{world:?}");
        assert_eq!(world.run(*request), number);
    }
    let is_unused = |world: &World| {
        let open = world.state.open().iter();
        open.filter(|open| !world.documents.contains_key(&open.number))
            .count()
    };
    for name in 100..200 {
        if is_unused(world) == 0 {
            break;
        }
        world.now += SignedDuration::from_secs(121);
        world.run(Sha256::of(&[name]));
    }
    assert_eq!(is_unused(world), 0, "{world:?}");
    let next = world.state.next;
    assert!(
        (1..next).all(|number| world.documents.contains_key(&number)),
        "{world:?}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn whatever_crashes_each_request_has_one_document_and_no_number_is_missing(events in events()) {
        let (mut world, requests) = play(events, 60);
        end(&mut world, &requests);
        for request in requests {
            let documents = world.documents.values().filter(|owner| **owner == Some(request));
            prop_assert_eq!(documents.count(), 1);
        }
    }

    #[test]
    fn also_when_calls_sleep_for_minutes_no_number_is_missing(events in events()) {
        let (mut world, requests) = play(events, i64::MAX / 4);
        end(&mut world, &requests);
    }
}
