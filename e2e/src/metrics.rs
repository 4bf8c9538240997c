//! Reads numbers out of a Prometheus text page.

/// One sample: `name{labels} value`.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample<'page> {
    /// The metric's name.
    pub name: &'page str,
    /// What stands between the braces, or nothing.
    pub labels: &'page str,
    /// The value.
    pub value: f64,
}

/// All samples of a page; comments are left out, and so is what is no sample.
pub fn samples(page: &str) -> impl Iterator<Item = Sample<'_>> {
    page.lines().filter(|line| !line.starts_with('#')).filter_map(sample)
}

/// The sum of all samples called `name` whose labels contain `label`; `None` when there is none.
#[must_use]
pub fn sum(page: &str, name: &str, label: &str) -> Option<f64> {
    let matching =
        samples(page).filter(|sample| sample.name == name && sample.labels.contains(label));
    matching.map(|sample| sample.value).reduce(|a, b| a + b)
}

fn sample(line: &str) -> Option<Sample<'_>> {
    let (series, value) = line.rsplit_once(' ')?;
    let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
    let labels = labels.strip_suffix('}')?;
    Some(Sample { name, labels, value: value.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::{samples, sum};

    const PAGE: &str = "# TYPE a counter\na_total{route=\"/x y\",status=\"200\"} 3\n\
        a_total{route=\"/z\",status=\"429\"} 4\nb 0.5\n# EOF\n";

    #[test]
    fn samples_are_summed_over_matching_labels() {
        assert_eq!(samples(PAGE).count(), 3);
        assert_eq!(sum(PAGE, "a_total", ""), Some(7.0));
        assert_eq!(sum(PAGE, "a_total", "status=\"429\""), Some(4.0));
        assert_eq!(sum(PAGE, "b", ""), Some(0.5));
        assert_eq!(sum(PAGE, "c", ""), None);
    }
}
