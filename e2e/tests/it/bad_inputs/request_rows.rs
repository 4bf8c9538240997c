//! Wrong requests.

use super::{
    Answer::{self, Bare, Nobody, Problem},
    Row,
    given::{
        Body::{self, AndLeave, Chunked, Form, InPlaceOfAll, Raw, Short, Whole},
        Content::{self, Brackets, Bytes, Claims, Damaged, Fixture, Laborious, Start, Text, Zeros},
        Request, Stop,
    },
};
use crate::pictures::TOWN;

type RequestRow = Row<Request, Answer>;

/// A picture that is wrong, sent as it is.
const fn picture(name: &'static str, content: Content, expected: Answer) -> RequestRow {
    sent(name, "/detect", &[], Whole(content), expected)
}

/// A good picture with parameters that are wrong.
const fn query(name: &'static str, target: &'static str, expected: Answer) -> RequestRow {
    sent(name, target, &[], Whole(Fixture(TOWN)), expected)
}

/// A video that is wrong, or wrongly asked for.
const fn video(
    name: &'static str,
    target: &'static str,
    content: Content,
    expected: Answer,
) -> RequestRow {
    sent(name, target, &[], Whole(content), expected)
}

/// A form that is wrong.
const fn form(
    name: &'static str,
    fields: &'static [(&'static str, bool, Content)],
    expected: Answer,
) -> RequestRow {
    sent(name, "/detect", &[], Form(fields), expected)
}

const fn sent(
    name: &'static str,
    target: &'static str,
    headers: &'static [(&'static str, &'static str)],
    body: Body,
    expected: Answer,
) -> RequestRow {
    let given = Request { method: "POST", target, headers, body };
    Row { name, given, expected }
}

/// Another method or route.
const fn other(
    name: &'static str,
    method: &'static str,
    target: &'static str,
    expected: Answer,
) -> RequestRow {
    let given = Request { method, target, headers: &[], body: Body::None };
    Row { name, given, expected }
}

const EMPTY: Answer = Problem(400, "empty_body", "no picture");
const NOT_AN_IMAGE: Answer = Problem(415, "unsupported_media", "not an image of a known type");
const TRUNCATED: Answer = Problem(422, "undecodable", "truncated");
const UNDECODABLE: Answer = Problem(422, "undecodable", "");
const TOO_MANY_PIXELS: Answer = Problem(422, "image_too_large", "pixels");
const TOO_MANY_BYTES: Answer = Problem(413, "body_too_large", "1000000 bytes");

const NOT_A_VIDEO: Answer = Problem(415, "unsupported_media", "video");

const fn invalid(says: &'static str) -> Answer {
    Problem(400, "invalid_parameter", says)
}

const fn malformed(says: &'static str) -> Answer {
    Problem(400, "malformed_body", says)
}

const MULTIPART: (&str, &str) = ("Content-Type", "multipart/form-data; boundary=b");
const HALF_A_FORM: &[u8] = b"--b\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\n\xff\xd8";
/// The header of a baseline JPEG that claims 65,535 x 65,535 pixels in three channels.
const JPEG_CLAIM: &[u8] =
    b"\xff\xd8\xff\xc0\x00\x11\x08\xff\xff\xff\xff\x03\x01\x22\x00\x02\x11\x01\
    \x03\x11\x01\xff\xda\x00\x0c\x03\x01\x00\x02\x11\x03\x11\x00\x3f\x00\x00\xff\xd9";
const GIF_CLAIM: &[u8] = b"GIF89a\xff\xff\xff\xff\x80\x00\x00\x00\x00\x00\xff\xff\xff\
    ,\x00\x00\x00\x00\xff\xff\xff\xff\x00\x02\x02\x44\x01\x00;";
/// A BMP header of 2,000,000,000 x 2,000,000,000 pixels of 24 bits.
const BMP_CLAIM: &[u8] = b"BM\x36\x00\x00\x00\x00\x00\x00\x00\x36\x00\x00\x00\x28\x00\x00\x00\
    \x00\x94\x35\x77\x00\x94\x35\x77\x01\x00\x18\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\
    \x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00";
const TIFF_TO_NOWHERE: &[u8] = b"II*\x00\xff\xff\xff\x7f";
const MP4: &[u8] = b"\x00\x00\x00\x20ftypisom\x00\x00\x02\x00isomiso2avc1mp41\x00\x00\x00\x08free";
const WAV: &[u8] = b"RIFF\x24\x00\x00\x00WAVEfmt \x10\x00\x00\x00";

