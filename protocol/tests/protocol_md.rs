//! `docs/protocol.md` says what is true: its tables of tags and fields are those of the types,
//! its examples are golden messages, its limits are those in force.

#[path = "support/files.rs"]
mod files;
#[path = "support/schema.rs"]
mod schema;
#[path = "support/variants.rs"]
mod variants;

use std::{collections::BTreeMap, fs};

use protocol::{
    EventMessage, Hello, MAGIC, MAJOR, MINOR, PublishCommand, PublishMessage, ReplyMessage,
    RequestMessage, StreamCommand, StreamMessage, Welcome,
    wire::{MAX_HELLO, MAX_INLINE_FRAME, MAX_MESSAGE, MAX_REQUEST},
};

use schema::Schema;
use variants::{ENUMS, Values, Variants};

fn page() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/protocol.md");
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// A table: its head, then its rows, all without the backticks around names.
type Table = Vec<Vec<String>>;

/// The first table under each heading that is the name of a type.
fn tables(page: &str) -> BTreeMap<String, Table> {
    let mut tables: BTreeMap<String, Table> = BTreeMap::new();
    let mut heading = None;
    for line in page.lines() {
        if line.starts_with('#') {
            heading = line.strip_prefix("#### `").and_then(|name| name.strip_suffix('`'));
            if let Some(name) = heading {
                assert!(tables.insert(name.to_owned(), Table::new()).is_none(), "{name} twice");
            }
        } else if let Some(row) = line.strip_prefix('|').and_then(|row| row.strip_suffix('|')) {
            let Some(name) = heading else { continue };
            let cells: Vec<String> =
                row.split('|').map(|cell| cell.trim().replace('`', "")).collect();
            if !cells.iter().all(|cell| cell.chars().all(|c| c == '-')) {
                tables.get_mut(name).expect("it was put there").push(cells);
            }
        } else if heading.is_some_and(|name| !tables[name].is_empty()) {
            heading = None;
        }
    }
    tables
}

fn schema() -> Schema {
    let mut schema = Schema::default();
    schema.add::<Hello>();
    schema.add::<Welcome>();
    schema.add::<RequestMessage>();
    schema.add::<ReplyMessage>();
    schema.add::<EventMessage>();
    schema.add::<StreamCommand>();
    schema.add::<StreamMessage>();
    schema.add::<PublishCommand>();
    schema.add::<PublishMessage>();
    schema
}

#[test]
fn every_type_has_its_table_and_every_table_its_type() {
    let (page, schema) = (page(), schema());
    let listed: Vec<&str> = ENUMS.iter().map(|(name, _)| *name).collect();
    for name in schema.enums.keys() {
        assert!(listed.contains(name), "{name} is missing in the list of enums");
    }
    let tables = tables(&page);
    for name in schema.structs.keys().chain(&listed) {
        assert!(tables.contains_key(*name), "the page has no heading with the name {name}");
    }
    for (name, table) in &tables {
        assert!(!table.is_empty(), "{name} has no table");
        let known = schema.structs.contains_key(name.as_str()) || listed.contains(&name.as_str());
        assert!(known, "there is no type {name} in any message");
    }
}

#[test]
fn tables_of_structures_have_their_fields() {
    let tables = tables(&page());
    for (name, fields) in schema().structs {
        let (head, rows) = tables[name].split_first().expect("a table has a head");
        assert_eq!(head[..2], ["field", "type"], "{name}");
        let written: Vec<String> = rows.iter().map(|row| row[..2].join(" ")).collect();
        assert_eq!(written.join(", "), fields, "{name}");
        assert!(rows.iter().all(|row| row.len() == head.len()), "{name}: cells");
    }
}

