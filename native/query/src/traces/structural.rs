//! How spans stand to each other: below, above, directly so, or beside.

use super::tree::Tree;
use crate::plan::StructuralOp;

/// The spans that stand in the relation to a marked one: for [`StructuralOp::Child`], those directly
/// below a marked span. `marked` and the answer have one entry per span of the trace.
pub(super) fn related(op: StructuralOp, tree: &Tree, marked: &[bool]) -> Vec<bool> {
    let places = 0..marked.len();
    match op {
        StructuralOp::Child => {
            places.map(|place| tree.parent(place).is_some_and(|parent| marked[parent])).collect()
        }
        StructuralOp::Descendant => below(tree, marked),
        StructuralOp::Parent => {
            let mut found = vec![false; marked.len()];
            for parent in marked_places(marked).filter_map(|place| tree.parent(place)) {
                found[parent] = true;
            }
            found
        }
        StructuralOp::Ancestor => above(tree, marked),
        StructuralOp::Sibling => beside(tree, marked),
    }
}

/// The relation seen from the other side.
pub(super) fn inverse(op: StructuralOp) -> StructuralOp {
    match op {
        StructuralOp::Descendant => StructuralOp::Ancestor,
        StructuralOp::Ancestor => StructuralOp::Descendant,
        StructuralOp::Child => StructuralOp::Parent,
        StructuralOp::Parent => StructuralOp::Child,
        StructuralOp::Sibling => StructuralOp::Sibling,
    }
}

fn marked_places(marked: &[bool]) -> impl Iterator<Item = usize> {
    marked.iter().enumerate().filter(|(_, marked)| **marked).map(|(place, _)| place)
}

/// Each walk upwards ends where an earlier one has been, so that every span is passed once. That
/// also ends walks in a circle, which damaged parent ids can make.
fn below(tree: &Tree, marked: &[bool]) -> Vec<bool> {
    let mut known: Vec<Option<bool>> = vec![None; marked.len()];
    for start in 0..marked.len() {
        let mut path = Vec::new();
        let mut place = start;
        let answer = loop {
            if let Some(answer) = known[place] {
                break answer;
            }
            // Until the walk tells better; met again only in a circle without a marked span.
            known[place] = Some(false);
            path.push(place);
            match tree.parent(place) {
                None => break false,
                Some(parent) if marked[parent] => break true,
                Some(parent) => place = parent,
            }
        };
        for place in path {
            known[place] = Some(answer);
        }
    }
    known.into_iter().map(|answer| answer == Some(true)).collect()
}

fn above(tree: &Tree, marked: &[bool]) -> Vec<bool> {
    let mut found = vec![false; marked.len()];
    for start in marked_places(marked) {
        let mut place = start;
        while let Some(parent) = tree.parent(place) {
            if found[parent] {
                break;
            }
            found[parent] = true;
            place = parent;
        }
    }
    found
}

/// Roots have no parent in common, so they are nobody's siblings; nor is a span its own.
fn beside(tree: &Tree, marked: &[bool]) -> Vec<bool> {
    let mut marked_children = vec![0_usize; marked.len()];
    for parent in marked_places(marked).filter_map(|place| tree.parent(place)) {
        marked_children[parent] += 1;
    }
    let others = |place: usize| {
        let parent = tree.parent(place)?;
        Some(marked_children[parent] - usize::from(marked[place]))
    };
    (0..marked.len()).map(|place| others(place).is_some_and(|others| others > 0)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 0 is the root, 1 and 2 its children, 3 the child of 1; 4 came without its parent.
    fn family() -> Tree {
        let id = |id: u8| [id; 8];
        let spans = [(1, None), (2, Some(1)), (3, Some(1)), (4, Some(2)), (5, Some(99))];
        Tree::new(spans.into_iter().map(|(own, parent)| (id(own), parent.map(id))))
    }

    fn found(op: StructuralOp, from: &[usize]) -> Vec<usize> {
        let tree = family();
        let marked: Vec<bool> = (0..5).map(|place| from.contains(&place)).collect();
        marked_places(&related(op, &tree, &marked)).collect()
    }

    #[test]
    fn descendants_are_at_any_depth_and_children_at_the_next() {
        assert_eq!(found(StructuralOp::Descendant, &[0]), [1, 2, 3]);
        assert_eq!(found(StructuralOp::Child, &[0]), [1, 2]);
    }

    #[test]
    fn ancestors_are_at_any_height_and_parents_at_the_next() {
        assert_eq!(found(StructuralOp::Ancestor, &[3]), [0, 1]);
        assert_eq!(found(StructuralOp::Parent, &[3]), [1]);
    }

    #[test]
    fn a_span_is_not_its_own_sibling_and_roots_have_none() {
        assert_eq!(found(StructuralOp::Sibling, &[1]), [2]);
        assert_eq!(found(StructuralOp::Sibling, &[1, 2]), [1, 2]);
        assert_eq!(found(StructuralOp::Sibling, &[0, 4]), [0; 0]);
    }

    #[test]
    fn in_a_circle_every_span_is_below_and_above_a_marked_one() {
        let tree = Tree::new([([1; 8], Some([2; 8])), ([2; 8], Some([1; 8]))].into_iter());
        assert_eq!(related(StructuralOp::Descendant, &tree, &[true, false]), [true, true]);
        assert_eq!(related(StructuralOp::Descendant, &tree, &[false, false]), [false, false]);
        assert_eq!(related(StructuralOp::Ancestor, &tree, &[true, false]), [true, true]);
    }
}
