//! Charts as the places of shapes: the template only writes them down. A series is one path, so that a page with a year
//! of eight models stays small; over each column lies a link that says its values and leads to what is behind them. The
//! page has the same numbers in a table.

use rust_decimal::prelude::ToPrimitive;
use rust_decimal::{Decimal, RoundingStrategy};

/// The width of a column's room. The picture beside the numbers has units of its own, whole ones, which are short as texts: a
/// browser stretches it to the room that there is, so that words stand at a share of it and have the size of all others.
/// Its columns stand on 0, and what is above has a negative `y`.
const COLUMN: usize = 10;
/// The height of the columns.
const PLOT: i64 = 288;
/// Room above the columns.
const TOP: i64 = 24;
/// Room for the days below.
const BOTTOM: i64 = 48;
const HEIGHT: i64 = TOP + PLOT + BOTTOM;
/// What is there at all is as high as this, so that it is seen.
const LEAST_HEIGHT: i64 = 2;
/// Lines across, beside the one at 0.
const MOST_LINES: i64 = 4;
/// Days that are named below.
const MOST_LABELS: usize = 8;

/// One day, or a few of them.
#[derive(Debug, Clone, Default)]
pub(super) struct Column {
    pub(super) label: String,
    /// A value for each series, in their order; `None`: there is nothing to say.
    pub(super) values: Vec<Option<Decimal>>,
    /// What is said of it.
    pub(super) title: String,
    /// The page with what is behind it.
    pub(super) address: String,
}

/// What is shown of each column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Series {
    pub(super) name: String,
    /// The class of its colour.
    pub(super) tone: &'static str,
}

impl Series {
    pub(super) fn new(name: impl Into<String>, tone: &'static str) -> Self {
        let name = name.into();
        Self { name, tone }
    }
}

/// The colours of series, in their order; what is together comes last.
pub(super) const TONES: [&str; 9] = ["s0", "s1", "s2", "s3", "s4", "s5", "s6", "s7", "s8"];

/// How the values of a column lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ChartShape {
    /// One on the other.
    Bars,
    /// Each series is a line.
    Lines,
}

/// A chart, ready to be written down.
#[derive(Debug)]
pub(super) struct Chart {
    pub(super) title: &'static str,
    pub(super) series: Vec<DrawnSeries>,
    pub(super) columns: Vec<DrawnColumn>,
    pub(super) lines: Vec<GridLine>,
    pub(super) labels: Vec<Label>,
    pub(super) shape: ChartShape,
    pub(super) bar_width: usize,
}

/// All of a series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DrawnSeries {
    pub(super) name: String,
    pub(super) tone: &'static str,
    pub(super) path: String,
}

/// The place of a column, from the bottom to the top.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct DrawnColumn {
    /// Its middle.
    pub(super) x: usize,
    pub(super) title: String,
    pub(super) address: String,
}

/// A line across, with its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct GridLine {
    pub(super) y: i64,
    /// Its place from above, in percent of the picture's height.
    pub(super) percent: Decimal,
    pub(super) text: String,
}

/// A day below.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Label {
    /// In percent of the width.
    pub(super) percent: Decimal,
    pub(super) text: String,
}

/// Where values lie in the picture.
struct Scale {
    /// The value of the uppermost line.
    top: Decimal,
    step: Decimal,
    columns: usize,
}

impl Scale {
    fn new(highest: Decimal, least: Decimal, columns: usize) -> Self {
        let step = step(highest, least);
        let count = (highest / step).ceil().max(Decimal::ONE);
        let top = step * count;
        Self { top, step, columns }
    }

    fn y(&self, value: Decimal) -> i64 {
        let height = value / self.top * Decimal::from(PLOT);
        -height.round().to_i64().unwrap_or_default()
    }

    fn middle(&self, place: usize) -> usize {
        COLUMN * place + COLUMN / 2
    }

    /// The width of a bar: a gap of a fifth, none where the bars are thin. A bar alone does not fill the picture.
    fn bar_width(&self) -> usize {
        match self.columns {
            few @ ..=16 => few.div_ceil(2),
            ..=125 => COLUMN * 4 / 5,
            _ => COLUMN,
        }
    }

    /// A bar between two values: a stroke as wide as a bar, which is half as long a text as its outline.
    fn bar(&self, place: usize, below: Decimal, above: Decimal) -> String {
        let (middle, bottom) = (self.middle(place), self.y(below));
        let height = (bottom - self.y(above)).max(LEAST_HEIGHT);
        format!("M{middle} {bottom}v-{height}")
    }
}