#[test]
fn tables_of_enumerations_have_their_tags() {
    let (tables, schema) = (tables(&page()), schema());
    for (name, variants) in ENUMS {
        let (head, rows) = tables[*name].split_first().expect("a table has a head");
        let expected: Vec<(String, String)> = variants
            .iter()
            .enumerate()
            .map(|(tag, name)| (tag.to_string(), (*name).into()))
            .collect();
        let written: Vec<_> = rows.iter().map(|row| (row[0].clone(), row[1].clone())).collect();
        assert_eq!(written, expected, "{name}");
        assert!(rows.iter().all(|row| row.len() == head.len()), "{name}: cells");

        // Verdict travels as a byte of the preamble only, where the golden file has it.
        let Some(fields) = schema.enums.get(name) else {
            assert_eq!(*name, protocol::Verdict::NAME);
            continue;
        };
        let fields: Vec<&str> =
            fields.iter().map(|fields| fields.as_deref().unwrap_or("?")).collect();
        if head[2] == "fields" {
            let written: Vec<&str> = rows.iter().map(|row| row[2].as_str()).collect();
            assert_eq!(written, fields, "{name}");
        } else {
            assert!(
                fields.iter().all(|fields| fields.is_empty()),
                "{name} has a variant with fields"
            );
        }
    }
}

/// The column that says which reply a request gets names replies that there are.
#[test]
fn requests_name_their_replies() {
    let tables = tables(&page());
    let (head, rows) = tables["Request"].split_first().expect("a table has a head");
    assert_eq!(head[3], "reply");
    for row in rows {
        assert!(protocol::Reply::VARIANTS.contains(&row[3].as_str()), "{row:?}");
    }
}

#[test]
fn examples_are_golden_messages() {
    let page = page();
    let mut seen = 0;
    let mut blocks = page.split("\n```hex ").skip(1);
    for block in &mut blocks {
        let (title, rest) = block.split_once('\n').expect("a block has lines");
        let (block, _) = rest.split_once("\n```").expect("a block ends");
        let (file, entry) = title.split_once(' ').expect("a file and an entry");
        let hex: Vec<&str> = block
            .lines()
            .map(|line| line.split_once(';').unwrap_or_else(|| panic!("{title}: no ; in {line}")).0)
            .collect();
        let bytes = files::from_hex(&hex.concat());
        let golden = files::read(file).into_iter().find(|(name, _)| name == entry);
        assert_eq!(bytes, golden.map(|(_, bytes)| bytes), "{title}");
        seen += 1;
    }
    assert!(seen >= 10, "{seen} examples only: are the others written in another way?");
}

#[test]
fn numbers_are_those_in_force() {
    let page = page();
    let commas = |number: usize| {
        let digits = number.to_string();
        let groups: Vec<&[u8]> = digits.as_bytes().rchunks(3).rev().collect();
        String::from_utf8(groups.join(&b',')).expect("digits")
    };
    for limit in [MAX_MESSAGE, MAX_REQUEST, MAX_HELLO, MAX_INLINE_FRAME] {
        let limit = format!("| {} bytes", commas(limit));
        assert!(page.contains(&limit), "the table of limits does not have {limit}");
    }
    assert!(page.contains(&format!("Version {MAJOR}.{MINOR}.")));
    assert!(page.contains(&format!("| major version, `u16`: {MAJOR} |")));
    assert!(page.contains(&format!("| minor version, `u16`: {MINOR} |")));
    let magic: Vec<String> = MAGIC.iter().map(|byte| format!("{byte:02x}")).collect();
    assert!(page.contains(&magic.join(" ")));
}

/// What stands as a byte in the preamble is what the tables give as tag.
#[test]
fn bytes_of_preambles_are_tags() {
    for (index, role) in protocol::Role::VALUES.iter().enumerate() {
        let bytes = protocol::Preamble::new(*role).to_bytes();
        assert_eq!(usize::from(bytes[12]), index, "{}", role.variant());
    }
    for (index, verdict) in protocol::Verdict::VALUES.iter().enumerate() {
        let bytes = protocol::Preamble::new(*verdict).to_bytes();
        assert_eq!(usize::from(bytes[12]), index, "{}", verdict.variant());
    }
}

/// Every link within the page leads somewhere.
#[test]
fn links_within_the_page_lead_somewhere() {
    let page = page();
    let anchors: Vec<String> = page
        .lines()
        .filter(|line| line.starts_with('#'))
        .map(|line| {
            let kept = |c: &char| c.is_alphanumeric() || *c == ' ' || *c == '-';
            let title = line.trim_start_matches('#').trim().to_lowercase();
            title.chars().filter(kept).collect::<String>().replace(' ', "-")
        })
        .collect();
    for link in page.split("](#").skip(1) {
        let link = link.split(')').next().unwrap_or_default();
        assert!(anchors.iter().any(|anchor| anchor == link), "#{link} leads nowhere");
    }
}
