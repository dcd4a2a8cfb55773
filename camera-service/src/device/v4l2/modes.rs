//! The modes that a device offers, asked of its driver.
//!
//! Ranges are sampled: of sizes the common ones that lie within and the largest, of rates the
//! common ones and both ends.

use protocol::{FrameRate, Mode, Size};
use rustix::io::Errno;

use super::{
    abi::{self, Plain as _},
    format,
    ioctl::{Failure, Node},
};

/// A mode and the driver's code for its format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Offer {
    pub(super) code: u32,
    pub(super) mode: Mode,
}

/// Assumed of a driver that knows of no rates.
const UNKNOWN_RATE: FrameRate = FrameRate::new(30, 1);

/// Sizes that are offered where a driver takes any in a range.
const COMMON_SIZES: [Size; 18] = [
    Size::new(160, 120),
    Size::new(176, 144),
    Size::new(320, 180),
    Size::new(320, 240),
    Size::new(352, 288),
    Size::new(640, 360),
    Size::new(640, 480),
    Size::new(800, 600),
    Size::new(960, 540),
    Size::new(1024, 768),
    Size::new(1280, 720),
    Size::new(1280, 960),
    Size::new(1280, 1024),
    Size::new(1600, 1200),
    Size::new(1920, 1080),
    Size::new(2560, 1440),
    Size::new(2592, 1944),
    Size::new(3840, 2160),
];

/// Rates that are offered where a driver takes any in a range.
const COMMON_RATES: [u32; 11] = [5, 10, 15, 20, 24, 25, 30, 50, 60, 90, 120];

/// No driver has as many entries in one list; a broken one might never end it.
const LIST_LIMIT: u32 = 1024;

/// Everything that the device offers, without repetitions, in the driver's order.
pub(super) fn all(node: &Node) -> Result<Vec<Offer>, Failure> {
    let mut offers = Vec::new();
    for code in codes(node)? {
        add(node, code, &mut offers)?;
    }
    let mut seen = std::collections::HashSet::new();
    offers.retain(|offer| {
        let FrameRate { numerator, denominator } = offer.mode.rate;
        seen.insert((offer.mode.format, offer.mode.size, numerator, denominator))
    });
    Ok(offers)
}

/// The rate that the device is set to.
pub(super) fn current_rate(node: &Node) -> Option<FrameRate> {
    let mut parameters = abi::StreamParameters::zeroed();
    parameters.kind = abi::VIDEO_CAPTURE;
    node.get_parameters(&mut parameters).ok()?;
    rate(parameters.time_per_frame)
}

