//! The jobs by their names: bounded in number, and in age after their end.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use uuid::Uuid;

use super::{Failure, Video};

/// The jobs, oldest first.
#[derive(Debug)]
pub(super) struct Jobs {
    max: usize,
    ttl: Duration,
    kept: Mutex<VecDeque<(Uuid, Arc<Video>)>>,
}

impl Jobs {
    pub(super) fn new(max: usize, ttl: Duration) -> Self {
        Self { max, ttl, kept: Mutex::default() }
    }

    /// How long a job is kept after its end.
    pub(super) const fn ttl(&self) -> Duration {
        self.ttl
    }

    pub(super) fn count(&self) -> usize {
        self.kept().len()
    }

    pub(super) fn find(&self, id: Uuid) -> Option<Arc<Video>> {
        self.kept().iter().find(|(name, _)| *name == id).map(|(_, video)| Arc::clone(video))
    }

    /// Adds a job; the oldest that ended makes room for it.
    pub(super) fn add(&self, id: Uuid, video: &Arc<Video>) -> Result<(), Failure> {
        let mut kept = self.kept();
        if kept.iter().any(|(name, _)| *name == id) {
            return Err(Failure::new(409, "job_exists", format!("there is a job {id} already")));
        }
        if kept.len() >= self.max {
            let ended = kept.iter().position(|(_, video)| video.outcome().is_some());
            let Some(oldest) = ended else {
                let message = format!("as many jobs are in work as may be: {}", self.max);
                return Err(Failure::new(429, "too_many_jobs", message));
            };
            kept.remove(oldest);
        }
        kept.push_back((id, Arc::clone(video)));
        Ok(())
    }

    /// Forgets a job that has ended; says whether there was one.
    pub(super) fn forget(&self, id: Uuid) -> bool {
        self.remove(|name, video| name == id && video.outcome().is_some())
    }

    /// Forgets this job, and not a later one of the same name.
    pub(super) fn forget_this(&self, id: Uuid, this: &Arc<Video>) {
        self.remove(|name, video| name == id && Arc::ptr_eq(video, this));
    }

    fn remove(&self, which: impl Fn(Uuid, &Arc<Video>) -> bool) -> bool {
        let mut kept = self.kept();
        let before = kept.len();
        kept.retain(|(name, video)| !which(*name, video));
        kept.len() < before
    }

    /// The jobs; the list is whole after each change, so a panic elsewhere leaves it usable.
    fn kept(&self) -> MutexGuard<'_, VecDeque<(Uuid, Arc<Video>)>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
