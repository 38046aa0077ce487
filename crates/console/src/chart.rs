//! Charts of rates, as pictures that need no script.

use maud::{Markup, html};
use serde_json::Value;

use crate::parts::grouped;

/// The size of the picture's own coordinates.
const WIDTH: f64 = 600.0;
const HEIGHT: f64 = 120.0;

/// The series of a chart: its name in the answer, and how its line is drawn.
const SERIES: [(&str, &str); 4] =
    [("accepted", "accepted"), ("sent", "busy"), ("delivered", "good"), ("failed", "bad")];

/// How many points a line has at most: more than that no screen shows.
const POINTS_MAX: usize = 180;

/// The lines of what was accepted, sent, delivered and failed a second.
pub(crate) fn rates(title: &str, rates: &Value) -> Markup {
    let lines = SERIES.map(|(name, class)| (name, class, points(&rates[name])));
    let highest = lines.iter().flat_map(|(.., points)| points).copied().fold(0.0, f64::max);
    let top = scale(highest);
    let words: Vec<String> = lines
        .iter()
        .map(|(name, _, points)| format!("{name} {}", points.last().copied().unwrap_or_default()))
        .collect();
    let words = format!("{title}: now {} messages a second; at most {highest}", words.join(", "));
    html! {
        figure.chart {
            figcaption { (title) span.hint { " messages a second" } }
            @if highest == 0.0 {
                div.empty { p { "No messages in this time." } }
            } @else {
                svg viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } preserveAspectRatio="none" role="img" aria-label=(words) {
                    @for part in 1..4 {
                        line class="grid" x1="0" x2=(WIDTH) y1=(HEIGHT * f64::from(part) / 4.0)
                            y2=(HEIGHT * f64::from(part) / 4.0) {}
                    }
                    @for (_, class, points) in &lines {
                        polyline class=(class) points=(path(points, top)) {}
                    }
                }
                p.legend {
                    @for (name, class, points) in &lines {
                        span class={ "key " (class) } { (name) " " (points.last().copied().unwrap_or_default()) }
                    }
                    span.hint { "The highest line is " (top) " a second." }
                }
            }
        }
    }
}

/// What was counted in a day, in parts that stand above each other.
pub(crate) struct Day<const N: usize> {
    /// The date.
    pub(crate) name: String,
    /// The parts, the lowest first.
    pub(crate) counts: [u64; N],
}

/// A bar for each day. `parts` has the name of each part and how it is drawn.
pub(crate) fn days<const N: usize>(title: &str, parts: &[(&str, &str); N], days: &[Day<N>]) -> Markup {
    let sum = |day: &Day<N>| day.counts.iter().sum::<u64>();
    let highest = days.iter().map(sum).max().unwrap_or_default();
    let sums: [u64; N] = std::array::from_fn(|part| days.iter().map(|day| day.counts[part]).sum());
    let words: Vec<String> = parts.iter().zip(sums).map(|((name, _), sum)| format!("{name} {sum}")).collect();
    let width = WIDTH / days.len().max(1) as f64;
    let scaled = |count: u64| count as f64 / scale(highest as f64) * HEIGHT;
    html! {
        figure.chart {
            figcaption { (title) span.hint { " by day" } }
            @if highest == 0 {
                div.empty { p { "No messages in this time." } }
            } @else {
                svg.bar.days viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } preserveAspectRatio="none" role="img"
                    aria-label={ (title) ": " (words.join(", ")) "; at most " (highest) " in a day" } {
                    @for (index, day) in days.iter().enumerate() {
                        @for (part, (_, class)) in parts.iter().enumerate() {
                            @let top = HEIGHT - scaled(day.counts[..=part].iter().sum());
                            rect class=(class) x=(format!("{:.2}", index as f64 * width + width * 0.1))
                                width=(format!("{:.2}", width * 0.8)) y=(format!("{top:.2}"))
                                height=(format!("{:.2}", scaled(day.counts[part]))) {}
                        }
                    }
                }
                p.legend {
                    @for ((name, class), sum) in parts.iter().zip(sums) {
                        @if sum > 0 { span class={ "key " (class) } { (name) " " (grouped(sum)) } }
                    }
                    span.hint {
                        "From " (days[0].name) " to " (days[days.len() - 1].name)
                        ", at most " (grouped(highest)) " in a day."
                    }
                }
            }
        }
    }
}

/// The values of a series, those of neighbours put together where there are too many.
fn points(series: &Value) -> Vec<f64> {
    let all: Vec<f64> = series.as_array().into_iter().flatten().filter_map(Value::as_f64).collect();
    let each = all.len().div_ceil(POINTS_MAX).max(1);
    all.chunks(each).map(|few| few.iter().copied().fold(0.0, f64::max)).collect()
}

/// The round number above.
fn scale(highest: f64) -> f64 {
    let power = 10_f64.powf(highest.max(0.01).log10().floor());
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|step| step * power).find(|step| *step >= highest).unwrap_or(highest)
}

fn path(points: &[f64], top: f64) -> String {
    let step = WIDTH / (points.len().max(2) - 1) as f64;
    let place =
        |(index, value): (usize, &f64)| format!("{:.1},{:.1}", index as f64 * step, HEIGHT - value / top * HEIGHT);
    points.iter().enumerate().map(place).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_chart_ends_at_a_round_number() {
        for (highest, top) in [(0.3, 0.5), (1.0, 1.0), (7.0, 10.0), (1_234.0, 2_000.0)] {
            assert!((scale(highest) - top).abs() < 1e-9, "{highest}");
        }
    }

    #[test]
    fn a_peak_survives_when_points_are_put_together() {
        let mut series = vec![0; 720];
        series[500] = 90;
        let points = points(&json!(series));
        assert_eq!((points.len(), points.iter().copied().fold(0.0, f64::max)), (180, 90.0));
    }

    #[test]
    fn bars_stand_above_each_other_and_end_at_a_round_number() {
        fn day<const N: usize>(name: &str, counts: [u64; N]) -> Day<N> {
            Day { name: name.to_owned(), counts }
        }
        let drawn = days("Sent", &[("Good", "good"), ("Bad", "bad")], &[day("1", [3, 1]), day("2", [0, 0])]);
        let drawn = drawn.into_string();
        assert!(drawn.contains("Sent: Good 3, Bad 1; at most 4 in a day"), "{drawn}");
        // Of a height of 120 for 5 messages.
        for bar in [
            r#"class="good" x="30.00" width="240.00" y="48.00" height="72.00""#,
            r#"class="bad" x="30.00" width="240.00" y="24.00" height="24.00""#,
            r#"class="bad" x="330.00" width="240.00" y="120.00" height="0.00""#,
        ] {
            assert!(drawn.contains(bar), "{bar}: {drawn}");
        }
        let none = days("Sent", &[("Good", "good")], &[day("1", [0])]).into_string();
        assert!(none.contains("No messages in this time"), "{none}");
        assert!(days("Sent", &[("Good", "good")], &[]).into_string().contains("No messages in this time"));
    }

    #[test]
    fn a_chart_says_its_figures_in_words() {
        let series =
            json!({ "accepted": [1.0, 4.0], "sent": [1.0, 3.5], "delivered": [0.0, 3.0], "failed": [0.0, 0.0] });
        let drawn = rates("Last hour", &series).into_string();
        assert!(
            drawn.contains("now accepted 4, sent 3.5, delivered 3, failed 0 messages a second; at most 4"),
            "{drawn}"
        );
        assert!(rates("Last hour", &json!({})).into_string().contains("No messages in this time"));
    }
}
