//! Which controls a device has, and what the driver says of each.

use std::collections::HashSet;

use protocol::{ControlFlags, ControlKind, MenuEntry};
use rustix::io::Errno;

use crate::device::v4l2::{
    abi::{self, Plain as _},
    ioctl::{Failure, Node},
};

/// A control as its driver describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Description {
    pub(super) id: u32,
    pub(super) name: String,
    pub(super) label: String,
    pub(super) kind: ControlKind,
    /// How its value goes to and from the driver.
    pub(super) form: Form,
    pub(super) min: i64,
    pub(super) max: i64,
    pub(super) step: i64,
    pub(super) default: i64,
    pub(super) menu: Vec<MenuEntry>,
    pub(super) flags: ControlFlags,
}

/// How a value goes to and from the driver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// A number of 32 bits.
    Number,
    /// A number of 64 bits.
    WideNumber,
    /// Text of at most so many bytes.
    Text { most: usize },
    /// Elements of `element` bytes each; `now` bytes in all, at most `most`.
    Bytes { element: usize, now: usize, most: usize },
}

/// No driver has as many; a broken one might never end its list.
const LIMIT: usize = 1024;
/// A value that were larger could not be told to anybody in one message.
const MOST_BYTES: usize = 128 << 10;

/// All controls but the headings, in the order of their ids, with names of their own.
pub(super) fn all(node: &Node) -> Result<Vec<Description>, Failure> {
    let mut names = HashSet::new();
    let mut descriptions = Vec::new();
    for query in queries(node)? {
        let Some(mut description) = describe(node, &query)? else { continue };
        let plain = description.name.clone();
        let mut copies = 1;
        while !names.insert(description.name.clone()) {
            copies += 1;
            description.name = format!("{plain}_{copies}");
        }
        descriptions.push(description);
    }
    Ok(descriptions)
}

/// What the driver says of each control, by the best call that it knows.
fn queries(node: &Node) -> Result<Vec<abi::QueryExtControl>, Failure> {
    let mut found: Vec<abi::QueryExtControl> = Vec::new();
    let mut last = 0;
    while found.len() < LIMIT {
        let next = last | abi::CTRL_FLAG_NEXT_CTRL | abi::CTRL_FLAG_NEXT_COMPOUND;
        match query(node, next) {
            Ok(answer) if answer.id > last => {
                last = answer.id;
                found.push(answer);
            }
            // The end; or, from a driver that knows nothing of "next", that it does not.
            Err(Failure { errno: Errno::INVAL, .. }) if last != 0 => return Ok(found),
            Err(failure) if failure.errno == Errno::NODEV => return Err(failure),
            // Cheap cameras fail to describe single controls, and then the driver cannot get
            // past them: the rest is asked for one by one.
            Ok(_) | Err(_) => break,
        }
    }
    let user = abi::CID_BASE..abi::CID_LASTP1;
    let camera = abi::CID_CAMERA_BASE..abi::CID_CAMERA_LASTP1;
    for id in user.chain(camera).filter(|id| *id > last) {
        match query(node, id) {
            Ok(answer) => found.push(answer),
            Err(failure) if failure.errno == Errno::NODEV => return Err(failure),
            Err(_) => {}
        }
    }
    // Controls of a driver's own, in the style of old, follow each other without gaps.
    if last == 0 {
        let own = (abi::CID_PRIVATE_BASE..).map_while(|id| query(node, id).ok());
        found.extend(own.take(LIMIT));
    }
    Ok(found)
}

fn query(node: &Node, id: u32) -> Result<abi::QueryExtControl, Failure> {
    let mut answer = abi::QueryExtControl::zeroed();
    answer.id = id;
    match node.query_ext_control(&mut answer) {
        Err(failure) if failure.is_unknown_call() => {}
        result => return result.map(|()| answer),
    }
    let mut old = abi::QueryControl::zeroed();
    old.id = id & !abi::CTRL_FLAG_NEXT_COMPOUND;
    node.query_control(&mut old)?;
    let mut answer = abi::QueryExtControl::zeroed();
    answer.id = old.id;
    answer.kind = old.kind;
    answer.name = old.name;
    answer.minimum = old.minimum.into();
    answer.maximum = old.maximum.into();
    answer.step = u64::from(old.step.unsigned_abs());
    answer.default = old.default.into();
    answer.flags = old.flags;
    Ok(answer)
}

