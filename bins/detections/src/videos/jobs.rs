//! The jobs by their names: bounded in number, and in age after their end.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
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

    /// Forgets the jobs that ended so long before `now` as they are kept.
    pub(super) fn expire(&self, now: Instant) {
        self.remove(|video| {
            let ended = video.ended_at();
            ended.is_some_and(|ended| now.saturating_duration_since(ended) >= self.ttl)
        });
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

#[cfg(test)]
mod tests {
    use std::{
        sync::Arc,
        time::{Duration, Instant},
    };

    use detections_pipeline::intake;
    use detections_types::CancelToken;
    use uuid::Uuid;

    use super::Jobs;
    use crate::{
        events::{LogLimits, Retention},
        videos::{Failure, Name, Video},
    };

    const TTL: Duration = Duration::from_secs(600);

    fn job(jobs: &Jobs, number: u128) -> Result<Arc<Video>, Failure> {
        let id = Uuid::from_u128(number);
        let limits = LogLimits {
            memory_bytes: 1 << 10,
            spool_bytes: 0,
            spool_dir: None,
            retention: Retention::All,
        };
        let (_, arrivals, _) = intake(1, 1);
        let cancel = CancelToken::new();
        let video = Video::new(&Name::Job(id), limits, cancel, arrivals, &Arc::default());
        let video = Arc::new(video);
        jobs.add(id, &None, &video).map(|()| video)
    }

    fn is_kept(jobs: &Jobs, number: u128) -> bool {
        jobs.find(Uuid::from_u128(number), None).is_some()
    }

    #[test]
    fn a_job_is_forgotten_so_long_after_its_end_and_not_before() {
        let jobs = Jobs::new(8, TTL);
        let (old, new) = (job(&jobs, 1).unwrap(), job(&jobs, 2).unwrap());
        job(&jobs, 3).unwrap();
        old.fail(Failure::cancelled());
        let later = old.ended_at().unwrap() + TTL;
        while Instant::now() <= old.ended_at().unwrap() {
            std::hint::spin_loop();
        }
        new.fail(Failure::cancelled());
        jobs.expire(later - Duration::from_nanos(1));
        assert_eq!(jobs.count(), 3);
        jobs.expire(later);
        assert_eq!(
            (1..=3).map(|number| is_kept(&jobs, number)).collect::<Vec<_>>(),
            [false, true, true]
        );
        jobs.expire(later + 1000 * TTL);
        assert!(is_kept(&jobs, 3), "a job in work has no age");
        assert_eq!(jobs.count(), 1);
    }

    #[test]
    fn the_oldest_that_ended_makes_room_and_none_in_work_does() {
        let jobs = Jobs::new(3, TTL);
        job(&jobs, 1).unwrap();
        for number in [2, 3] {
            job(&jobs, number).unwrap().fail(Failure::cancelled());
        }
        let fourth = job(&jobs, 4).unwrap();
        assert_eq!((jobs.count(), is_kept(&jobs, 1), is_kept(&jobs, 2)), (3, true, false));
        assert_eq!(job(&jobs, 4).unwrap_err().code, "job_exists");
        job(&jobs, 5).unwrap();
        assert!(!is_kept(&jobs, 3));
        let full = job(&jobs, 6).unwrap_err();
        assert_eq!((full.status, full.code), (429, "too_many_jobs"));
        fourth.fail(Failure::cancelled());
        job(&jobs, 6).unwrap();
        assert_eq!((jobs.count(), is_kept(&jobs, 4)), (3, false));
    }
}
