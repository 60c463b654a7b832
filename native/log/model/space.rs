//! The space of states: where it begins, and what leads from one to the next.

use crate::{
    actions::Action,
    protocol::Protocol,
    state::{State, Store},
};
use stateright::{Model, Property};

impl Model for Protocol {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let stores = std::array::from_fn(|store| Store {
            serves_old: self.old.members[store],
            serves_new: self.new.members[store],
            ..Store::default()
        });
        let state = State { stores, ..State::default() };
        vec![state.canonical()]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        self.possible(state, actions);
    }

    fn next_state(&self, state: &State, action: Action) -> Option<State> {
        let mut next = *state;
        self.take(&mut next, action);
        (next != *state).then(|| next.canonical())
    }

    fn properties(&self) -> Vec<Property<Self>> {
        (self.properties)(self)
    }
}