/// A rate of what drivers speak of: seconds a frame.
pub(super) fn rate([numerator, denominator]: [u32; 2]) -> Option<FrameRate> {
    let divisor = gcd(numerator, denominator).max(1);
    let rate = FrameRate::new(denominator / divisor, numerator / divisor);
    rate.is_valid().then_some(rate)
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// Answers of a call that lists things, until the driver says that there are no more.
fn list<T>(
    mut next: impl FnMut(u32) -> Result<T, Failure>,
) -> impl Iterator<Item = Result<T, Failure>> {
    let mut ended = false;
    (0..LIST_LIMIT).map_while(move |index| {
        if ended {
            return None;
        }
        match next(index) {
            Ok(answer) => Some(Ok(answer)),
            Err(Failure { errno: Errno::NODEV | Errno::NXIO, call }) => {
                ended = true;
                Some(Err(Failure { call, errno: Errno::NODEV }))
            }
            // EINVAL is the end; ENOTTY and whatever else a driver says has nothing to list.
            Err(_) => None,
        }
    })
}

/// Codes of the formats that the device captures in.
pub(super) fn codes(node: &Node) -> Result<Vec<u32>, Failure> {
    list(|index| {
        let mut description = abi::FormatDescription::zeroed();
        description.index = index;
        description.kind = abi::VIDEO_CAPTURE;
        node.enum_formats(&mut description)?;
        Ok(description.pixel_format)
    })
    .collect()
}

fn add(node: &Node, code: u32, offers: &mut Vec<Offer>) -> Result<(), Failure> {
    let format = format::from_code(code);
    for size in sizes(node, code)? {
        for rate in rates(node, code, size)? {
            offers.push(Offer { code, mode: Mode { format, size, rate } });
        }
    }
    Ok(())
}

fn sizes(node: &Node, code: u32) -> Result<Vec<Size>, Failure> {
    let mut sizes = Vec::new();
    for answer in list(|index| {
        let mut answer = abi::FrameSizes::zeroed();
        answer.index = index;
        answer.pixel_format = code;
        node.enum_frame_sizes(&mut answer).map(|()| answer)
    }) {
        let answer = answer?;
        if answer.kind == abi::DISCRETE {
            sizes.push(Size::new(answer.size[0], answer.size[1]));
            continue;
        }
        sizes.extend(sample_sizes(answer.size));
        // A range is the only entry.
        break;
    }
    if sizes.is_empty() {
        // The driver lists no sizes: what it has now is one that works.
        sizes.extend(current_size(node, code));
    }
    sizes.retain(|size| size.area() > 0);
    Ok(sizes)
}

fn current_size(node: &Node, code: u32) -> Option<Size> {
    let mut wanted = abi::Format::zeroed();
    wanted.kind = abi::VIDEO_CAPTURE;
    node.get_format(&mut wanted).ok()?;
    wanted.pix.pixel_format = code;
    match node.try_format(&mut wanted) {
        Ok(()) => {}
        Err(failure) if failure.is_unknown_call() => {}
        Err(_) => return None,
    }
    Some(Size::new(wanted.pix.width, wanted.pix.height))
}

fn sample_sizes(range: [u32; 6]) -> Vec<Size> {
    let [min_width, max_width, step_width, min_height, max_height, step_height] = range;
    let fits = |value: u32, min: u32, max: u32, step: u32| {
        (min..=max).contains(&value) && (value - min).is_multiple_of(step.max(1))
    };
    let mut sizes: Vec<Size> = COMMON_SIZES
        .into_iter()
        .filter(|size| {
            fits(size.width, min_width, max_width, step_width)
                && fits(size.height, min_height, max_height, step_height)
        })
        .collect();
    let largest = Size::new(max_width, max_height);
    if !sizes.contains(&largest) {
        sizes.push(largest);
    }
    sizes
}

fn rates(node: &Node, code: u32, size: Size) -> Result<Vec<FrameRate>, Failure> {
    let mut rates = Vec::new();
    for answer in list(|index| {
        let mut answer = abi::FrameIntervals::zeroed();
        answer.index = index;
        answer.pixel_format = code;
        answer.width = size.width;
        answer.height = size.height;
        node.enum_frame_intervals(&mut answer).map(|()| answer)
    }) {
        let answer = answer?;
        let [numerator, denominator, max_numerator, max_denominator, ..] = answer.interval;
        if answer.kind == abi::DISCRETE {
            rates.extend(rate([numerator, denominator]));
            continue;
        }
        let fastest = rate([numerator, denominator]);
        let slowest = rate([max_numerator, max_denominator]);
        rates.extend(sample_rates(fastest, slowest));
        // A range is the only entry.
        break;
    }
    if rates.is_empty() {
        rates.push(current_rate(node).unwrap_or(UNKNOWN_RATE));
    }
    Ok(rates)
}

fn sample_rates(fastest: Option<FrameRate>, slowest: Option<FrameRate>) -> Vec<FrameRate> {
    let Some(fastest) = fastest else { return slowest.into_iter().collect() };
    let slowest = slowest.unwrap_or(FrameRate::new(1, 1));
    let mut rates: Vec<FrameRate> = COMMON_RATES
        .into_iter()
        .map(|rate| FrameRate::new(rate, 1))
        .filter(|rate| (slowest..=fastest).contains(rate))
        .chain([fastest, slowest])
        .collect();
    rates.sort_unstable_by(|a, b| b.cmp(a));
    rates.dedup();
    rates
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_of_sizes_is_sampled_at_its_steps() {
        let sizes = sample_sizes([16, 1280, 16, 16, 960, 16]);
        assert!(sizes.contains(&Size::new(640, 480)), "{sizes:?}");
        assert!(sizes.contains(&Size::new(1280, 960)), "{sizes:?}");
        // 180 and 360 are no multiples of 16.
        assert!(!sizes.contains(&Size::new(320, 180)), "{sizes:?}");
        assert_eq!(sample_sizes([101, 101, 0, 77, 77, 0]), [Size::new(101, 77)]);
    }

    #[test]
    fn a_range_of_rates_keeps_both_ends() {
        let fastest = Some(FrameRate::new(30_000, 1001));
        let rates = sample_rates(fastest, Some(FrameRate::new(1, 10)));
        assert_eq!(rates.first(), fastest.as_ref());
        assert_eq!(rates.last(), Some(&FrameRate::new(1, 10)));
        assert!(rates.contains(&FrameRate::new(15, 1)), "{rates:?}");
        assert!(!rates.contains(&FrameRate::new(30, 1)), "{rates:?}");
        assert_eq!(sample_rates(None, None), []);
    }

    #[test]
    fn intervals_become_rates() {
        assert_eq!(rate([2, 15]).map(|rate| (rate.numerator, rate.denominator)), Some((15, 2)));
        let rate_of = |interval| rate(interval).map(|rate| (rate.numerator, rate.denominator));
        assert_eq!(rate_of([1001, 30_000]), Some((30_000, 1001)));
        assert_eq!(rate_of([333_333, 10_000_000]), Some((10_000_000, 333_333)));
        assert_eq!(rate_of([0, 30]), None);
        assert_eq!(rate_of([1, 0]), None);
        assert_eq!(rate_of([0, 0]), None);
    }
}
