//! Parents and children among the spans of one trace.

use hashbrown::HashMap;

/// Spans by their place in the trace.
pub(super) struct Tree {
    parents: Vec<Option<usize>>,
    child_counts: Vec<u32>,
    nested: Vec<NestedSet>,
}

/// A span's place in the order of visits: below another exactly if its numbers lie between the
/// other's. All 0 for a span that no root leads to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct NestedSet {
    pub(super) left: i64,
    pub(super) right: i64,
    /// The left number of the parent; -1 for a root.
    pub(super) parent: i64,
}

impl Tree {
    /// From each span's own and parent's id.
    pub(super) fn new(spans: impl Iterator<Item = ([u8; 8], Option<[u8; 8]>)>) -> Self {
        let spans: Vec<_> = spans.collect();
        let mut places = HashMap::with_capacity(spans.len());
        for (place, (id, _)) in spans.iter().enumerate() {
            places.entry(*id).or_insert(place);
        }
        let parent_of = |(place, (_, parent)): (usize, &(_, Option<[u8; 8]>))| {
            parent.and_then(|id| places.get(&id).copied()).filter(|&parent| parent != place)
        };
        let parents: Vec<Option<usize>> = spans.iter().enumerate().map(parent_of).collect();
        let mut child_counts = vec![0; spans.len()];
        for &parent in parents.iter().flatten() {
            child_counts[parent] += 1;
        }
        let roots = (0..spans.len()).filter(|&place| spans[place].1.is_none());
        let nested = nested_sets(&parents, roots);
        Self { parents, child_counts, nested }
    }

    /// The span that a span was called by, if it is stored.
    pub(super) fn parent(&self, place: usize) -> Option<usize> {
        self.parents[place]
    }

    /// The spans that each span called.
    pub(super) fn children(&self) -> Vec<Vec<usize>> {
        children_of(&self.parents)
    }

    pub(super) fn child_count(&self, place: usize) -> u32 {
        self.child_counts[place]
    }

    pub(super) fn nested(&self, place: usize) -> NestedSet {
        self.nested[place]
    }
}

fn children_of(parents: &[Option<usize>]) -> Vec<Vec<usize>> {
    let mut children = vec![Vec::new(); parents.len()];
    for (place, parent) in parents.iter().enumerate() {
        if let Some(parent) = *parent {
            children[parent].push(place);
        }
    }
    children
}

fn nested_sets(parents: &[Option<usize>], roots: impl Iterator<Item = usize>) -> Vec<NestedSet> {
    let children = children_of(parents);
    let mut nested = vec![NestedSet::default(); parents.len()];
    let mut next = 1;
    // A list instead of recursion: a trace may be one chain of a hundred thousand spans.
    let mut open: Vec<(usize, usize)> = Vec::new();
    for root in roots {
        nested[root] = NestedSet { left: next, right: 0, parent: -1 };
        next += 1;
        open.push((root, 0));
        while let Some((place, child)) = open.last_mut() {
            if let Some(&below) = children[*place].get(*child) {
                *child += 1;
                nested[below] = NestedSet { left: next, right: 0, parent: nested[*place].left };
                open.push((below, 0));
            } else {
                nested[*place].right = next;
                open.pop();
            }
            next += 1;
        }
    }
    nested
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(spans: &[(u8, u8)]) -> Tree {
        let id = |id: u8| [id; 8];
        Tree::new(spans.iter().map(|&(own, parent)| (id(own), (parent != 0).then(|| id(parent)))))
    }

    fn numbers(tree: &Tree, place: usize) -> (i64, i64, i64) {
        let NestedSet { left, right, parent } = tree.nested(place);
        (left, right, parent)
    }

    #[test]
    fn numbers_of_spans_below_lie_between_those_of_the_span_above() {
        let tree = tree(&[(1, 0), (2, 1), (3, 2), (4, 1)]);
        assert_eq!(numbers(&tree, 0), (1, 8, -1));
        assert_eq!(numbers(&tree, 1), (2, 5, 1));
        assert_eq!(numbers(&tree, 2), (3, 4, 2));
        assert_eq!(numbers(&tree, 3), (6, 7, 1));
        assert_eq!((tree.child_count(0), tree.child_count(3)), (2, 0));
    }

    #[test]
    fn a_second_root_is_counted_after_the_first() {
        let tree = tree(&[(1, 0), (2, 0)]);
        assert_eq!((numbers(&tree, 0), numbers(&tree, 1)), ((1, 2, -1), (3, 4, -1)));
    }

    #[test]
    fn spans_that_no_root_leads_to_have_no_numbers_but_a_parent() {
        let tree = tree(&[(1, 9), (2, 1)]);
        assert_eq!(numbers(&tree, 1), (0, 0, 0));
        assert_eq!((tree.parent(0), tree.parent(1)), (None, Some(0)));
    }

    #[test]
    fn spans_that_call_each_other_in_a_circle_are_no_endless_walk() {
        let tree = tree(&[(1, 2), (2, 1), (3, 3)]);
        assert_eq!((tree.parent(0), tree.parent(2)), (Some(1), None));
    }
}
