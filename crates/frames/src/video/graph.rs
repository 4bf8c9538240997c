//! The pipeline of one video: bytes, container, parser, decoder, and frames that are pulled.

use std::{sync::Arc, thread};

use gstreamer::{self as gst, prelude::*};
use gstreamer_app as gst_app;
use gstreamer_video as gst_video;

use super::{
    clock, entry,
    index::Shown,
    kinds::{self, Kind, Layout},
    memory, plug, size,
    status::Status,
    supply::Supply,
    temporal,
};
use crate::{FrameError, feed::FeedCloser};

/// A running pipeline; dropping it ends its threads.
pub(super) struct Graph {
    pub(super) pipeline: gst::Pipeline,
    pub(super) frames: gst_app::AppSink,
    status: Arc<Status>,
    closer: Option<FeedCloser>,
}

/// What decides how a stream is plugged.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules {
    /// Threads of the decoder.
    pub(super) threads: u32,
    pub(super) max_pixels: u64,
    pub(super) max_decoded_bytes: u64,
    pub(super) decode: Decode,
    pub(super) layout: Layout,
}

/// Which encoded pictures are decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decode {
    All,
    Keyframes,
}

impl Graph {
    /// Builds the pipeline and starts it.
    pub(super) fn start(
        kind: &Kind,
        supply: Supply,
        status: &Arc<Status>,
        rules: Rules,
    ) -> Result<Self, FrameError> {
        let graph = Self {
            pipeline: gst::Pipeline::new(),
            frames: frames_sink(),
            status: Arc::clone(status),
            closer: supply.closer(),
        };
        graph.listen(status);
        let chain = Chain::new(&graph, rules, kind.stated.and_then(|stated| stated.shown))?;
        // What is behind the decoder runs before anything can reach it.
        graph.pipeline.set_state(gst::State::Playing).map_err(broken)?;
        let bytes = supply.into_element(kind, Arc::clone(status)).upcast();
        graph.pipeline.add(&bytes).map_err(broken)?;
        if kind.layout == Layout::Bare {
            status.claim(kind.word);
            chain.plug(&static_pad(&bytes, "src")?, &kind.caps)?;
        } else {
            let demuxer = plug::demuxer(&kind.caps)?;
            graph.pipeline.add(&demuxer).map_err(broken)?;
            bytes.link(&demuxer).map_err(broken)?;
            chain.plug_behind(&demuxer, kind.word);
            demuxer.sync_state_with_parent().map_err(broken)?;
        }
        bytes.sync_state_with_parent().map_err(broken)?;
        Ok(graph)
    }

    /// Keeps what elements say in `status`, as they say it: nothing piles up on the bus.
    fn listen(&self, status: &Arc<Status>) {
        let status = Arc::clone(status);
        let Some(bus) = self.pipeline.bus() else { return };
        bus.set_sync_handler(move |_, message| {
            if let gst::MessageView::Error(error) = message.view() {
                let message = error.error().to_string();
                tracing::debug!(%message, debug = ?error.debug(), "the pipeline failed");
                status.fail(FrameError::UndecodableVideo { message });
            } else if let gst::MessageView::Warning(warning) = message.view() {
                status.damage(warning.error().to_string());
            }
            gst::BusSyncReply::Drop
        });
    }
}

impl Graph {
    /// Ends the pipeline on a thread of its own, since a decoder that hangs would hold whoever waits for it.
    pub(super) fn abandon(self) {
        let name = String::from("video-abandoned");
        if let Err(error) = thread::Builder::new().name(name).spawn(move || drop(self)) {
            tracing::warn!(%error, "no thread to end a decoder that hangs");
        }
    }
}

impl Drop for Graph {
    fn drop(&mut self) {
        // The streaming thread may wait for bytes, which the pipeline cannot interrupt.
        self.status.stop();
        self.closer.iter().for_each(FeedCloser::close);
        // Going to Null cannot fail; the result is there for going up.
        let _ = self.pipeline.set_state(gst::State::Null);
        if let Some(bus) = self.pipeline.bus() {
            bus.unset_sync_handler();
        }
    }
}

fn frames_sink() -> gst_app::AppSink {
    let caps = gst_video::VideoCapsBuilder::new()
        .format_list([gst_video::VideoFormat::I420, gst_video::VideoFormat::Nv12])
        .pixel_aspect_ratio(gst::Fraction::new(1, 1))
        .build();
    let sink = gst_app::AppSink::builder()
        .caps(&caps)
        .sync(false)
        .async_(false)
        .enable_last_sample(false)
        // Until the size of the frames is known.
        .max_buffers(1)
        .drop(false)
        .wait_on_eos(false)
        .build();
    if let Some(pad) = sink.static_pad("sink") {
        offer_strides(&pad);
    }
    sink
}

