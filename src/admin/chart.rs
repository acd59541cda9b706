//! Bars over days, as the places of rectangles: the template only writes them down. Each bar says its value when the
//! pointer rests on it; the page has the same numbers in a table.

use rust_decimal::{Decimal, RoundingStrategy};

/// The whole picture, in units of its own; a browser scales it.
const WIDTH: u32 = 480;
const HEIGHT: u32 = 180;
/// Room for the numbers at the left and the days below.
const LEFT: u32 = 64;
const BOTTOM: u32 = 24;
const TOP: u32 = 12;
const PLOT: u32 = HEIGHT - BOTTOM - TOP;
/// A bar alone does not fill the picture.
const WIDEST: u32 = 32;
/// Lines across, beside the one at 0.
const MOST_LINES: i64 = 4;
/// Days that are named below.
const MOST_LABELS: usize = 8;

/// One day.
#[derive(Debug, Clone)]
pub(super) struct Column {
    pub(super) label: String,
    /// One on the other, from below.
    pub(super) parts: Vec<ColumnPart>,
}

/// A part of a column.
#[derive(Debug, Clone)]
pub(super) struct ColumnPart {
    pub(super) value: Decimal,
    /// The class of its colour.
    pub(super) tone: &'static str,
    /// What is said of it.
    pub(super) title: String,
}

/// A chart, ready to be written down.
#[derive(Debug)]
pub(super) struct Chart {
    pub(super) title: &'static str,
    pub(super) bars: Vec<Bar>,
    pub(super) lines: Vec<GridLine>,
    pub(super) labels: Vec<Label>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bar {
    pub(super) x: Decimal,
    pub(super) y: Decimal,
    pub(super) width: Decimal,
    pub(super) height: Decimal,
    pub(super) tone: &'static str,
    pub(super) title: String,
}

/// A line across, with its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct GridLine {
    pub(super) y: Decimal,
    pub(super) text: String,
}

/// A day below.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Label {
    pub(super) x: Decimal,
    pub(super) text: String,
}

impl Chart {
    /// `least` is the finest step of the lines, `show` how their values are written.
    pub(super) fn new(
        title: &'static str,
        columns: &[Column],
        least: Decimal,
        show: fn(Decimal) -> String,
    ) -> Self {
        let height = |column: &Column| column.parts.iter().map(|part| part.value).sum::<Decimal>();
        let highest = columns.iter().map(height).max().unwrap_or_default();
        let step = step(highest, least);
        let count = (highest / step).ceil().max(Decimal::ONE);
        let top = step * count;
        let y =
            |value: Decimal| pixels(Decimal::from(TOP + PLOT) - value / top * Decimal::from(PLOT));
        let room = Decimal::from(WIDTH - LEFT) / Decimal::from(columns.len().max(1));
        // A gap of a fifth, none where the bars are thin.
        let width = if room > Decimal::from(4) {
            (room * Decimal::new(8, 1)).min(Decimal::from(WIDEST))
        } else {
            room
        };
        let gap = (room - width) / Decimal::TWO;
        let left = |place: usize| Decimal::from(LEFT) + gap + room * Decimal::from(place);

        let mut bars = Vec::new();
        for (place, column) in columns.iter().enumerate() {
            let mut below = Decimal::ZERO;
            for part in column
                .parts
                .iter()
                .filter(|part| part.value > Decimal::ZERO)
            {
                let upper = y(below + part.value);
                bars.push(Bar {
                    x: pixels(left(place)),
                    y: upper,
                    width: pixels(width),
                    // What is there at all is seen.
                    height: (y(below) - upper).max(Decimal::ONE),
                    tone: part.tone,
                    title: part.title.clone(),
                });
                below += part.value;
            }
        }
        let stride = columns.len().div_ceil(MOST_LABELS).max(1);
        let labels = columns.iter().enumerate().step_by(stride);
        let mut lines = Vec::new();
        let mut value = Decimal::ZERO;
        while value <= top {
            lines.push(GridLine {
                y: y(value),
                text: show(value),
            });
            value += step;
        }
        Self {
            title,
            bars,
            lines,
            labels: labels
                .map(|(place, column)| Label {
                    x: pixels(left(place) + width / Decimal::TWO),
                    text: column.label.clone(),
                })
                .collect(),
        }
    }

    /// For the template.
    pub(super) fn width(&self) -> u32 {
        WIDTH
    }

    /// For the template.
    pub(super) fn height(&self) -> u32 {
        HEIGHT
    }

    /// Where the lines begin.
    pub(super) fn left(&self) -> u32 {
        LEFT
    }
}

/// The distance of the lines: 1, 2 or 5 times a power of ten.
fn step(highest: Decimal, least: Decimal) -> Decimal {
    let rough = (highest / Decimal::from(MOST_LINES)).max(least);
    let ten = Decimal::TEN;
    let mut unit = Decimal::ONE;
    while unit > rough && unit.scale() < 12 {
        unit /= ten;
    }
    while unit * ten <= rough {
        unit *= ten;
    }
    [1, 2, 5, 10]
        .map(|times| unit * Decimal::from(times))
        .into_iter()
        .find(|step| *step >= rough)
        .unwrap_or(rough)
        .normalize()
}

fn pixels(length: Decimal) -> Decimal {
    length
        .round_dp_with_strategy(1, RoundingStrategy::MidpointAwayFromZero)
        .normalize()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn columns(values: &[u64]) -> Vec<Column> {
        let values = values.iter();
        values
            .map(|value| Column {
                label: "day".to_owned(),
                parts: vec![ColumnPart {
                    value: Decimal::from(*value),
                    tone: "",
                    title: value.to_string(),
                }],
            })
            .collect()
    }

    fn chart(values: &[u64]) -> Chart {
        Chart::new("t", &columns(values), Decimal::ONE, |value| {
            value.to_string()
        })
    }

    #[test]
    fn lines_stand_at_round_numbers() {
        for (highest, least, expected) in [
            ("0", "1", "1"),
            ("3", "1", "1"),
            ("7", "1", "2"),
            ("21", "1", "10"),
            ("1000", "1", "500"),
            ("0.0034", "0.000001", "0.001"),
            ("0", "0.01", "0.01"),
        ] {
            let step = step(highest.parse().unwrap(), least.parse().unwrap());
            assert_eq!(step.to_string(), expected, "{highest}");
        }
    }

    #[test]
    fn the_highest_bar_reaches_its_line() {
        let chart = chart(&[0, 10, 5]);
        assert_eq!(chart.bars.len(), 2, "nothing is no bar");
        let highest = &chart.bars[0];
        let line = chart.lines.iter().find(|line| line.text == "10").unwrap();
        assert_eq!(highest.y, line.y);
        let ground = chart.lines[0].y;
        assert_eq!(highest.y + highest.height, ground);
        assert_eq!(chart.bars[1].y + chart.bars[1].height, ground);
    }

    proptest! {
        #[test]
        fn nothing_leaves_the_picture(values in proptest::collection::vec(0..=u32::MAX, 0..400)) {
            let values: Vec<u64> = values.into_iter().map(u64::from).collect();
            let chart = chart(&values);
            prop_assert!(chart.lines.len() <= 6);
            prop_assert!(chart.labels.len() <= MOST_LABELS);
            for bar in &chart.bars {
                prop_assert!(bar.x >= Decimal::from(LEFT));
                prop_assert!(bar.x + bar.width <= Decimal::from(WIDTH + 1));
                prop_assert!(bar.y >= Decimal::from(TOP) - Decimal::ONE);
                prop_assert!(bar.y + bar.height <= Decimal::from(TOP + PLOT + 1));
            }
        }
    }
}
