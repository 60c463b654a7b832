//! Asking an index.

use std::{ops::Range, path::Path};

use common::OwnedBytes;
use memchr::memmem;

use crate::{
    TextError,
    file::{self, IndexFile},
    search::{Search, TermCounts},
    tokens::{LONG_TOKEN, Piece, TOKEN_MAX_BYTES, pieces, tokens},
};

/// Shorter edge pieces match too many tokens to be worth walking the dictionary.
const EDGE_MIN_BYTES: usize = 3;

/// As many terms are walked (0.1 µs each) in the time in which the body of one row is read and searched.
const TERMS_PER_ROW: usize = 4;

/// Rows that a search may find, and how many blocks have each of its words.
pub type FoundRows = (Vec<Range<u32>>, TermCounts);

/// The index of one segment's bodies.
pub struct TextIndex {
    file: IndexFile,
}

impl TextIndex {
    /// Opens an index file: maps it into memory and compares its checksum.
    pub fn open(path: &Path) -> Result<Self, TextError> {
        Ok(Self { file: file::map(path)? })
    }

    /// The index of a file's bytes.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, TextError> {
        Ok(Self { file: file::read(&OwnedBytes::new(bytes))? })
    }

    /// Rows whose line may contain the text (case-sensitive): sorted, not overlapping, and no row that
    /// does contain it is left out. `None`: the index cannot tell.
    pub fn rows_with_text(&self, needle: &str) -> Result<Option<Vec<Range<u32>>>, TextError> {
        let mut pieces = pieces(needle);
        pieces.retain(|piece| is_telling(*piece));
        if pieces.is_empty() {
            return Ok(None);
        }
        pieces.sort_by_key(|piece| price(*piece));
        let mut blocks = vec![true; self.block_count()];
        let long = self.blocks_where(Piece::Whole(LONG_TOKEN))?;
        for piece in &pieces {
            if !self.is_worth_it(*piece, &blocks)? {
                continue;
            }
            let hits = self.blocks_where(*piece)?;
            for ((block, hit), long) in blocks.iter_mut().zip(hits).zip(&long) {
                *block &= hit | long;
            }
        }
        Ok(Some(self.ranges(&blocks)))
    }

    /// Rows that a search may find: sorted, not overlapping, and none that it does find is left out; and
    /// how many blocks have each of its words. It walks the dictionary once.
    pub fn rows_found(&self, search: &Search) -> Result<FoundRows, TextError> {
        let count = self.block_count();
        let mut with_term = vec![vec![false; count]; search.terms()];
        let mut stream = self.file.terms.stream()?;
        let mut of_token = Vec::new();
        while stream.advance() {
            let Ok(token) = std::str::from_utf8(stream.key()) else { continue };
            of_token.clear();
            if token == LONG_TOKEN {
                // Any word may be in there.
                of_token.extend(0..search.terms());
            } else {
                search.each_term_of(token, &mut |term| of_token.push(term));
            }
            for &term in &of_token {
                if let Some(hits) = with_term.get_mut(term) {
                    self.mark(stream.value(), hits);
                }
            }
        }
        let blocks_with = |hits: &Vec<bool>| hits.iter().filter(|hit| **hit).count() as u64;
        let counts = TermCounts {
            blocks: count as u64,
            with_term: with_term.iter().map(blocks_with).collect(),
        };
        Ok((self.ranges(&search.blocks(&with_term, count)), counts))
    }

    /// How many rows it is of.
    pub fn rows(&self) -> u32 {
        self.file.rows
    }

    /// Whether it leads from every word of a line to the row that the line is in. `false`: it is not the
    /// index of these rows.
    pub fn leads_to(&self, line: &str, row: u32) -> Result<bool, TextError> {
        let block = (row / self.file.block_rows) as usize;
        for token in tokens(line) {
            let token = if token.len() > TOKEN_MAX_BYTES { LONG_TOKEN } else { token };
            if self.blocks_where(Piece::Whole(token))?.get(block) != Some(&true) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn block_count(&self) -> usize {
        self.file.rows.div_ceil(self.file.block_rows) as usize
    }

    /// Whether looking the piece up costs less than reading all rows that it may exclude. Blocks with just
    /// this token stay in any case: of a frequent word that may be nearly all.
    fn is_worth_it(&self, piece: Piece<'_>, blocks: &[bool]) -> Result<bool, TextError> {
        Ok(match piece {
            Piece::Whole(_) | Piece::Prefix(_) => blocks.contains(&true),
            Piece::Suffix(text) | Piece::Inside(text) => {
                let sure = self.blocks_where(Piece::Whole(text))?;
                let open = blocks.iter().zip(sure).filter(|(block, sure)| **block && !sure).count();
                self.file.terms.num_terms() / TERMS_PER_ROW < open * self.file.block_rows as usize
            }
        })
    }

    /// The blocks with a token of which the piece is true.
    fn blocks_where(&self, piece: Piece<'_>) -> Result<Vec<bool>, TextError> {
        let mut hits = vec![false; self.block_count()];
        match piece {
            Piece::Whole(text) => {
                if let Some(of_term) = self.file.terms.get(text)? {
                    self.mark(&of_term, &mut hits);
                }
            }
            Piece::Prefix(text) => {
                let mut stream = self.file.terms.prefix_range(text).into_stream()?;
                while stream.advance() {
                    self.mark(stream.value(), &mut hits);
                }
            }
            Piece::Suffix(text) => {
                self.mark_where(|token| token.ends_with(text.as_bytes()), &mut hits)?;
            }
            Piece::Inside(text) => {
                let finder = memmem::Finder::new(text.as_bytes());
                self.mark_where(|token| finder.find(token).is_some(), &mut hits)?;
            }
        }
        Ok(hits)
    }

    /// Walks the whole dictionary.
    fn mark_where(
        &self,
        is_wanted: impl Fn(&[u8]) -> bool,
        hits: &mut [bool],
    ) -> Result<(), TextError> {
        let mut stream = self.file.terms.stream()?;
        while stream.advance() {
            if is_wanted(stream.key()) {
                self.mark(stream.value(), hits);
            }
        }
        Ok(())
    }

    fn mark(&self, of_term: &Range<u64>, hits: &mut [bool]) {
        self.file.each_block(of_term, |block| {
            if let Some(hit) = hits.get_mut(block) {
                *hit = true;
            }
        });
    }

    fn ranges(&self, blocks: &[bool]) -> Vec<Range<u32>> {
        let mut ranges: Vec<Range<u32>> = Vec::new();
        for (block, _) in (0u32..).zip(blocks).filter(|(_, hit)| **hit) {
            let start = block * self.file.block_rows;
            let end = (start + self.file.block_rows).min(self.file.rows);
            match ranges.last_mut() {
                Some(last) if last.end == start => last.end = end,
                _ => ranges.push(start..end),
            }
        }
        ranges
    }
}

/// Whether looking a piece up excludes anything for its price.
fn is_telling(piece: Piece<'_>) -> bool {
    match piece {
        // A longer token is not in the dictionary; its block is always a hit.
        Piece::Whole(text) => text.len() <= TOKEN_MAX_BYTES,
        Piece::Prefix(text) | Piece::Suffix(text) | Piece::Inside(text) => {
            (EDGE_MIN_BYTES..=TOKEN_MAX_BYTES).contains(&text.len())
        }
    }
}

/// Which piece to look up first: the last two walk the whole dictionary.
fn price(piece: Piece<'_>) -> u8 {
    match piece {
        Piece::Whole(_) => 0,
        Piece::Prefix(_) => 1,
        Piece::Suffix(_) => 2,
        Piece::Inside(_) => 3,
    }
}