/// The table.
pub(super) const ROWS: &[RequestRow] = &[
    // What is no picture.
    picture("an empty body", Bytes(b""), EMPTY),
    sent("no body and no length", "/detect", &[], Body::None, EMPTY),
    sent("an empty chunked body", "/detect", &[], Chunked(Bytes(b"")), EMPTY),
    sent(
        "text called JPEG",
        "/detect",
        &[("Content-Type", "image/jpeg")],
        Whole(Text("hello")),
        NOT_AN_IMAGE,
    ),
    sent(
        "JSON",
        "/detect",
        &[("Content-Type", "application/json")],
        Whole(Text("{}")),
        NOT_AN_IMAGE,
    ),
    picture("a page of HTML", Text("<!doctype html><img src=a.jpg>"), NOT_AN_IMAGE),
    picture("zeros", Zeros(5000), NOT_AN_IMAGE),
    picture("one byte", Bytes(b"\xff"), NOT_AN_IMAGE),
    picture("a sound in a RIFF file", Bytes(WAV), NOT_AN_IMAGE),
    picture("a video", Bytes(MP4), Problem(415, "unsupported_media", "is a video")),
    picture("a drawing in SVG", Text("<svg xmlns='http://www.w3.org/2000/svg'/>"), NOT_AN_IMAGE),
    sent(
        "a compressed body",
        "/detect",
        &[("Content-Encoding", "gzip")],
        Whole(Fixture(TOWN)),
        Problem(415, "unsupported_media", "Content-Encoding"),
    ),
    // Pictures that are cut or damaged.
    picture("JPEG magic and nothing else", Bytes(b"\xff\xd8\xff"), UNDECODABLE),
    picture("PNG magic and nothing else", Bytes(b"\x89PNG\r\n\x1a\n"), UNDECODABLE),
    picture("half a JPEG", Start(TOWN, 50), TRUNCATED),
    picture("a JPEG short of its last tenth", Start(TOWN, 90), TRUNCATED),
    picture("half a progressive JPEG", Start("media/beach_progressive.jpg", 50), TRUNCATED),
    picture("half a PNG", Start("media/harbour.png", 50), TRUNCATED),
    picture("half a WebP", Start("media/road.webp", 50), UNDECODABLE),
    picture("half a lossless WebP", Start("media/boats_lossless.webp", 50), UNDECODABLE),
    picture("a tenth of an animated GIF", Start("media/parking.gif", 10), UNDECODABLE),
    picture("half a TIFF", Start("media/sand.tiff", 50), UNDECODABLE),
    picture("half a BMP", Start("media/meadow.bmp", 50), UNDECODABLE),
    picture("a PNG damaged in its middle", Damaged("media/harbour.png"), UNDECODABLE),
    picture("a PNG of garbage with a sane header", Claims(640, 480), UNDECODABLE),
    picture("a TIFF whose directory is nowhere", Bytes(TIFF_TO_NOWHERE), UNDECODABLE),
    // Headers that lie.
    picture("a bomb: PNG of 65,535 x 65,535 in 4 KB", Claims(65_535, 65_535), TOO_MANY_PIXELS),
    picture("a PNG of 5,000 x 5,000, limit 24 million", Claims(5_000, 5_000), TOO_MANY_PIXELS),
    picture(
        "a PNG of 2^31-1 x 2^31-1",
        Claims(0x7fff_ffff, 0x7fff_ffff),
        Problem(422, "image_too_large", "memory"),
    ),
    picture("a PNG of 0 x 0", Claims(0, 0), UNDECODABLE),
    picture("a JPEG of 65,535 x 65,535", Bytes(JPEG_CLAIM), TOO_MANY_PIXELS),
    picture("a GIF of 65,535 x 65,535", Bytes(GIF_CLAIM), TOO_MANY_PIXELS),
    picture(
        "a BMP of 2,000,000,000 squared",
        Bytes(BMP_CLAIM),
        Problem(422, "undecodable", "too large"),
    ),
    // Parameters.
    query(
        "a confidence above 1",
        "/detect?confidence=1.01",
        invalid("`confidence` must be a number within 0..=1"),
    ),
    query("a confidence that is no number", "/detect?conf=high", invalid("`conf` must be")),
    query("a confidence of NaN", "/detect?min_confidence=NaN", invalid("`min_confidence` must be")),
    query("an empty confidence", "/detect?threshold=", invalid("`threshold` must be")),
    query("a negative overlap", "/detect?iou=-0.1", invalid("`iou` must be")),
    query("no detections at most", "/detect?max_detections=0", invalid("`max_detections` must be")),
    query("a million detections at most", "/detect?max_det=1000000", invalid("`max_det` must be")),
    query("a fraction of a detection", "/detect?max_det=1.5", invalid("`max_det` must be")),
    query(
        "a class that is not there",
        "/detect?classes=unicorn",
        invalid("no class has the id or name `unicorn`"),
    ),
    query("an id that is not there", "/detect?classes=4096", invalid("`4096`")),
    query("an empty list of classes", "/detect?classes=", invalid("at least one class")),
    query(
        "neither true nor false",
        "/detect?agnostic_nms=perhaps",
        invalid("`agnostic_nms` must be true or false"),
    ),
    query(
        "an orientation that is neither",
        "/detect?exif=sideways",
        invalid("`exif` must be apply or ignore"),
    ),
    query("tiles", "/detect?tile=640", invalid("`tile` must be off, auto or WIDTHxHEIGHT")),
    query(
        "an overlap of no tiles",
        "/detect?tile_overlap=0.2",
        invalid("`tile_overlap` needs tile"),
    ),
    query("no time at all", "/detect?timeout_ms=0", invalid("`timeout_ms` must be")),
    query(
        "more time than there is",
        "/detect?timeout_ms=20001",
        invalid("`timeout_ms` must be a number within 1..=20000"),
    ),
    query(
        "an unknown parameter",
        "/detect?confidenc=0.5",
        Problem(400, "unknown_parameter", "`confidenc`"),
    ),
    query(
        "a parameter given twice",
        "/detect?conf=0.1&conf=0.2",
        Problem(400, "duplicate_parameter", "`conf`"),
    ),
    query(
        "a parameter under two names",
        "/detect?conf=0.1&threshold=0.2",
        Problem(400, "duplicate_parameter", "first as `conf`"),
    ),
    // Forms.
    sent(
        "a form without a boundary",
        "/detect",
        &[("Content-Type", "multipart/form-data")],
        Whole(Fixture(TOWN)),
        malformed("boundary"),
    ),
    sent("a picture called a form", "/detect", &[MULTIPART], Whole(Fixture(TOWN)), malformed("")),
    sent(
        "a form that stops",
        "/detect",
        &[MULTIPART],
        Whole(Bytes(HALF_A_FORM)),
        malformed("form cannot be read"),
    ),
    form("a form without a picture", &[("config", false, Text("{}"))], EMPTY),
    form("a form with an empty picture", &[("file", true, Bytes(b""))], EMPTY),
    form(
        "a form with an unknown field",
        &[("photo", true, Fixture(TOWN))],
        malformed("unknown form field `photo`"),
    ),
    form(
        "a form with two pictures",
        &[("file", true, Fixture(TOWN)), ("image", true, Fixture(TOWN))],
        malformed("more than one picture"),
    ),
    form(
        "a form with two configs",
        &[("config", false, Text("{}")), ("config", false, Text("{}"))],
        malformed("more than one field `config`"),
    ),
    form(
        "a config that is not JSON",
        &[("config", false, Text("conf=1")), ("file", true, Fixture(TOWN))],
        Problem(400, "malformed_config", "not a JSON object"),
    ),
    form(
        "a config that is a list",
        &[("file", true, Fixture(TOWN)), ("config", false, Text("[0.5]"))],
        Problem(400, "malformed_config", ""),
    ),
    form(
        "a config with a wrong value",
        &[("file", true, Fixture(TOWN)), ("config", false, Text("{\"iou\": \"wide\"}"))],
        invalid("`iou`"),
    ),
    form(
        "a config with an unknown name",
        &[("file", true, Fixture(TOWN)), ("config", false, Text("{\"colour\": 1}"))],
        Problem(400, "unknown_parameter", "`colour`"),
    ),
    form(
        "a config nested 60,000 deep",
        &[("file", true, Fixture(TOWN)), ("config", false, Brackets(60_000))],
        Problem(400, "malformed_config", ""),
    ),
    form(
        "a config of 70,000 bytes",
        &[("config", false, Zeros(70_000))],
        malformed("more than 65536 bytes"),
    ),
    form("text in a form", &[("file", true, Text("not a picture"))], NOT_AN_IMAGE),
    // Videos.
    video("an empty video", "/detect/video", Bytes(b""), Problem(400, "empty_body", "")),
    video("text as a video", "/detect/video", Text("hello"), NOT_A_VIDEO),
    video("a picture as a video", "/detect/video", Fixture("media/harbour.png"), NOT_A_VIDEO),
    video("zeros as a video", "/detect/video", Zeros(5000), NOT_A_VIDEO),
    video("a video of nothing but its magic", "/detect/video", Bytes(MP4), UNDECODABLE),
    video("frames of no known kind", "/detect/video?frames=some", Bytes(MP4), invalid("`frames`")),
    video("every 0th frame", "/detect/video?frames=every:0", Bytes(MP4), invalid("`frames`")),
    video("a negative rate", "/detect/video?frames=fps:-1", Bytes(MP4), invalid("`frames`")),
    video("tracking, perhaps", "/detect/video?track=maybe", Bytes(MP4), invalid("`track`")),
    video("no frame at most", "/detect/video?max_frames=0", Bytes(MP4), invalid("`max_frames`")),
    video(
        "an unknown parameter of a video",
        "/detect/video?fps=3",
        Bytes(MP4),
        Problem(400, "unknown_parameter", "`fps`"),
    ),
    video(
        "a parameter of videos for a picture",
        "/detect?frames=all",
        Fixture(TOWN),
        Problem(400, "unknown_parameter", "`frames`"),
    ),
    sent(
        "a job whose name is no UUID",
        "/detect/video?async=true",
        &[("X-Job-Id", "../../etc/passwd")],
        Whole(Bytes(MP4)),
        Problem(400, "invalid_job_id", "UUID"),
    ),
    sent(
        "a video of a stated 1 PB",
        "/detect/video",
        &[("Content-Length", "1000000000000000")],
        Raw(b""),
        Problem(413, "body_too_large", ""),
    ),
    other("reading a video", "GET", "/detect/video", Problem(405, "method_not_allowed", "POST")),
    other("a job that is not there", "GET", "/jobs/7", Problem(404, "unknown_job", "")),
    // Sizes.
    picture("one byte too many, with a length", Zeros(1_000_001), TOO_MANY_BYTES),
    sent(
        "a stated length of 1 TB",
        "/detect",
        &[("Content-Length", "1000000000000")],
        Raw(b""),
        TOO_MANY_BYTES,
    ),
    sent("too many bytes in chunks", "/detect", &[], Chunked(Zeros(1_000_001)), TOO_MANY_BYTES),
    form("too many bytes in a form", &[("file", true, Zeros(1_000_001))], TOO_MANY_BYTES),
    // Clients that stall, leave or run out of time.
    sent(
        "a client that stalls in the body",
        "/detect",
        &[],
        Short(Fixture(TOWN), Stop::Stall),
        Problem(408, "client_stalled", "no byte arrived for 700 ms"),
    ),
    sent(
        "a client that stalls in a chunk",
        "/detect",
        &[("Transfer-Encoding", "chunked")],
        Raw(b"ffff\r\n\xff\xd8"),
        Problem(408, "client_stalled", ""),
    ),
    sent(
        "a client that stalls in its headers",
        "",
        &[],
        InPlaceOfAll(Text("POST /detect HTTP/1.1\r\nHost: e")),
        Bare(408),
    ),
    sent("a client gone in the body", "/detect", &[], Short(Fixture(TOWN), Stop::Leave), Nobody),
    sent("a client gone while it is worked for", "/detect", &[], AndLeave(Laborious), Nobody),
    sent(
        "a deadline that cannot be met",
        "/detect?timeout_ms=1",
        &[],
        Whole(Laborious),
        Problem(504, "deadline_exceeded", ""),
    ),
    // Not the HTTP that is spoken here.
    sent("no HTTP at all", "", &[], InPlaceOfAll(Text("\x16\x03\x01 hello\r\n\r\n")), Bare(400)),
    sent(
        "a length that is no number",
        "/detect",
        &[("Content-Length", "many")],
        Raw(b""),
        Bare(400),
    ),
    sent("a negative length", "/detect", &[("Content-Length", "-1")], Raw(b""), Bare(400)),
    sent(
        "two lengths that differ",
        "/detect",
        &[("Content-Length", "1"), ("Content-Length", "2")],
        Raw(b"ab"),
        Bare(400),
    ),
    sent(
        "a length and chunks",
        "/detect",
        &[("Content-Length", "3"), ("Transfer-Encoding", "chunked")],
        Raw(b"0\r\n\r\n"),
        Bare(400),
    ),
    sent(
        "a chunk size that is no number",
        "/detect",
        &[("Transfer-Encoding", "chunked")],
        Raw(b"zz\r\nab\r\n"),
        // The HTTP library tells a broken chunk and a closed connection by the same word.
        Problem(400, "client_gone", ""),
    ),
    sent(
        "nothing acceptable",
        "/detect",
        &[("Accept", "text/html")],
        Whole(Fixture(TOWN)),
        Problem(406, "not_acceptable", "application/json"),
    ),
    other(
        "reading what is to be posted",
        "GET",
        "/detect",
        Problem(405, "method_not_allowed", "POST"),
    ),
    other(
        "deleting what is to be posted",
        "DELETE",
        "/detect",
        Problem(405, "method_not_allowed", "POST"),
    ),
    other(
        "posting what is to be read",
        "POST",
        "/health",
        Problem(405, "method_not_allowed", "GET"),
    ),
    other("a route that is not there", "GET", "/detect/me", Problem(404, "not_found", "")),
    other("a way out of the root", "GET", "/../../etc/passwd", Problem(404, "not_found", "")),
    other(
        "a way out of the page's files",
        "GET",
        "/docs/../../../../etc/passwd",
        Problem(404, "not_found", ""),
    ),
];
