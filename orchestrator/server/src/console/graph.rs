//! A journey as a picture: boxes in layers, arrows that mostly run down. The same program gives the same picture.
//!
//! The layers are those of the longest way from the start; ways that skip layers pass through invisible points; the order
//! within a layer follows the neighbours above and below (Sugiyama, Tagawa, Toda 1981); ways back run along the right.

use journey::outline::Outline;
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};
use words::Language;

const BOX_WIDTH: f64 = 208.0;
const LINE_HEIGHT: f64 = 18.0;
const PADDING: f64 = 12.0;
const GAP_X: f64 = 28.0;
const GAP_Y: f64 = 56.0;
const MARGIN: f64 = 16.0;
/// Columns of half-width characters that fit into a box.
const COLUMNS: usize = 27;
const LINES_MAX: usize = 4;
const SWEEPS: usize = 6;

/// One point of the layered graph: a box, or a place where a long way passes.
struct Point {
    layer: usize,
    /// The node, for a box.
    node: Option<usize>,
    x: f64,
}

/// The picture of `outline` with `counts` customers on each node, ready for the template.
pub(crate) fn draw(outline: &Outline, counts: &BTreeMap<u32, u64>, language: Language) -> Json {
    let n = outline.boxes.len();
    if n == 0 {
        return Json::Null;
    }
    let index: BTreeMap<u32, usize> = outline.boxes.iter().enumerate().map(|(i, b)| (b.pc, i)).collect();
    let arrows: Vec<(usize, usize, Option<&str>)> = outline
        .arrows
        .iter()
        .filter_map(|a| {
            let label = a.label.as_ref().map(|text| text.get(language));
            Some((*index.get(&a.from)?, *index.get(&a.to)?, label))
        })
        .collect();
    let back = ways_back(n, &arrows);
    let layer_of = layers(n, &arrows, &back);
    let (mut points, ways) = points(&layer_of, &arrows, &back);
    let mut rows = order(&points, &ways);
    place(&mut points, &ways, &mut rows);

    let texts: Vec<Vec<String>> =
        outline.boxes.iter().map(|b| wrap(b.label.get(language), COLUMNS, LINES_MAX)).collect();
    #[allow(clippy::cast_precision_loss, reason = "a handful of lines")]
    let height = |node: usize| texts[node].len() as f64 * LINE_HEIGHT + 2.0 * PADDING;
    let start = wrap(outline.start.get(language), COLUMNS + 6, 2);
    #[allow(clippy::cast_precision_loss, reason = "two lines at most")]
    let start_height = start.len() as f64 * LINE_HEIGHT + PADDING;

    let mut top = vec![0.0; rows.len()];
    let mut tallest = vec![0.0_f64; rows.len()];
    let mut y = MARGIN + start_height + GAP_Y * 0.6;
    for (layer, row) in rows.iter().enumerate() {
        top[layer] = y;
        tallest[layer] = row.iter().filter_map(|p| points[*p].node).map(height).fold(LINE_HEIGHT, f64::max);
        y += tallest[layer] + GAP_Y;
    }
    let bottom = y - GAP_Y + MARGIN;
    let left = points.iter().map(|p| p.x).fold(f64::MAX, f64::min) - BOX_WIDTH / 2.0 - MARGIN;
    let right = points.iter().map(|p| p.x).fold(f64::MIN, f64::max) + BOX_WIDTH / 2.0 + MARGIN;
    let x_of = |p: usize| points[p].x - left;
    let spot = |p: usize| {
        let point = &points[p];
        let h = point.node.map_or(tallest[point.layer], height);
        (x_of(p), top[point.layer], top[point.layer] + h)
    };

    let mut edges = Vec::new();
    for way in &ways {
        let mut d = String::new();
        let mut label_at = (0.0, 0.0);
        for (i, pair) in way.points.windows(2).enumerate() {
            let (x1, _, y1) = spot(pair[0]);
            let (x2, y2, _) = spot(pair[1]);
            // A box is shorter than its layer may be: go straight down to the layer's end first.
            let end = top[points[pair[0]].layer] + tallest[points[pair[0]].layer];
            let half = (y2 - end) / 2.0;
            if i == 0 {
                d = format!("M{x1:.1},{y1:.1}");
            }
            d.push_str(&format!(
                "L{x1:.1},{end:.1}C{x1:.1},{:.1} {x2:.1},{:.1} {x2:.1},{y2:.1}",
                end + half,
                y2 - half
            ));
            if points[pair[1]].node.is_none() {
                let passed = top[points[pair[1]].layer] + tallest[points[pair[1]].layer];
                d.push_str(&format!("L{x2:.1},{passed:.1}"));
            }
            if i == 0 {
                label_at = (x1 + (x2 - x1) * 0.62, end + (y2 - end) * 0.58);
            }
        }
        edges.push(edge(d, way.label, label_at, false));
    }
    let mut lane = right - left;
    for (i, (from, to, label)) in arrows.iter().enumerate().filter(|(i, _)| back[*i]) {
        let _ = i;
        let (x1, y1, y1b) = spot(*from);
        let (x2, y2, y2b) = spot(*to);
        let (y1, y2) = ((y1 + y1b) / 2.0, (y2 + y2b) / 2.0);
        let (x1, x2) = (x1 + BOX_WIDTH / 2.0, x2 + BOX_WIDTH / 2.0);
        let d = format!("M{x1:.1},{y1:.1}C{lane:.1},{y1:.1} {lane:.1},{y2:.1} {x2:.1},{y2:.1}");
        edges.push(edge(d, *label, (lane - 24.0, (y1 + y2) / 2.0), true));
        lane += 24.0;
    }
    let (entry_x, entry_y, _) = spot(0);
    let nodes: Vec<Json> = outline
        .boxes
        .iter()
        .enumerate()
        .map(|(i, b)| {
            let (x, y, _) = spot(i);
            let count = counts.get(&b.pc).copied().unwrap_or(0);
            json!({
                "x": round(x - BOX_WIDTH / 2.0), "y": round(y), "w": BOX_WIDTH, "h": round(height(i)),
                "kind": b.kind, "count": count,
                "badge": {"x": round(x + BOX_WIDTH / 2.0 - 6.0), "y": round(y)},
                "lines": lines(&texts[i], x, y + PADDING),
            })
        })
        .collect();
    let start_y = entry_y - GAP_Y * 0.6 - start_height;
    json!({
        "width": round(lane.max(right - left) + if back.contains(&true) { 16.0 } else { 0.0 }),
        "height": round(bottom),
        "nodes": nodes,
        "edges": edges,
        "start": {
            "x": round(entry_x - BOX_WIDTH / 2.0 - 12.0), "y": round(start_y), "w": BOX_WIDTH + 24.0, "h": round(start_height),
            "lines": lines(&start, entry_x, start_y + PADDING / 2.0),
            "d": format!("M{entry_x:.1},{:.1}L{entry_x:.1},{entry_y:.1}", start_y + start_height),
        },
    })
}

