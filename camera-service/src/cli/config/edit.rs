//! Looking up and changing single values of a configuration's text.

use serde_json::json;
use toml_edit::{DocumentMut, Item, Table, Value};

/// The value of `key` in `text`, which has all that can be looked up; or why there is none.
pub(super) fn value(text: &str, key: &str) -> Result<Item, String> {
    let document: DocumentMut = text.parse().map_err(|error| format!("{error}"))?;
    let mut item = document.as_item();
    for part in key.split('.') {
        let table = item.as_table_like();
        let next = table.and_then(|table| table.get(part));
        item = next.ok_or_else(|| {
            let known: Vec<&str> =
                table.map(|table| table.iter().map(|(key, _)| key).collect()).unwrap_or_default();
            format!("there is no {key}, or it is not set; known here: {}", known.join(", "))
        })?;
    }
    Ok(item.clone())
}

/// A value for people: text as it is, all else as the file has it.
pub(super) fn text(item: &Item) -> String {
    let text = match item {
        Item::Value(Value::String(text)) => text.value().clone(),
        Item::Value(value) => value.clone().decorated("", "").to_string(),
        Item::Table(table) => {
            let row = |(key, item): (&str, &Item)| format!("{key} = {}", shown(item));
            table.iter().map(row).collect::<Vec<_>>().join("\n")
        }
        other => other.to_string().trim().to_owned(),
    };
    text + "\n"
}

fn shown(item: &Item) -> String {
    item.as_value().map(|value| value.clone().decorated("", "").to_string()).unwrap_or_default()
}

/// A value as JSON.
pub(super) fn json(item: &Item) -> serde_json::Value {
    fn of(value: &Value) -> serde_json::Value {
        match value {
            Value::String(text) => json!(text.value()),
            Value::Integer(number) => json!(number.value()),
            Value::Float(number) => json!(number.value()),
            Value::Boolean(is) => json!(is.value()),
            Value::Datetime(time) => json!(time.value().to_string()),
            Value::Array(items) => items.iter().map(of).collect(),
            Value::InlineTable(table) => table.iter().map(|(key, item)| (key, of(item))).collect(),
        }
    }
    match item {
        Item::None => serde_json::Value::Null,
        Item::Value(value) => of(value),
        Item::Table(table) => object(table),
        Item::ArrayOfTables(tables) => tables.iter().map(object).collect(),
    }
}

fn object(table: &Table) -> serde_json::Value {
    table.iter().map(|(key, item)| (key, json(item))).collect()
}

/// `text` with `key` set to `value`, in each way that `value` can be understood, the likeliest
/// first; or why there is no such way. `default` is a text that has every key.
pub(super) fn changed(
    text: &str,
    default: &str,
    key: &str,
    value: &str,
) -> Result<Vec<String>, String> {
    let document: DocumentMut = text.parse().map_err(|error| format!("{error}"))?;
    let is_list = self::value(default, key).is_ok_and(|item| item.is_array());
    let written: Option<Value> = value.trim().parse().ok();
    let meanings = match written {
        Some(list @ Value::Array(_)) if is_list => vec![list],
        _ if is_list => vec![words(value)],
        Some(text @ Value::String(_)) => vec![text],
        other => other.into_iter().chain([value.into()]).collect(),
    };
    let set = |value| {
        let mut document = document.clone();
        put(document.as_table_mut(), key, value).map(|()| document.to_string())
    };
    meanings.into_iter().map(set).collect()
}

/// A list of the words between the commas of `text`; nothing is an empty list.
fn words(text: &str) -> Value {
    let words = text.split(',').map(|word| word.trim().trim_matches('"'));
    words.filter(|word| !word.is_empty()).collect()
}

fn put(table: &mut Table, key: &str, mut value: Value) -> Result<(), String> {
    let (section, rest) = match key.split_once('.') {
        Some((section, rest)) => (section, Some(rest)),
        None => (key, None),
    };
    if section.is_empty() {
        return Err("a key is named with its section, such as limits.connections".to_owned());
    }
    let Some(rest) = rest else {
        match table.get_mut(section) {
            Some(Item::Value(now)) => {
                // What is written beside it stays.
                *value.decor_mut() = now.decor().clone();
                *now = value;
            }
            Some(Item::None) | None => drop(table.insert(section, Item::Value(value))),
            Some(_) => return Err(format!("{section} is a section; name a key in it")),
        }
        return Ok(());
    };
    match table.entry(section).or_insert_with(toml_edit::table) {
        Item::Table(table) => put(table, rest, value),
        _ => Err(format!("{section} is no section with single keys; edit the file")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
# mine
[timeouts]
close_after = 3   # as long as it takes

[limits] # few
connections = 9
[[loopback]]
camera = \"c\"
device = \"/dev/video9\"
";

    const DEFAULT: &str = "[cameras]\ntest_cameras = []\n[limits]\nconnections = 1\n";

    fn changed(text: &str, key: &str, value: &str) -> Result<Vec<String>, String> {
        super::changed(text, DEFAULT, key, value)
    }

    #[test]
    fn all_but_the_value_stays_as_it_is() {
        let texts = changed(TEXT, "timeouts.close_after", "0.5").expect("changed");
        assert_eq!(texts[0], TEXT.replace("close_after = 3 ", "close_after = 0.5 "));
        let texts = changed(TEXT, "cameras.test_cameras", "[\"320x240\"]").expect("changed");
        assert!(texts[0].starts_with(TEXT.split("[[loop").next().expect("text")), "{}", texts[0]);
        assert!(texts[0].contains("[cameras]\ntest_cameras = [\"320x240\"]\n"), "{}", texts[0]);
        let texts = changed("", "limits.connections", "8").expect("changed");
        assert_eq!(texts, ["[limits]\nconnections = 8\n", "[limits]\nconnections = \"8\"\n"]);
        for key in ["loopback.device", "limits", ".connections"] {
            assert!(changed(TEXT, key, "1").is_err(), "{key}");
        }
    }

    #[test]
    fn a_list_is_written_as_such_or_as_words() {
        for (value, list) in [
            ("[\"a\", \"b,c\"]", "[\"a\", \"b,c\"]"),
            ("a", "[\"a\"]"),
            ("a, b ,", "[\"a\", \"b\"]"),
            ("\"a\",\"b\"", "[\"a\", \"b\"]"),
            ("7", "[\"7\"]"),
            ("", "[]"),
            ("[a]", "[\"[a]\"]"),
        ] {
            let texts = changed("", "cameras.test_cameras", value).expect(value);
            assert_eq!(texts, [format!("[cameras]\ntest_cameras = {list}\n")], "{value}");
        }
    }

    #[test]
    fn values_are_shown_as_they_are_meant() {
        let shown = |key| value(TEXT, key).map(|item| (text(&item), json(&item)));
        assert_eq!(shown("limits.connections"), Ok(("9\n".to_owned(), json!(9))));
        let (text, value) = shown("timeouts").expect("a section");
        assert_eq!((text.as_str(), value), ("close_after = 3\n", json!({"close_after": 3})));
        assert_eq!(shown("loopback").expect("entries").1[0]["device"], "/dev/video9");
        let error = shown("limits.conections").expect_err("a slip");
        assert!(error.contains("connections"), "{error}");
    }
}
