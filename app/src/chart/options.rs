use charming::Chart;
use charming::component::{Axis, DataZoom, DataZoomType, Grid, Legend};
use charming::element::{AxisPointer, AxisPointerType, AxisType, Tooltip, Trigger};
use charming::series::Bar;
use entity::view::ActivityBucket;

/// Describes the activity chart as JSON for the browser. Colours are left out: the page's theme gives them.
/// Safe within a `<script>` element.
#[must_use]
pub fn activity_options(buckets: &[ActivityBucket]) -> String {
    let days: Vec<String> = buckets.iter().map(|bucket| bucket.start.clone()).collect();
    let bar = |name: &str, count: fn(&ActivityBucket) -> i64| {
        Bar::new().name(name).stack("changes").data(buckets.iter().map(count).collect())
    };
    // A few bars are all in sight as they are.
    let brush = buckets.len() > 14;
    let mut chart = Chart::new()
        .grid(Grid::new().left(8).right(8).top(32).bottom(if brush { 38 } else { 8 }).contain_label(true))
        .legend(Legend::new().left("left").top("top").data(vec!["Modified", "Created", "Returned", "Deleted"]))
        .tooltip(Tooltip::new().trigger(Trigger::Axis).axis_pointer(AxisPointer::new().type_(AxisPointerType::Shadow)))
        .data_zoom(DataZoom::new().type_(DataZoomType::Inside))
        .x_axis(Axis::new().type_(AxisType::Category).data(days))
        .y_axis(Axis::new().type_(AxisType::Value).min_interval(1))
        .series(bar("Modified", |bucket| bucket.modified))
        .series(bar("Created", |bucket| bucket.created))
        .series(bar("Returned", |bucket| bucket.resurrected))
        .series(bar("Deleted", |bucket| bucket.deleted));
    if brush {
        chart = chart.data_zoom(DataZoom::new().type_(DataZoomType::Slider));
    }
    described(&chart)
}

/// A chart as JSON that is safe within a `<script>` element.
pub(super) fn described(chart: &Chart) -> String {
    serde_json::to_string(chart)
        .unwrap_or_else(|error| {
            tracing::error!(%error, "the chart could not be described");
            String::new()
        })
        .replace('<', "\\u003c")
}

#[cfg(test)]
mod tests {
    use entity::view::ActivityBucket;

    use super::activity_options;

    #[test]
    fn a_chart_is_json_with_one_series_for_each_type() {
        let bucket = ActivityBucket {
            start: "2026-11-01".to_owned(),
            days: 1,
            created: 1,
            modified: 2,
            deleted: 3,
            resurrected: 0,
        };
        let value: serde_json::Value = serde_json::from_str(&activity_options(&[bucket])).unwrap();
        assert_eq!(value["series"].as_array().unwrap().len(), 4);
        assert_eq!(value["series"][0]["data"][0], 2.0);
        assert_eq!(value["xAxis"]["data"][0], "2026-11-01");
    }
}