/// `None` for headings and for kinds that this cannot handle.
fn describe(node: &Node, query: &abi::QueryExtControl) -> Result<Option<Description>, Failure> {
    let has_payload = query.flags & abi::CTRL_FLAG_HAS_PAYLOAD != 0;
    let kind = match query.kind {
        abi::CTRL_TYPE_CTRL_CLASS => return Ok(None),
        abi::CTRL_TYPE_STRING => ControlKind::String,
        // Of whatever type its elements are.
        _ if has_payload => ControlKind::Compound,
        abi::CTRL_TYPE_INTEGER | abi::CTRL_TYPE_INTEGER64 => ControlKind::Integer,
        abi::CTRL_TYPE_BOOLEAN => ControlKind::Boolean,
        abi::CTRL_TYPE_MENU | abi::CTRL_TYPE_INTEGER_MENU => ControlKind::Menu,
        abi::CTRL_TYPE_BUTTON => ControlKind::Button,
        abi::CTRL_TYPE_BITMASK => ControlKind::Bitmask,
        other => {
            tracing::debug!(id = query.id, kind = other, "control of an unknown type left out");
            return Ok(None);
        }
    };
    let label = abi::text(&query.name);
    let mut description = Description {
        id: query.id,
        name: name(&label, query.id),
        label,
        kind,
        form: Form::Number,
        min: query.minimum,
        max: query.maximum,
        step: i64::try_from(query.step).unwrap_or(i64::MAX).max(1),
        default: query.default,
        menu: Vec::new(),
        flags: flags(query.flags),
    };
    match kind {
        ControlKind::Integer if query.kind == abi::CTRL_TYPE_INTEGER64 => {
            description.form = Form::WideNumber;
        }
        ControlKind::Bitmask => {
            // 32 bits, of which the highest is no sign.
            description.min = 0;
            description.max &= i64::from(u32::MAX);
            description.default &= i64::from(u32::MAX);
        }
        ControlKind::Menu => description.menu = menu(node, query)?,
        ControlKind::String => {
            let most = usize::try_from(query.maximum).unwrap_or(0).min(MOST_BYTES);
            description.form = Form::Text { most };
        }
        ControlKind::Compound => {
            let form = bytes(query);
            if let Form::Bytes { most, .. } = form {
                description.max = most as i64;
            }
            description.form = form;
            description.min = 0;
            description.step = 1;
        }
        ControlKind::Integer | ControlKind::Boolean | ControlKind::Button => {}
    }
    Ok(Some(description))
}

fn bytes(query: &abi::QueryExtControl) -> Form {
    let element = query.elem_size.max(1) as usize;
    let times = |count: u32| element.saturating_mul(count.max(1) as usize);
    let now = times(query.elems);
    let most =
        if query.flags & abi::CTRL_FLAG_DYNAMIC_ARRAY == 0 { now } else { times(query.dims[0]) };
    Form::Bytes { element, now, most: most.min(MOST_BYTES) }
}

fn menu(node: &Node, query: &abi::QueryExtControl) -> Result<Vec<MenuEntry>, Failure> {
    let mut entries = Vec::new();
    for value in (query.minimum.max(0)..=query.maximum).take(LIMIT) {
        let mut answer = abi::QueryMenu::zeroed();
        answer.id = query.id;
        answer.index = value as u32;
        match node.query_menu(&mut answer) {
            Ok(()) => {}
            Err(failure) if failure.errno == Errno::NODEV => return Err(failure),
            // This camera does not have that entry.
            Err(_) => continue,
        }
        let label = if query.kind == abi::CTRL_TYPE_INTEGER_MENU {
            let number: [u8; 8] = std::array::from_fn(|at| answer.name[at]);
            i64::from_ne_bytes(number).to_string()
        } else {
            abi::text(&answer.name)
        };
        entries.push(MenuEntry { value, label });
    }
    Ok(entries)
}

fn flags(bits: u32) -> ControlFlags {
    let has = |bit| bits & bit != 0;
    ControlFlags {
        read_only: has(abi::CTRL_FLAG_READ_ONLY),
        inactive: has(abi::CTRL_FLAG_INACTIVE),
        volatile: has(abi::CTRL_FLAG_VOLATILE),
        write_only: has(abi::CTRL_FLAG_WRITE_ONLY),
        grabbed: has(abi::CTRL_FLAG_GRABBED),
        disabled: has(abi::CTRL_FLAG_DISABLED),
    }
}

/// `White Balance, Automatic` → `white_balance_automatic`.
fn name(label: &str, id: u32) -> String {
    let mut name = String::with_capacity(label.len());
    for c in label.chars() {
        if c.is_ascii_alphanumeric() {
            name.push(c.to_ascii_lowercase());
        } else if !name.is_empty() && !name.ends_with('_') {
            name.push('_');
        }
    }
    let name = name.trim_end_matches('_');
    if name.is_empty() { format!("control_{id:x}") } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_lower_case_words() {
        assert_eq!(name("White Balance, Automatic", 1), "white_balance_automatic");
        assert_eq!(name("Y'CbCr Encoding", 1), "y_cbcr_encoding");
        assert_eq!(name(" (Pan) Absolute!", 1), "pan_absolute");
        assert_eq!(name("露出", 0x98_0901), "control_980901");
    }

    #[test]
    fn sizes_of_arrays_are_bounded() {
        let mut query = abi::QueryExtControl::zeroed();
        query.elem_size = 4;
        query.elems = 3;
        query.dims[0] = 100;
        assert_eq!(bytes(&query), Form::Bytes { element: 4, now: 12, most: 12 });
        query.flags = abi::CTRL_FLAG_DYNAMIC_ARRAY;
        assert_eq!(bytes(&query), Form::Bytes { element: 4, now: 12, most: 400 });
        query.dims[0] = u32::MAX;
        query.elem_size = u32::MAX;
        assert!(matches!(bytes(&query), Form::Bytes { most: MOST_BYTES, .. }));
    }
}