impl Chart {
    /// Bars, one on the other. `least` is the finest step of the lines, `show` how their values are written.
    pub(super) fn bars(
        title: &'static str,
        series: Vec<Series>,
        columns: Vec<Column>,
        least: Decimal,
        show: fn(Decimal) -> String,
    ) -> Self {
        let height = |column: &Column| column.values.iter().flatten().sum::<Decimal>();
        let highest = columns.iter().map(height).max().unwrap_or_default();
        let scale = Scale::new(highest, least, columns.len());
        let mut paths = vec![String::new(); series.len()];
        for (place, column) in columns.iter().enumerate() {
            let mut below = Decimal::ZERO;
            for (path, value) in paths.iter_mut().zip(&column.values) {
                let value = value.unwrap_or_default();
                if value > Decimal::ZERO {
                    path.push_str(&scale.bar(place, below, below + value));
                    below += value;
                }
            }
        }
        Self::drawn(
            title,
            ChartShape::Bars,
            series,
            paths,
            columns,
            &scale,
            show,
        )
    }

    /// A line for each series, broken where there is no value. `highest` is the least height of the picture.
    pub(super) fn lines(
        title: &'static str,
        series: Vec<Series>,
        columns: Vec<Column>,
        highest: Decimal,
        least: Decimal,
        show: fn(Decimal) -> String,
    ) -> Self {
        let values = columns
            .iter()
            .flat_map(|column| column.values.iter().flatten());
        let highest = values.copied().max().unwrap_or_default().max(highest);
        let scale = Scale::new(highest, least, columns.len());
        let mut paths = vec![String::new(); series.len()];
        let mut is_drawing = vec![false; series.len()];
        for (place, column) in columns.iter().enumerate() {
            let lines = paths.iter_mut().zip(&mut is_drawing).zip(&column.values);
            for ((path, is_drawing), value) in lines {
                if let Some(value) = value {
                    let (x, y) = (scale.middle(place), scale.y(*value));
                    // A point alone is seen by its round cap.
                    let next = if *is_drawing {
                        format!("L{x} {y}")
                    } else {
                        format!("M{x} {y}h0")
                    };
                    path.push_str(&next);
                }
                *is_drawing = value.is_some();
            }
        }
        Self::drawn(
            title,
            ChartShape::Lines,
            series,
            paths,
            columns,
            &scale,
            show,
        )
    }

    fn drawn(
        title: &'static str,
        shape: ChartShape,
        series: Vec<Series>,
        paths: Vec<String>,
        columns: Vec<Column>,
        scale: &Scale,
        show: fn(Decimal) -> String,
    ) -> Self {
        let stride = columns.len().div_ceil(MOST_LABELS).max(1);
        let labels = columns.iter().enumerate().step_by(stride);
        let labels = labels.map(|(place, column)| Label {
            percent: percent(scale.middle(place), columns.len() * COLUMN),
            text: column.label.clone(),
        });
        let labels = labels.collect();
        let mut lines = Vec::new();
        let mut value = Decimal::ZERO;
        while value <= scale.top {
            let y = scale.y(value);
            lines.push(GridLine {
                y,
                percent: percent(TOP + PLOT + y, HEIGHT),
                text: show(value),
            });
            value += scale.step;
        }
        // A series of which there is nothing needs no legend.
        let is_drawn = |path: &String| !path.is_empty();
        let is_empty = !paths.iter().any(is_drawn);
        let series = series.into_iter().zip(paths);
        let columns = columns.into_iter().enumerate();
        Self {
            title,
            series: series
                .filter(|(_, path)| is_empty || is_drawn(path))
                .map(|(series, path)| DrawnSeries {
                    name: series.name,
                    tone: series.tone,
                    path,
                })
                .collect(),
            columns: columns
                .map(|(place, column)| DrawnColumn {
                    x: scale.middle(place),
                    title: column.title,
                    address: column.address,
                })
                .collect(),
            lines,
            labels,
            shape,
            bar_width: scale.bar_width(),
        }
    }

    /// For the template.
    pub(super) fn is_lines(&self) -> bool {
        self.shape == ChartShape::Lines
    }

    /// The picture in its own units: its left upper corner, its width and its height.
    pub(super) fn view_box(&self) -> String {
        format!("0 {} {} {HEIGHT}", -(TOP + PLOT), self.width())
    }

    fn width(&self) -> usize {
        self.columns.len().max(1) * COLUMN
    }

    /// The lines across, as a path.
    pub(super) fn grid(&self) -> String {
        let width = self.width();
        let lines = self.lines.iter();
        lines.map(|line| format!("M0 {}h{width}", line.y)).collect()
    }

    /// The width of a column's room.
    pub(super) fn column_width(&self) -> usize {
        COLUMN
    }