struct Way<'a> {
    points: Vec<usize>,
    label: Option<&'a str>,
}

fn edge(d: String, label: Option<&str>, at: (f64, f64), back: bool) -> Json {
    let label = label.map(|text| {
        let text = wrap(text, 24, 1).pop().unwrap_or_default();
        json!({"x": round(at.0), "y": round(at.1), "text": text})
    });
    json!({"d": d, "label": label, "back": back})
}

fn lines(texts: &[String], x: f64, y: f64) -> Vec<Json> {
    #[allow(clippy::cast_precision_loss, reason = "a handful of lines")]
    texts
        .iter()
        .enumerate()
        .map(
            |(i, text)| json!({"x": round(x), "y": round(y + LINE_HEIGHT * (i as f64 + 0.72)), "text": text}),
        )
        .collect()
}

fn round(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

/// Which arrows lead back to where one has come from.
fn ways_back(n: usize, arrows: &[(usize, usize, Option<&str>)]) -> Vec<bool> {
    let mut back = vec![false; arrows.len()];
    // 0: not seen, 1: on the way, 2: done. Without recursion: programs may be deep.
    let mut seen = vec![0_u8; n];
    for root in 0..n {
        if seen[root] != 0 {
            continue;
        }
        let mut stack = vec![(root, 0)];
        seen[root] = 1;
        while let Some((node, next)) = stack.pop() {
            let Some(arrow) = (next..arrows.len()).find(|a| arrows[*a].0 == node) else {
                seen[node] = 2;
                continue;
            };
            stack.push((node, arrow + 1));
            let to = arrows[arrow].1;
            match seen[to] {
                1 => back[arrow] = true,
                0 => {
                    seen[to] = 1;
                    stack.push((to, 0));
                }
                _ => {}
            }
        }
    }
    back
}

/// The layer of each node: the longest way to it.
fn layers(n: usize, arrows: &[(usize, usize, Option<&str>)], back: &[bool]) -> Vec<usize> {
    let mut layer = vec![0; n];
    // Without the ways back there are no circles, so that it comes to rest within n rounds.
    for _ in 0..n {
        let mut moved = false;
        for (arrow, _) in arrows.iter().zip(back).filter(|(_, back)| !**back) {
            if layer[arrow.1] < layer[arrow.0] + 1 {
                layer[arrow.1] = layer[arrow.0] + 1;
                moved = true;
            }
        }
        if !moved {
            break;
        }
    }
    layer
}

fn points<'a>(
    layer_of: &[usize],
    arrows: &[(usize, usize, Option<&'a str>)],
    back: &[bool],
) -> (Vec<Point>, Vec<Way<'a>>) {
    let mut points: Vec<Point> = layer_of
        .iter()
        .enumerate()
        .map(|(i, layer)| Point { layer: *layer, node: Some(i), x: 0.0 })
        .collect();
    let mut ways = Vec::new();
    for ((from, to, label), _) in arrows.iter().zip(back).filter(|(_, back)| !**back) {
        let mut way = vec![*from];
        for layer in layer_of[*from] + 1..layer_of[*to] {
            points.push(Point { layer, node: None, x: 0.0 });
            way.push(points.len() - 1);
        }
        way.push(*to);
        ways.push(Way { points: way, label: *label });
    }
    (points, ways)
}

/// For every point its neighbours above (`false`) or below (`true`).
fn neighbours(count: usize, ways: &[Way<'_>], below: bool) -> Vec<Vec<usize>> {
    let mut near = vec![Vec::new(); count];
    for pair in ways.iter().flat_map(|way| way.points.windows(2)) {
        if below {
            near[pair[0]].push(pair[1]);
        } else {
            near[pair[1]].push(pair[0]);
        }
    }
    near
}

fn order(points: &[Point], ways: &[Way<'_>]) -> Vec<Vec<usize>> {
    let depth = points.iter().map(|p| p.layer).max().unwrap_or(0) + 1;
    let mut rows: Vec<Vec<usize>> = vec![Vec::new(); depth];
    for (i, point) in points.iter().enumerate() {
        rows[point.layer].push(i);
    }
    let above = neighbours(points.len(), ways, false);
    let below = neighbours(points.len(), ways, true);
    for sweep in 0..SWEEPS {
        let down = sweep % 2 == 0;
        let layers: Vec<usize> =
            if down { (1..depth).collect() } else { (0..depth.saturating_sub(1)).rev().collect() };
        for layer in layers {
            let near = if down { &above } else { &below };
            let other = if down { layer - 1 } else { layer + 1 };
            let place: BTreeMap<usize, usize> =
                rows[other].iter().enumerate().map(|(i, p)| (*p, i)).collect();
            let mut keyed: Vec<(f64, usize, usize)> = rows[layer]
                .iter()
                .enumerate()
                .map(|(i, p)| {
                    (mean(near[*p].iter().filter_map(|q| place.get(q)).map(|i| to_f64(*i)), to_f64(i)), i, *p)
                })
                .collect();
            keyed.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            rows[layer] = keyed.into_iter().map(|(_, _, p)| p).collect();
        }
    }
    rows
}

fn place(points: &mut [Point], ways: &[Way<'_>], rows: &mut [Vec<usize>]) {
    let above = neighbours(points.len(), ways, false);
    let below = neighbours(points.len(), ways, true);
    let room = |points: &[Point], p: usize| if points[p].node.is_some() { BOX_WIDTH } else { 40.0 };
    for row in rows.iter() {
        let mut x = 0.0;
        for p in row {
            points[*p].x = x + room(points, *p) / 2.0;
            x += room(points, *p) + GAP_X;
        }
        let middle = x / 2.0;
        for p in row {
            points[*p].x -= middle;
        }
    }
    for pass in 0..12 {
        let down = pass % 2 == 0;
        let layers: Vec<usize> =
            if down { (0..rows.len()).collect() } else { (0..rows.len()).rev().collect() };
        for layer in layers {
            let near = if down { &above } else { &below };
            let row = &rows[layer];
            let wanted: Vec<f64> =
                row.iter().map(|p| mean(near[*p].iter().map(|q| points[*q].x), points[*p].x)).collect();
            let apart = |a: usize, b: usize| (room(points, a) + room(points, b)) / 2.0 + GAP_X;
            let mut from_left = wanted.clone();
            for i in 1..row.len() {
                from_left[i] = from_left[i].max(from_left[i - 1] + apart(row[i - 1], row[i]));
            }
            let mut from_right = wanted.clone();
            for i in (0..row.len().saturating_sub(1)).rev() {
                from_right[i] = from_right[i].min(from_right[i + 1] - apart(row[i], row[i + 1]));
            }
            // Both keep the distances, so does their mean.
            for (i, p) in row.iter().enumerate() {
                points[*p].x = f64::midpoint(from_left[i], from_right[i]);
            }
        }
    }
}

fn mean(values: impl Iterator<Item = f64>, otherwise: f64) -> f64 {
    let (mut sum, mut n) = (0.0, 0.0);
    for value in values {
        sum += value;
        n += 1.0;
    }
    if n == 0.0 { otherwise } else { sum / n }
}

#[allow(clippy::cast_precision_loss, reason = "places in a row of a drawing")]
fn to_f64(value: usize) -> f64 {
    value as f64
}

/// Breaks `text` into lines of at most `columns` half-width columns; the last ends in … where there is more.
fn wrap(text: &str, columns: usize, lines_max: usize) -> Vec<String> {
    let mut lines: Vec<String> = vec![String::new()];
    for word in text.split_inclusive([' ', '（', '、', '：']) {
        let width = lines.last().map_or(0, |line| line.width());
        if width > 0 && width + word.trim_end().width() > columns {
            lines.push(String::new());
        }
        for c in word.chars() {
            let full = lines.last().is_some_and(|line| line.width() + c.width().unwrap_or(0) > columns);
            if full && c != ' ' {
                lines.push(String::new());
            }
            if let Some(line) = lines.last_mut() {
                line.push(c);
            }
        }
    }
    let more = lines.len() > lines_max;
    lines.truncate(lines_max);
    let mut lines: Vec<String> = lines.into_iter().map(|line| line.trim().to_owned()).collect();
    if more && let Some(last) = lines.last_mut() {
        while last.width() + 1 > columns {
            last.pop();
        }
        last.push('…');
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use journey::outline::{Arrow, Box as Node};
    use words::Text;

    fn outline(n: u32, arrows: &[(u32, u32)]) -> Outline {
        let text = |s: String| Text::new(s.clone(), s);
        Outline {
            start: text("order_placed".into()),
            boxes: (0..n)
                .map(|pc| Node {
                    pc,
                    step: format!("s{pc}"),
                    kind: "send".into(),
                    label: text(format!("Send {pc}")),
                })
                .collect(),
            arrows: arrows.iter().map(|(from, to)| Arrow { from: *from, to: *to, label: None }).collect(),
        }
    }

    fn corners(drawn: &Json) -> Vec<(f64, f64)> {
        let nodes = drawn["nodes"].as_array().cloned().unwrap_or_default();
        nodes.iter().map(|n| (n["x"].as_f64().unwrap_or(-1.0), n["y"].as_f64().unwrap_or(-1.0))).collect()
    }

    #[test]
    fn no_two_boxes_lie_on_each_other_and_all_lie_inside() {
        let arrows = [
            (0, 1),
            (1, 2),
            (1, 3),
            (3, 4),
            (4, 5),
            (4, 6),
            (4, 7),
            (5, 8),
            (6, 8),
            (7, 8),
            (0, 8),
            (8, 4),
            (2, 9),
            (8, 9),
        ];
        let drawn = draw(&outline(10, &arrows), &BTreeMap::new(), Language::En);
        let corners = corners(&drawn);
        assert_eq!(corners.len(), 10);
        for (i, a) in corners.iter().enumerate() {
            assert!(a.0 >= 0.0 && a.1 >= 0.0 && a.0 + BOX_WIDTH <= drawn["width"].as_f64().unwrap_or(0.0));
            for b in &corners[i + 1..] {
                assert!((a.0 - b.0).abs() >= BOX_WIDTH || (a.1 - b.1).abs() > 30.0, "{a:?} {b:?}");
            }
        }
    }

    #[test]
    fn the_same_program_gives_the_same_picture() {
        let program = outline(6, &[(0, 1), (0, 2), (1, 3), (2, 3), (3, 4), (4, 0), (3, 5)]);
        let counts = BTreeMap::from([(3, 12)]);
        assert_eq!(draw(&program, &counts, Language::Ja), draw(&program, &counts, Language::Ja));
        let drawn = draw(&program, &counts, Language::Ja);
        assert_eq!(drawn["nodes"][3]["count"], 12);
        assert_eq!(drawn["edges"].as_array().map(Vec::len), Some(7));
    }

    #[test]
    fn words_are_broken_by_their_width() {
        assert_eq!(wrap("Send thank_you (email)", 12, 3), ["Send", "thank_you", "(email)"]);
        assert_eq!(wrap("注文が届いたとき", 8, 2), ["注文が届", "いたとき"]);
        assert_eq!(wrap("注文が届いたときのお礼", 8, 2), ["注文が届", "いたと…"]);
        assert_eq!(wrap("", 8, 2), [""]);
    }
}
