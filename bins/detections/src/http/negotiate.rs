//! In which form a client wants its answer: the report, or the picture with the boxes drawn.

use actix_web::{
    HttpRequest,
    http::header::{ACCEPT, Accept, Header, Quality, QualityItem},
    mime::Mime,
};
use detections_frames::StillEncoding;

use super::Problem;

/// Visibly lossless, at a fraction of the size of PNG.
const JPEG_QUALITY: u8 = 90;

const OFFERED: &str = "application/json, image/jpeg or image/png";

/// The form of an answer, in the order in which we prefer to give it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    Json,
    Jpeg,
    Png,
}

impl Answer {
    const ALL: [Self; 3] = [Self::Json, Self::Jpeg, Self::Png];

    /// The form that `Accept` prefers; JSON when the client has no wish.
    pub(super) fn negotiate(request: &HttpRequest) -> Result<Self, Problem> {
        let offers = Self::ALL.map(|answer| (answer, answer.mime()));
        preferred(request, &offers)?.ok_or_else(|| Problem::not_acceptable(OFFERED))
    }

    /// The media type.
    pub(super) const fn mime(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
        }
    }

    /// How the picture is encoded; `None` for the report.
    pub(super) const fn encoding(self) -> Option<StillEncoding> {
        match self {
            Self::Json => None,
            Self::Jpeg => Some(StillEncoding::Jpeg { quality: JPEG_QUALITY }),
            Self::Png => Some(StillEncoding::Png),
        }
    }
}

/// The offer that `Accept` prefers, the first one when the client has no wish; `None` when it accepts none.
pub(super) fn preferred<T: Copy>(
    request: &HttpRequest,
    offers: &[(T, &str)],
) -> Result<Option<T>, Problem> {
    if !request.headers().contains_key(ACCEPT) {
        return Ok(offers.first().map(|(offer, _)| *offer));
    }
    let Accept(wishes) =
        Accept::parse(request).map_err(|_error| Problem::not_acceptable(OFFERED))?;
    let wanted = |(offer, mime): &(T, &str)| Some((weight(mime, &wishes)?, *offer));
    // The first of several equally wanted ones is taken, and `max_by_key` takes the last.
    let best = offers.iter().rev().filter_map(wanted).max_by_key(|(weight, _)| *weight);
    Ok(best.map(|(_, offer)| offer))
}

/// The weight of the most specific wish that speaks of this form (RFC 9110, 12.5.1); a named
/// form is preferred to one that merely falls under a pattern of the same weight.
fn weight(mime: &str, wishes: &[QualityItem<Mime>]) -> Option<(Quality, u8)> {
    let (kind, subtype) = mime.split_once('/')?;
    let speaks = |wish: &QualityItem<Mime>| {
        let specificity = match (wish.item.type_().as_str(), wish.item.subtype().as_str()) {
            ("*", "*") => 0_u8,
            (k, "*") if k == kind => 1,
            (k, s) if k == kind && s == subtype => 2,
            _ => return None,
        };
        Some((wish.quality, specificity))
    };
    let spoken = wishes.iter().filter_map(speaks).max_by_key(|(_, specificity)| *specificity);
    spoken.filter(|(quality, _)| *quality > Quality::ZERO)
}

#[cfg(test)]
mod tests {
    use actix_web::{http::header::ACCEPT, test::TestRequest};

    use super::Answer;

    fn negotiated(accept: &str) -> Option<Answer> {
        let request = TestRequest::default().insert_header((ACCEPT, accept)).to_http_request();
        Answer::negotiate(&request).ok()
    }

    #[test]
    fn the_most_wanted_form_is_given() {
        for (accept, expected) in [
            ("*/*", Some(Answer::Json)),
            ("application/json", Some(Answer::Json)),
            ("application/*", Some(Answer::Json)),
            ("image/png", Some(Answer::Png)),
            ("image/*", Some(Answer::Jpeg)),
            ("image/png, */*", Some(Answer::Png)),
            ("image/png;q=0.5, image/jpeg;q=0.4", Some(Answer::Png)),
            ("application/json;q=0.5, image/jpeg", Some(Answer::Jpeg)),
            ("text/html, image/avif, image/webp, */*;q=0.8", Some(Answer::Json)),
            ("application/json;q=0, */*", Some(Answer::Jpeg)),
            ("text/html", None),
            ("image/webp", None),
            ("*/*;q=0", None),
        ] {
            assert_eq!(negotiated(accept), expected, "{accept}");
        }
    }

    #[test]
    fn no_wish_is_json() {
        let request = TestRequest::default().to_http_request();
        assert_eq!(Answer::negotiate(&request), Ok(Answer::Json));
    }
}