/// Tells the decoder that rows may be padded, so that it need not copy its frames.
fn offer_strides(pad: &gst::Pad) {
    pad.add_probe(gst::PadProbeType::QUERY_DOWNSTREAM | gst::PadProbeType::PUSH, |_, info| {
        match info.query_mut().map(gst::QueryRef::view_mut) {
            Some(gst::QueryViewMut::Allocation(query)) => {
                query.add_allocation_meta::<gst_video::VideoMeta>(None);
                gst::PadProbeReturn::Handled
            }
            _ => gst::PadProbeReturn::Ok,
        }
    });
}

/// What is built behind the first picture stream as soon as it is known.
#[derive(Clone)]
struct Chain {
    // Weak, since the pipeline's own elements hold this.
    pipeline: gst::glib::WeakRef<gst::Pipeline>,
    tail: gst::glib::WeakRef<gst::Element>,
    frames: gst::glib::WeakRef<gst_app::AppSink>,
    status: Arc<Status>,
    rules: Rules,
    shown: Option<Shown>,
}

impl Chain {
    /// With everything behind the decoder, which passes on most frames as they are.
    fn new(graph: &Graph, rules: Rules, shown: Option<Shown>) -> Result<Self, FrameError> {
        let convert = element("videoconvert", &[("dither", "none")])?;
        let flip = element("videoflip", &[("video-direction", "auto")])?;
        let scale = element("videoscale", &[("add-borders", "false")])?;
        let sink = graph.frames.upcast_ref();
        graph.pipeline.add_many([&convert, &flip, &scale, sink]).map_err(broken)?;
        gst::Element::link_many([&convert, &flip, &scale, sink]).map_err(broken)?;
        let (pipeline, tail) = (graph.pipeline.downgrade(), convert.downgrade());
        let frames = graph.frames.downgrade();
        let status = Arc::clone(&graph.status);
        let chain = Self { pipeline, tail, frames, status, rules, shown };
        let entry = static_pad(&convert, "sink")?;
        chain.limit(&entry);
        chain.count(&entry);
        Ok(chain)
    }

    /// Plugs the first picture stream of a container as soon as it shows, and drains the others.
    fn plug_behind(&self, demuxer: &gst::Element, container: &'static str) {
        let chain = self.clone();
        demuxer.connect_pad_added(move |_, pad| {
            let caps = pad.current_caps().unwrap_or_else(|| pad.query_caps(None));
            let codec = caps.structure(0).and_then(kinds::codec);
            if codec.is_none_or(|codec| !chain.status.claim(codec)) {
                drain(pad, &chain.status);
            } else if let Err(error) = chain.plug(pad, &caps) {
                chain.status.refuse(error);
                drain(pad, &chain.status);
            }
        });
        let status = Arc::clone(&self.status);
        demuxer.connect_no_more_pads(move |_| {
            if status.codec().is_none() {
                status.refuse(FrameError::NoVideoStream { container: container.to_owned() });
            }
        });
    }

    /// Parser and decoder between `pad` and the tail.
    fn plug(&self, pad: &gst::Pad, caps: &gst::Caps) -> Result<(), FrameError> {
        let (Some(pipeline), Some(tail)) = (self.pipeline.upgrade(), self.tail.upgrade()) else {
            return Ok(());
        };
        let mut elements = Vec::new();
        if caps.structure(0).is_none_or(|structure| structure.name() != "video/x-raw") {
            elements.extend(plug::parser(caps)?);
            let decoder = plug::decoder(caps)?;
            self.tune(&decoder)?;
            let sink = static_pad(&decoder, "sink")?;
            if kinds::tells_places(caps) {
                temporal::state_times(&sink);
            }
            if self.shown.is_some() {
                entry::cut_off(&sink);
            }
            let first = elements.first().unwrap_or(&decoder);
            self.watch(&static_pad(first, "sink")?, &sink);
            elements.push(decoder);
        }
        if let Some(shown) = self.shown {
            clock::show(pad, shown);
        }
        pipeline.add_many(&elements).map_err(broken)?;
        elements.push(tail);
        gst::Element::link_many(&elements).map_err(broken)?;
        let Some(first) = elements.first() else { return Ok(()) };
        pad.link(&static_pad(first, "sink")?).map_err(broken)?;
        // From the end to the front, so that none gets data before the next one takes it.
        for element in elements.iter().rev() {
            element.sync_state_with_parent().map_err(broken)?;
        }
        Ok(())
    }

    /// Compares what goes in with what comes out, from the container on where that knows whole pictures.
    fn watch(&self, container: &gst::Pad, decoder: &gst::Pad) {
        entry::mind_halves(decoder, &self.status);
        let knows_pictures = matches!(self.rules.layout, Layout::Indexed | Layout::Streamed);
        match self.rules.decode {
            Decode::All if knows_pictures => entry::await_frames(container, &self.status),
            Decode::All => entry::await_frames(decoder, &self.status),
            Decode::Keyframes => {
                entry::leave_out(decoder, &self.status);
                entry::await_frames(decoder, &self.status);
            }
        }
    }

