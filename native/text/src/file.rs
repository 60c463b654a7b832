//! An index as one file: a head, Tantivy's dictionary, the blocks of its tokens, a checksum (format:
//! docs/format.md, "Text index").

use std::{fs::File, io, ops::Range, path::Path, sync::Arc};

use common::{OwnedBytes, file_slice::FileSlice, read_u32_vint, write_u32_vint};
use memmap2::Mmap;
use tantivy_sstable::{Dictionary, RangeSSTable, SSTable};
use xxhash_rust::xxh3::xxh3_64;

use crate::{TextError, terms::Terms};

const MAGIC: &[u8; 8] = b"VARVETXT";
const VERSION: u32 = 2;
const HEAD_BYTES: usize = 28;

/// What a file holds, open to be asked.
pub(crate) struct IndexFile {
    /// To each token, where its blocks stand in `blocks`.
    pub(crate) terms: Dictionary<RangeSSTable>,
    pub(crate) blocks: OwnedBytes,
    pub(crate) block_rows: u32,
    pub(crate) rows: u32,
}

/// The bytes of a file.
pub(crate) fn write(terms: Terms, block_rows: u32, rows: u64) -> Result<Vec<u8>, TextError> {
    let rows = u32::try_from(rows).map_err(|_| TextError::Damaged("more than 2^32 rows"))?;
    let mut dictionary = RangeSSTable::writer(Vec::new());
    let mut blocks = Vec::new();
    terms.sorted(|term, of_term| {
        let start = blocks.len() as u64;
        let mut before = 0;
        for &block in of_term {
            write_u32_vint(block - before, &mut blocks)?;
            before = block;
        }
        dictionary.insert(term, &(start..blocks.len() as u64))
    })?;
    let dictionary = dictionary.finish()?;
    let mut out = Vec::with_capacity(dictionary.len() + blocks.len() + 64);
    out.extend_from_slice(MAGIC);
    for number in [VERSION, block_rows, rows] {
        out.extend_from_slice(&number.to_le_bytes());
    }
    out.extend_from_slice(&(dictionary.len() as u64).to_le_bytes());
    out.extend_from_slice(&dictionary);
    out.extend_from_slice(&blocks);
    let checksum = xxh3_64(&out);
    out.extend_from_slice(&checksum.to_le_bytes());
    Ok(out)
}

/// Maps a file into memory: what is not asked for is not read, but for the checksum once.
pub(crate) fn map(path: &Path) -> Result<IndexFile, TextError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(TextError::Damaged("it is missing"));
        }
        Err(error) => return Err(error.into()),
    };
    // SAFETY: nobody writes to a segment's files once they are there; they are only ever removed, which
    // leaves what is mapped as it is.
    let bytes = unsafe { Mmap::map(&file) }?;
    read(&OwnedBytes::new(bytes))
}

/// Looks at a file's bytes.
pub(crate) fn read(bytes: &OwnedBytes) -> Result<IndexFile, TextError> {
    let too_short = TextError::Damaged("it is too short");
    let Some((content, checksum)) = bytes.as_slice().split_last_chunk::<8>() else {
        return Err(too_short);
    };
    if *checksum != xxh3_64(content).to_le_bytes() {
        return Err(TextError::Damaged("its checksum is another"));
    }
    let mut head = bytes.slice(0..content.len());
    if head.len() < HEAD_BYTES {
        return Err(too_short);
    }
    let rest = head.split_off(HEAD_BYTES);
    if head.advance(MAGIC.len()) != MAGIC {
        return Err(TextError::Damaged("it does not start as one"));
    }
    if head.read_u32() != VERSION {
        return Err(TextError::Damaged("its version is not known"));
    }
    let (block_rows, rows) = (head.read_u32().max(1), head.read_u32());
    let dictionary_bytes = usize::try_from(head.read_u64()).unwrap_or(usize::MAX);
    if dictionary_bytes > rest.len() {
        return Err(too_short);
    }
    let (dictionary, blocks) = rest.split(dictionary_bytes);
    let terms = Dictionary::open(FileSlice::new(Arc::new(dictionary)))?;
    Ok(IndexFile { terms, blocks, block_rows, rows })
}

impl IndexFile {
    /// Calls `take` for each block of a token, given where they stand.
    pub(crate) fn each_block(&self, of_term: &Range<u64>, mut take: impl FnMut(usize)) {
        let place = of_term.start as usize..of_term.end as usize;
        let mut rest = self.blocks.get(place).unwrap_or_default();
        let mut block = 0;
        while !rest.is_empty() {
            block += read_u32_vint(&mut rest) as usize;
            take(block);
        }
    }
}