    /// How high a column may be.
    pub(super) fn plot(&self) -> i64 {
        PLOT
    }
}

/// The picture of a sparkline, in units of its own.
pub(super) const SPARK_WIDTH: u32 = 120;
/// See [`SPARK_WIDTH`].
pub(super) const SPARK_HEIGHT: u32 = 28;

/// A small line of values without any words, as a path.
pub(super) fn sparkline(values: &[Decimal]) -> String {
    let highest = values.iter().copied().max().unwrap_or_default();
    let height = Decimal::from(SPARK_HEIGHT - 4);
    let steps = Decimal::from(values.len().saturating_sub(1).max(1));
    let mut path = String::new();
    for (place, value) in values.iter().enumerate() {
        let x = pixels(Decimal::from(SPARK_WIDTH) * Decimal::from(place) / steps);
        let share = value.checked_div(highest).unwrap_or_default();
        let y = pixels(Decimal::from(SPARK_HEIGHT - 2) - share * height);
        let verb = if place == 0 { 'M' } else { 'L' };
        path.push_str(&format!("{verb}{x} {y}"));
    }
    path
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

/// A length as a share of the picture's.
fn percent<T: Into<Decimal>>(length: T, whole: T) -> Decimal {
    pixels(length.into() * Decimal::ONE_HUNDRED / whole.into())
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
                values: vec![Some(Decimal::from(*value))],
                ..Column::default()
            })
            .collect()
    }

    fn chart(values: &[u64]) -> Chart {
        let series = vec![Series::new("one", "s0")];
        Chart::bars("t", series, columns(values), Decimal::ONE, |value| {
            value.to_string()
        })
    }

    /// The numbers of a path.
    fn numbers(path: &str) -> Vec<Decimal> {
        let numbers = path.split(|c: char| c.is_ascii_alphabetic() || c == ' ');
        numbers
            .filter(|text| !text.is_empty())
            .map(|text| text.parse().unwrap())
            .collect()
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
    fn the_highest_bar_reaches_its_line_and_nothing_is_no_bar() {
        let chart = chart(&[0, 10, 5]);
        let path = &chart.series[0].path;
        assert_eq!(path.matches('M').count(), 2, "{path}");
        let line = chart.lines.iter().find(|line| line.text == "10").unwrap();
        let numbers = numbers(path);
        let (bottom, height) = (numbers[1], -numbers[2]);
        assert_eq!(bottom - height, Decimal::from(line.y));
        assert_eq!(bottom, Decimal::from(chart.lines[0].y));
        assert_eq!(chart.columns.len(), 3);
    }

    #[test]
    fn a_line_is_broken_where_nothing_is_known() {
        let mut columns = columns(&[1, 2, 3, 4]);
        columns[2].values = vec![None];
        let chart = Chart::lines(
            "t",
            vec![Series::new("one", "s0")],
            columns,
            Decimal::from(100),
            Decimal::ONE,
            |value| value.to_string(),
        );
        let path = &chart.series[0].path;
        assert_eq!(
            (path.matches('M').count(), path.matches('L').count()),
            (2, 1),
            "{path}"
        );
        assert_eq!(chart.lines.last().unwrap().text, "100");
    }

    #[test]
    fn a_sparkline_stays_in_its_picture_whatever_it_shows() {
        for values in [vec![], vec![0], vec![0, 0], vec![3, 9, 0]] {
            let values: Vec<Decimal> = values.into_iter().map(Decimal::from).collect();
            for number in numbers(&sparkline(&values)) {
                assert!(number >= Decimal::ZERO && number <= Decimal::from(SPARK_WIDTH));
            }
        }
    }

    proptest! {
        #[test]
        fn nothing_leaves_the_picture(values in proptest::collection::vec(0..=u32::MAX, 0..400)) {
            let values: Vec<u64> = values.into_iter().map(u64::from).collect();
            let chart = chart(&values);
            prop_assert!(chart.lines.len() <= 6);
            prop_assert!(chart.labels.len() <= MOST_LABELS);
            for bar in chart.series[0].path.split('M').skip(1) {
                let numbers = numbers(bar);
                let (middle, bottom, height) = (numbers[0], numbers[1], -numbers[2]);
                let half = Decimal::from(chart.bar_width) / Decimal::TWO;
                prop_assert!(middle >= half && middle + half <= Decimal::from(chart.width()));
                prop_assert!(bottom <= Decimal::ZERO && height - bottom <= Decimal::from(PLOT + LEAST_HEIGHT));
            }
            for column in &chart.columns {
                prop_assert!(column.x + COLUMN / 2 <= chart.width());
            }
        }
    }
}
