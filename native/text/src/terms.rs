//! The distinct tokens of a segment, and which blocks have each.

use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};

/// Tokens as they are met, block by block.
#[derive(Default)]
pub(crate) struct Terms {
    hasher: DefaultHashBuilder,
    table: HashTable<Slot>,
    known: Vec<Term>,
    /// The tokens themselves, one after the other.
    text: Vec<u8>,
    /// Of each block in turn, the numbers of its terms.
    of_blocks: Vec<u32>,
    /// Where each block ends in `of_blocks`.
    block_ends: Vec<usize>,
}

/// Most tokens are told apart by their hashes, without a look at their bytes.
struct Slot {
    hash: u32,
    term: u32,
}

struct Term {
    /// Its first bytes, see [`first_bytes`].
    first: u64,
    start: usize,
    bytes: u32,
    /// The last block that has it.
    last_block: u32,
    /// How many blocks have it.
    blocks: u32,
}

impl Terms {
    /// Adds a token of the block that is not ended yet.
    pub(crate) fn add(&mut self, token: &[u8]) {
        let block = self.block_ends.len() as u32;
        let first = first_bytes(token);
        let hash = (self.hasher.hash_one(token) >> 32) as u32;
        let Self { table, known, text, of_blocks, .. } = self;
        let is_it = |slot: &Slot| {
            let term = known.get(slot.term as usize).filter(|_| slot.hash == hash);
            term.is_some_and(|term| {
                let is_short = token.len() <= size_of_val(&first);
                term.first == first
                    && term.bytes as usize == token.len()
                    && (is_short || term.of(text) == token)
            })
        };
        if let Some(&Slot { term: number, .. }) = table.find(spread(hash), is_it) {
            let Some(term) = known.get_mut(number as usize) else { return };
            if term.last_block != block {
                term.last_block = block;
                term.blocks += 1;
                of_blocks.push(number);
            }
            return;
        }
        let number = known.len() as u32;
        let (start, bytes) = (text.len(), token.len() as u32);
        known.push(Term { first, start, bytes, last_block: block, blocks: 1 });
        text.extend_from_slice(token);
        of_blocks.push(number);
        table.insert_unique(spread(hash), Slot { hash, term: number }, |slot| spread(slot.hash));
    }

    /// What is added from here on is of the next block.
    pub(crate) fn end_block(&mut self) {
        self.block_ends.push(self.of_blocks.len());
    }

    /// Calls `take` for each term, in the order of their bytes, with its blocks, ascending.
    pub(crate) fn sorted<E>(
        self,
        mut take: impl FnMut(&[u8], &[u32]) -> Result<(), E>,
    ) -> Result<(), E> {
        drop(self.table);
        let blocks_of = turned(&self.known, &self.of_blocks, &self.block_ends);
        drop(self.of_blocks);
        let mut order: Vec<(u64, u32)> =
            self.known.iter().zip(0..).map(|(term, number)| (term.first, number)).collect();
        let whole = |number: u32| self.known.get(number as usize).map(|term| term.of(&self.text));
        order.sort_unstable_by(|(first, a), (other, b)| {
            first.cmp(other).then_with(|| whole(*a).cmp(&whole(*b)))
        });
        for (_, number) in order {
            let Some(term) = self.known.get(number as usize) else { continue };
            take(term.of(&self.text), blocks_of.of(number))?;
        }
        Ok(())
    }
}

impl Term {
    fn of<'a>(&self, text: &'a [u8]) -> &'a [u8] {
        text.get(self.start..self.start + self.bytes as usize).unwrap_or_default()
    }
}

/// The table takes the place from a hash's low bits, and seven high ones to compare first.
fn spread(hash: u32) -> u64 {
    u64::from(hash) << 32 | u64::from(hash)
}

/// The first eight bytes as a number with the same order; nearly all comparisons end there. No token has
/// a zero byte, but for the one that is nothing else.
fn first_bytes(token: &[u8]) -> u64 {
    let first = token.iter().take(8);
    let missing = 8 - first.len() as u32;
    let number = first.fold(0, |number, &byte| number << 8 | u64::from(byte));
    number.checked_shl(8 * missing).unwrap_or(0)
}

/// Of each term in turn, its blocks.
struct BlocksOf {
    blocks: Vec<u32>,
    ends: Vec<usize>,
}

impl BlocksOf {
    fn of(&self, term: u32) -> &[u32] {
        let start = (term as usize).checked_sub(1).and_then(|before| self.ends.get(before));
        let end = self.ends.get(term as usize).copied().unwrap_or_default();
        self.blocks.get(start.copied().unwrap_or(0)..end).unwrap_or_default()
    }
}

fn turned(terms: &[Term], of_blocks: &[u32], block_ends: &[usize]) -> BlocksOf {
    let mut next = Vec::with_capacity(terms.len());
    let mut end = 0;
    for term in terms {
        next.push(end);
        end += term.blocks as usize;
    }
    let mut blocks = vec![0; of_blocks.len()];
    let mut start = 0;
    for (block, &end) in (0_u32..).zip(block_ends) {
        for &term in of_blocks.get(start..end).unwrap_or_default() {
            let Some(next) = next.get_mut(term as usize) else { continue };
            if let Some(place) = blocks.get_mut(*next) {
                *place = block;
            }
            *next += 1;
        }
        start = end;
    }
    // Where a term's next block would be put is now where its blocks end.
    BlocksOf { blocks, ends: next }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn terms_come_sorted_with_their_blocks(
            blocks in prop::collection::vec(prop::collection::vec("[ab0-3é]{1,12}", 0..20), 0..20),
        ) {
            let mut terms = Terms::default();
            let mut expected = BTreeMap::<Vec<u8>, BTreeSet<u32>>::new();
            for (block, tokens) in (0..).zip(&blocks) {
                for token in tokens {
                    terms.add(token.as_bytes());
                    expected.entry(token.as_bytes().to_vec()).or_default().insert(block);
                }
                terms.end_block();
            }
            let mut found = Vec::new();
            terms
                .sorted(|term, blocks| {
                    found.push((term.to_vec(), blocks.iter().copied().collect()));
                    Ok::<_, ()>(())
                })
                .unwrap();
            prop_assert_eq!(found, expected.into_iter().collect::<Vec<_>>());
        }
    }
}
