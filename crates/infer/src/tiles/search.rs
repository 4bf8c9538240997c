//! The search of a picture tile by tile, a few of which are in the detector's queue at a time.

use std::{collections::VecDeque, sync::Arc, thread, time::Duration};

use detections_types::{CancelToken, Image, Region};

use super::Tiling;
use crate::{
    DetectParams, Detector, Found, InferError, InferTiming, Inference, Lane, Ticket, nms::Merger,
    preprocess::Plan,
};

/// After how long a tile that found the queue full of others' work asks again.
const QUEUE_RETRY: Duration = Duration::from_millis(2);

/// The tiles of one picture on their way through the detector.
struct Search<'a> {
    detector: &'a Detector,
    lane: Lane,
    image: Arc<Image>,
    params: &'a DetectParams,
    cancel: &'a CancelToken,
    waiting: VecDeque<(Region, Ticket)>,
    merger: Merger,
    timing: InferTiming,
}

impl Detector {
    /// Finds the objects in `image` in overlapping tiles and in the whole of it, and waits for them.
    ///
    /// At most twice as many tiles as are searched at once are in the queue, each a view of the one picture. Times
    /// are sums over all tiles, so those of several workers can be longer than the search took.
    ///
    /// # Errors
    /// [`InferError::Parameter`] when `tiling` or `params` are out of range, and those of [`detect`](Self::detect).
    pub fn detect_tiled(
        &self,
        lane: Lane,
        image: Arc<Image>,
        params: &DetectParams,
        tiling: &Tiling,
        cancel: &CancelToken,
    ) -> Result<Inference, InferError> {
        let plan = Plan::new(tiling, image.width(), image.height(), self.manifest().input)?;
        let mut search = Search {
            detector: self,
            lane,
            image,
            params,
            cancel,
            waiting: VecDeque::new(),
            merger: Merger::new(plan.whole()),
            timing: InferTiming::default(),
        };
        let mut regions = plan.regions();
        if let Some(whole) = regions.next() {
            // Refused where no place is free, as a picture that is not cut; what has begun waits for places.
            search.begin(whole)?;
        }
        for tile in regions {
            search.make_room()?;
            search.begin_when_free(tile)?;
        }
        search.finish(tiling)
    }
}

impl Search<'_> {
    fn begin(&mut self, region: Region) -> Result<(), InferError> {
        let (image, params) = (Arc::clone(&self.image), self.params.clone());
        let ticket = self.detector.submit_part(self.lane, (image, region), params, self.cancel)?;
        self.waiting.push_back((region, ticket));
        Ok(())
    }

    fn begin_when_free(&mut self, region: Region) -> Result<(), InferError> {
        loop {
            match self.begin(region) {
                Err(InferError::QueueFull { .. }) if self.waiting.is_empty() => {
                    thread::sleep(QUEUE_RETRY);
                }
                Err(InferError::QueueFull { .. }) => self.take_first()?,
                done => return done,
            }
        }
    }

    /// Waits until another tile may be begun.
    fn make_room(&mut self) -> Result<(), InferError> {
        while self.waiting.len() >= self.detector.parallelism().saturating_mul(2) {
            self.take_first()?;
        }
        Ok(())
    }

    /// Waits for the tile that was begun first.
    fn take_first(&mut self) -> Result<(), InferError> {
        let Some((region, ticket)) = self.waiting.pop_front() else {
            return Ok(());
        };
        let Inference { detections, details, timing } = ticket.wait()?;
        self.timing.queue += timing.queue;
        self.timing.preprocess += timing.preprocess;
        self.timing.infer += timing.infer;
        self.timing.postprocess += timing.postprocess;
        self.merger.add(region, Found { detections, details });
        Ok(())
    }

    fn finish(mut self, tiling: &Tiling) -> Result<Inference, InferError> {
        while !self.waiting.is_empty() {
            self.take_first()?;
        }
        let most = self.params.max_detections;
        let Found { detections, details } = self.merger.merge(tiling, self.params.nms, most);
        Ok(Inference { detections, details, timing: self.timing })
    }
}
