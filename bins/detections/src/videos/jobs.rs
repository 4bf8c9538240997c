//! The jobs by their names: bounded in number, and in age after their end.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use uuid::Uuid;

use super::{Failure, Owner, Video};
use crate::access::Caller;

/// A job, by its name and by whom it belongs to; two owners may use the same name.
#[derive(Debug)]
struct Job {
    id: Uuid,
    owner: Owner,
    video: Arc<Video>,
}

/// The jobs, oldest first.
#[derive(Debug)]
pub(super) struct Jobs {
    max: usize,
    ttl: Duration,
    kept: Mutex<VecDeque<Job>>,
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

    /// The job of that name: the caller's own, or any that it may see. Without callers everybody sees all.
    pub(super) fn find(&self, id: Uuid, caller: Option<&Caller>) -> Option<Arc<Video>> {
        let kept = self.kept();
        let of_that_name = || kept.iter().filter(|job| job.id == id);
        let found = match caller {
            None => of_that_name().next(),
            Some(caller) => {
                let own = of_that_name().find(|job| job.owner.as_ref() == Some(caller.subject()));
                own.or_else(|| of_that_name().find(|job| caller.may_see(job.owner.as_deref())))
            }
        };
        found.map(|job| Arc::clone(&job.video))
    }

    /// Adds a job; the oldest that ended makes room for it.
    pub(super) fn add(&self, id: Uuid, owner: &Owner, video: &Arc<Video>) -> Result<(), Failure> {
        let mut kept = self.kept();
        if kept.iter().any(|job| job.id == id && job.owner == *owner) {
            return Err(Failure::new(409, "job_exists", format!("there is a job {id} already")));
        }
        if kept.len() >= self.max {
            let ended = kept.iter().position(|job| job.video.outcome().is_some());
            let Some(oldest) = ended else {
                let message = format!("as many jobs are in work as may be: {}", self.max);
                return Err(Failure::new(429, "too_many_jobs", message));
            };
            kept.remove(oldest);
        }
        kept.push_back(Job { id, owner: owner.clone(), video: Arc::clone(video) });
        Ok(())
    }

    /// Forgets a job that has ended; says whether there was one.
    pub(super) fn forget(&self, this: &Arc<Video>) -> bool {
        self.remove(|video| Arc::ptr_eq(video, this) && video.outcome().is_some())
    }

    /// Forgets this job, and not a later one of the same name.
    pub(super) fn forget_this(&self, this: &Arc<Video>) {
        self.remove(|video| Arc::ptr_eq(video, this));
    }

    fn remove(&self, which: impl Fn(&Arc<Video>) -> bool) -> bool {
        let mut kept = self.kept();
        let before = kept.len();
        kept.retain(|job| !which(&job.video));
        kept.len() < before
    }

    /// The jobs; the list is whole after each change, so a panic elsewhere leaves it usable.
    fn kept(&self) -> MutexGuard<'_, VecDeque<Job>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
