//! Asking an index.

use std::{ops::Range, path::Path};

use memchr::memmem;
use tantivy::{
    DocSet, Index, IndexReader, InvertedIndexReader, ReloadPolicy, TERMINATED,
    directory::FileSlice,
    postings::TermInfo,
    schema::{Field, IndexRecordOption},
};

use crate::{
    TextError,
    packed::{self, Layout, PackedDirectory},
    schema,
    search::{Search, TermCounts},
    tokens::{LONG_TOKEN, Piece, TOKEN_MAX_BYTES, pieces},
};

/// Shorter edge pieces match too many tokens to be worth walking the dictionary.
const EDGE_MIN_BYTES: usize = 3;

/// As many terms are walked (0.1 µs each) in the time in which the body of one row is read and searched.
const TERMS_PER_ROW: usize = 4;

/// Rows that a search may find, and how many blocks have each of its words.
pub type FoundRows = (Vec<Range<u32>>, TermCounts);

/// The index of one segment's bodies.
pub struct TextIndex {
    reader: IndexReader,
    field: Field,
    block_rows: u32,
    rows: u32,
}

impl TextIndex {
    /// Opens an index file: maps it into memory and compares its checksum.
    pub fn open(path: &Path) -> Result<Self, TextError> {
        Self::of(packed::map(path)?)
    }

    /// The index of a file's bytes.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, TextError> {
        Self::of(packed::unpack(&FileSlice::from(bytes))?)
    }

    fn of((directory, layout): (PackedDirectory, Layout)) -> Result<Self, TextError> {
        let index = Index::open(directory)?;
        let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into()?;
        Ok(Self { reader, field: schema().1, block_rows: layout.block_rows, rows: layout.rows })
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
        let searcher = self.reader.searcher();
        let mut blocks = vec![true; self.rows.div_ceil(self.block_rows) as usize];
        for segment in searcher.segment_readers() {
            let inverted = segment.inverted_index(self.field)?;
            let long = blocks_where(&inverted, blocks.len(), Piece::Whole(LONG_TOKEN))?;
            for piece in &pieces {
                if !self.is_worth_it(*piece, &blocks, &inverted)? {
                    continue;
                }
                let hits = blocks_where(&inverted, blocks.len(), *piece)?;
                for ((block, hit), long) in blocks.iter_mut().zip(hits).zip(&long) {
                    *block &= hit | long;
                }
            }
        }
        Ok(Some(self.ranges(&blocks)))
    }

    /// Rows that a search may find: sorted, not overlapping, and none that it does find is left out; and
    /// how many blocks have each of its words. It walks the dictionary once.
    pub fn rows_found(&self, search: &Search) -> Result<FoundRows, TextError> {
        let count = self.rows.div_ceil(self.block_rows) as usize;
        let mut with_term = vec![vec![false; count]; search.terms()];
        let searcher = self.reader.searcher();
        for segment in searcher.segment_readers() {
            let inverted = segment.inverted_index(self.field)?;
            let mut stream = inverted.terms().stream()?;
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
                        mark(&inverted, stream.value(), hits)?;
                    }
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

    /// Whether looking the piece up costs less than reading all rows that it may exclude. Blocks with just
    /// this token stay in any case: of a frequent word that may be nearly all.
    fn is_worth_it(
        &self,
        piece: Piece<'_>,
        blocks: &[bool],
        inverted: &InvertedIndexReader,
    ) -> Result<bool, TextError> {
        Ok(match piece {
            Piece::Whole(_) | Piece::Prefix(_) => blocks.contains(&true),
            Piece::Suffix(text) | Piece::Inside(text) => {
                let sure = blocks_where(inverted, blocks.len(), Piece::Whole(text))?;
                let open = blocks.iter().zip(sure).filter(|(block, sure)| **block && !sure).count();
                inverted.terms().num_terms() / TERMS_PER_ROW < open * self.block_rows as usize
            }
        })
    }

    fn ranges(&self, blocks: &[bool]) -> Vec<Range<u32>> {
        let mut ranges: Vec<Range<u32>> = Vec::new();
        for (block, _) in (0u32..).zip(blocks).filter(|(_, hit)| **hit) {
            let start = block * self.block_rows;
            let end = (start + self.block_rows).min(self.rows);
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

/// The blocks with a token of which the piece is true.
fn blocks_where(
    inverted: &InvertedIndexReader,
    block_count: usize,
    piece: Piece<'_>,
) -> Result<Vec<bool>, TextError> {
    let mut hits = vec![false; block_count];
    let terms = inverted.terms();
    match piece {
        Piece::Whole(text) => {
            if let Some(info) = terms.get(text.as_bytes())? {
                mark(inverted, &info, &mut hits)?;
            }
        }
        Piece::Prefix(text) => {
            let mut stream = terms.range().ge(text.as_bytes()).into_stream()?;
            while stream.advance() && stream.key().starts_with(text.as_bytes()) {
                mark(inverted, stream.value(), &mut hits)?;
            }
        }
        Piece::Suffix(text) => {
            let mut stream = terms.stream()?;
            while stream.advance() {
                if stream.key().ends_with(text.as_bytes()) {
                    mark(inverted, stream.value(), &mut hits)?;
                }
            }
        }
        Piece::Inside(text) => {
            let finder = memmem::Finder::new(text.as_bytes());
            let mut stream = terms.stream()?;
            while stream.advance() {
                if finder.find(stream.key()).is_some() {
                    mark(inverted, stream.value(), &mut hits)?;
                }
            }
        }
    }
    Ok(hits)
}

fn mark(
    inverted: &InvertedIndexReader,
    info: &TermInfo,
    hits: &mut [bool],
) -> Result<(), TextError> {
    let mut postings = inverted.read_postings_from_terminfo(info, IndexRecordOption::Basic)?;
    while postings.doc() != TERMINATED {
        // Documents were added in the order of the blocks, so a document's number is its block's.
        if let Some(hit) = hits.get_mut(postings.doc() as usize) {
            *hit = true;
        }
        postings.advance();
    }
    Ok(())
}
