//! What was searched and found, as a sentence and as an exit code.

use std::fmt;

use crate::cli::{exit::Exit, inputs::Listing};

/// What was searched and found.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pictures: Found,
    videos: u64,
    frames: Found,
    failed: u64,
    worst: Worst,
}

/// How many were searched, and what was found in them.
#[derive(Debug, Default)]
struct Found {
    searched: u64,
    objects: u64,
}

impl Found {
    fn add(&mut self, objects: usize) {
        self.searched += 1;
        self.objects += objects as u64;
    }
}

impl Tally {
    pub(super) fn add_picture(&mut self, objects: usize) {
        self.pictures.add(objects);
    }

    pub(super) fn add_frame(&mut self, objects: usize) {
        self.frames.add(objects);
    }

    pub(super) const fn add_video(&mut self) {
        self.videos += 1;
    }

    pub(super) fn fail(&mut self, exit: Exit) {
        self.failed += 1;
        self.worst = self.worst.or(exit);
    }

    /// Whether it says more than the rows do.
    pub(super) const fn is_of_note(&self) -> bool {
        self.failed > 0 || self.videos > 0
    }

    pub(super) const fn exit(&self) -> Exit {
        self.worst.0
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { pictures, videos, frames, failed, .. } = self;
        let has_frames = *videos > 0 || frames.searched > 0;
        let mut objects = count(pictures.objects, "object");
        if has_frames {
            let found = count(frames.objects, "object");
            let of = count(*videos, "video");
            write!(f, "{found} in {} of {of}", count(frames.searched, "frame"))?;
            objects = format!(" and {}", grouped(pictures.objects));
        }
        if pictures.searched > 0 || !has_frames {
            write!(f, "{objects} in {}", count(pictures.searched, "picture"))?;
        }
        if *failed > 0 { write!(f, ", {} failed", grouped(*failed)) } else { Ok(()) }
    }
}

/// How to exit after several inputs: a fault of this machine outweighs bad inputs.
#[derive(Debug, Clone, Copy)]
struct Worst(Exit);

impl Default for Worst {
    fn default() -> Self {
        Self(Exit::Done)
    }
}

impl Worst {
    fn or(self, exit: Exit) -> Self {
        match (self.0, exit) {
            (Exit::Failed, _) | (_, Exit::Done) => self,
            _ => Self(exit),
        }
    }
}

/// What a folder held beside pictures and videos, to be appended to a sentence.
pub(in crate::cli::detect) fn left_out(listing: &Listing) -> String {
    match listing.others {
        0 => String::new(),
        others => format!("; left out {}", count(others as u64, "other file")),
    }
}

fn count(number: u64, what: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {what}{plural}", grouped(number))
}

/// The number with a comma before every third digit from the end.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let commas = |(place, digit): (usize, char)| {
        let comma = place > 0 && (digits.len() - place).is_multiple_of(3);
        comma.then_some(',').into_iter().chain([digit])
    };
    digits.chars().enumerate().flat_map(commas).collect()
}

#[cfg(test)]
mod tests {
    use super::{Exit, Found, Listing, Tally, Worst, grouped, left_out};

    #[test]
    fn a_fault_of_the_machine_outweighs_bad_inputs() {
        let exit = |exits: &[Exit]| exits.iter().fold(Worst::default(), |w, e| w.or(*e)).0;
        assert_eq!(exit(&[Exit::Done, Exit::Done]), Exit::Done);
        assert_eq!(exit(&[Exit::BadInput, Exit::Done]), Exit::BadInput);
        assert_eq!(exit(&[Exit::BadInput, Exit::Failed, Exit::BadInput]), Exit::Failed);
    }

    #[test]
    fn sums_read_as_a_sentence() {
        let found = |searched, objects| Found { searched, objects };
        let tally = Tally { pictures: found(1, 12), failed: 2, ..Tally::default() };
        assert_eq!(tally.to_string(), "12 objects in 1 picture, 2 failed");
        let tally = Tally { videos: 1, frames: found(377, 1234), ..Tally::default() };
        assert_eq!(tally.to_string(), "1,234 objects in 377 frames of 1 video");
        let tally = Tally { pictures: found(36, 395), ..tally };
        let both = "1,234 objects in 377 frames of 1 video and 395 in 36 pictures";
        assert_eq!(tally.to_string(), both);
        assert_eq!(Tally::default().to_string(), "0 objects in 0 pictures");
        let listing = Listing { others: 3, ..Listing::default() };
        assert_eq!(left_out(&listing), "; left out 3 other files");
        assert_eq!(left_out(&Listing::default()), "");
    }

    #[test]
    fn long_numbers_are_grouped() {
        for (number, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (12_345_678, "12,345,678")]
        {
            assert_eq!(grouped(number), text);
        }
    }
}