    /// Damage does not end decoding, and the threads are those that were asked for.
    fn tune(&self, decoder: &gst::Element) -> Result<(), FrameError> {
        wish(decoder, &[("max-errors", "-1"), ("qos", "false")]);
        set_threads(decoder, self.rules.threads);
        let entry = static_pad(decoder, "sink")?;
        self.limit(&entry);
        self.count(&entry);
        Ok(())
    }

    /// Refuses what is too large as soon as its size is told, and lets fewer of large frames be held at once.
    fn limit(&self, pad: &gst::Pad) {
        let chain = self.clone();
        let kinds = gst::PadProbeType::EVENT_DOWNSTREAM | gst::PadProbeType::BUFFER;
        pad.add_probe(kinds, move |pad, info| {
            let size = match &info.data {
                Some(gst::PadProbeData::Event(event)) => chain.stated_size(event),
                Some(gst::PadProbeData::Buffer(buffer)) => size::of_picture(pad, buffer),
                _ => None,
            };
            match size.map_or(Ok(()), |size| chain.admit(size, pad)) {
                Ok(()) => gst::PadProbeReturn::Ok,
                Err(error) => {
                    chain.status.refuse(error);
                    gst::PadProbeReturn::Handled
                }
            }
        });
    }

    /// What is said of the pictures that follow.
    fn stated_size(&self, event: &gst::EventRef) -> Option<(u32, u32)> {
        let gst::EventView::Caps(event) = event.view() else { return None };
        let structure = event.caps().structure(0)?;
        self.status.parsed(kinds::codec(structure));
        size::stated(structure)
    }

    /// Shares the memory for frames of this size among the element of `pad`, which is not opened yet, and the queue.
    fn admit(&self, (width, height): (u32, u32), pad: &gst::Pad) -> Result<(), FrameError> {
        let (max_pixels, limit) = (self.rules.max_pixels, self.rules.max_decoded_bytes);
        if u64::from(width) * u64::from(height) > max_pixels {
            return Err(FrameError::FramePixels { width, height, max_pixels });
        }
        let share = memory::share((width, height), limit, self.rules.threads)
            .map_err(|needed| FrameError::FrameMemory { width, height, needed, limit })?;
        if let Some(element) = pad.parent_element() {
            set_threads(&element, share.threads);
        }
        if let Some(frames) = self.frames.upgrade() {
            frames.set_max_buffers(share.queued);
        }
        Ok(())
    }

    /// Says of every picture that it came, for what was kept of it is let go of.
    fn count(&self, pad: &gst::Pad) {
        let status = Arc::clone(&self.status);
        pad.add_probe(gst::PadProbeType::BUFFER | gst::PadProbeType::BUFFER_LIST, move |_, _| {
            status.picture_came();
            gst::PadProbeReturn::Ok
        });
    }
}

fn set_threads(element: &gst::Element, threads: u32) {
    let threads = threads.to_string();
    wish(element, &[("max-threads", &threads), ("threads", &threads)]);
}

/// Sets those properties that the element has.
fn wish(element: &gst::Element, wishes: &[(&str, &str)]) {
    for (name, value) in wishes {
        if element.has_property(name) {
            element.set_property_from_str(name, value);
        }
    }
}

/// Lets a stream that is not decoded flow nowhere, for one that blocks would block the others.
// `Handled`, for the binding has taken what a probe gets, and `Drop` would let go of it twice.
fn drain(pad: &gst::Pad, status: &Arc<Status>) {
    let status = Arc::clone(status);
    pad.add_probe(gst::PadProbeType::BUFFER | gst::PadProbeType::BUFFER_LIST, move |_, info| {
        let size = match &info.data {
            Some(gst::PadProbeData::Buffer(buffer)) => buffer.size(),
            Some(gst::PadProbeData::BufferList(list)) => list.calculate_size(),
            _ => 0,
        };
        status.drained(size);
        gst::PadProbeReturn::Handled
    });
}

fn element(name: &'static str, properties: &[(&str, &str)]) -> Result<gst::Element, FrameError> {
    let builder = gst::ElementFactory::make(name);
    let builder =
        properties.iter().fold(builder, |made, (name, value)| made.property_from_str(name, value));
    builder.build().map_err(|_missing| FrameError::MissingPlugin {
        task: "is the element",
        media: name.to_owned(),
        package: Some("gstreamer1.0-plugins-base"),
    })
}

fn static_pad(element: &gst::Element, name: &str) -> Result<gst::Pad, FrameError> {
    element.static_pad(name).ok_or_else(|| broken(format!("{} has no pad {name}", element.name())))
}

fn broken(error: impl ToString) -> FrameError {
    FrameError::GStreamer { message: error.to_string() }
}
