//! Ranges of a segment's rows: cut by the text index, cut into pieces, made of rows.

use std::ops::Range;

use super::Row;

/// How many rows of a segment are looked at together.
const PIECE_ROWS: u32 = 65_536;

/// Rows of a stream, which comes with its first and last time.
pub(super) type StreamRange = ((u32, (i64, i64)), Range<u32>);

/// Rows by stream, with their first and last time.
pub(super) type PieceRows = ((i64, i64), Vec<(u32, Range<u32>)>);

/// Ranges in pieces of [`PIECE_ROWS`] at most, each with its first and last time.
pub(super) fn cut(ranges: &[StreamRange]) -> Vec<PieceRows> {
    let mut pieces: Vec<PieceRows> = Vec::new();
    let mut room = 0;
    for ((stream, times), rows) in ranges {
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

    #[test]
    fn pieces_hold_all_rows_and_know_their_times() {
        let ranges =
            [((0, (5, 9)), 0..PIECE_ROWS - 1), ((1, (1, 6)), PIECE_ROWS - 1..PIECE_ROWS + 3)];
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
