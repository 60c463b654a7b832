//! Ranges of a segment's rows: cut by the text index, cut into pieces, made of rows.

use std::ops::Range;

use super::Row;

/// How many rows of a segment are looked at together.
const PIECE_ROWS: u32 = 65_536;

/// Rows of a stream, with the stream's first and last time.
pub(super) type StreamRange = (u32, Range<u32>, (i64, i64));

/// Rows by stream, with their first and last time.
pub(super) type PieceRows = ((i64, i64), Vec<(u32, Range<u32>)>);

/// The parts of the ranges that are in `hits`; both are sorted and do not overlap.
pub(super) fn intersect(ranges: &[StreamRange], hits: &[Range<u32>]) -> Vec<StreamRange> {
    let mut both = Vec::new();
    let mut first = 0;
    for (stream, rows, times) in ranges {
        first += hits[first..].partition_point(|hit| hit.end <= rows.start);
        for hit in hits[first..].iter().take_while(|hit| hit.start < rows.end) {
            both.push((*stream, hit.start.max(rows.start)..hit.end.min(rows.end), *times));
        }
    }
    both
}

/// Ranges in pieces of [`PIECE_ROWS`] at most, each with its first and last time.
pub(super) fn cut(ranges: &[StreamRange]) -> Vec<PieceRows> {
    let mut pieces: Vec<PieceRows> = Vec::new();
    let mut room = 0;
    for (stream, rows, times) in ranges {
        let mut rows = rows.clone();
        while !rows.is_empty() {
            if room == 0 {
                pieces.push((*times, Vec::new()));
                room = PIECE_ROWS;
            }
            let end = rows.end.min(rows.start.saturating_add(room));
            room -= end - rows.start;
            if let Some((covered, piece)) = pieces.last_mut() {
                *covered = (covered.0.min(times.0), covered.1.max(times.1));
                piece.push((*stream, rows.start..end));
            }
            rows.start = end;
        }
    }
    pieces
}

/// Rows as ranges; they are sorted.
pub(super) fn runs(rows: &[Row]) -> Vec<Range<u32>> {
    let mut runs: Vec<Range<u32>> = Vec::new();
    for row in rows {
        match runs.last_mut() {
            Some(run) if run.end == row.at => run.end += 1,
            _ => runs.push(row.at..row.at + 1),
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMES: (i64, i64) = (0, 9);

    #[test]
    fn ranges_keep_what_the_text_index_found() {
        let ranges = [(0, 0..10, TIMES), (1, 10..20, TIMES), (2, 30..40, TIMES)];
        assert_eq!(
            intersect(&ranges, &[2..4, 8..12, 25..28, 39..50]),
            [(0, 2..4, TIMES), (0, 8..10, TIMES), (1, 10..12, TIMES), (2, 39..40, TIMES)]
        );
    }

    #[test]
    fn pieces_hold_all_rows_and_know_their_times() {
        let ranges = [(0, 0..PIECE_ROWS - 1, (5, 9)), (1, PIECE_ROWS - 1..PIECE_ROWS + 3, (1, 6))];
        assert_eq!(
            cut(&ranges),
            [
                ((1, 9), vec![(0, 0..PIECE_ROWS - 1), (1, PIECE_ROWS - 1..PIECE_ROWS)]),
                ((1, 6), vec![(1, PIECE_ROWS..PIECE_ROWS + 3)]),
            ]
        );
    }

    #[test]
    fn neighbouring_rows_are_one_range() {
        let rows = [1, 2, 3, 7, 9, 10].map(|at| Row { at, stream: 0, time_ns: 0 });
        assert_eq!(runs(&rows), [1..4, 7..8, 9..11]);
    }
}
