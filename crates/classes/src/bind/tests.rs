//! Class files against a model's labels: what each means, and what is said of each fault.

use detections_types::{ClassIndex, ErrorKind, Score};

use crate::{BoundClasses, ClassMap, ClassesError, Color, MAX_FILE_BYTES, default_color};

fn labels() -> Vec<String> {
    ["person", "vehicle.car", "Boat"].map(str::to_owned).to_vec()
}

fn bind(json: &str) -> Result<BoundClasses, ClassesError> {
    ClassMap::from_json(json)?.bind(&labels())
}

/// The classes as `index→id name`.
fn check(json: &str, expected: &[&str]) {
    let bound = bind(json).unwrap_or_else(|error| panic!("{json}: {error}"));
    let found: Vec<String> = bound
        .iter()
        .map(|(index, class)| format!("{}→{} {}", index.0, class.id, class.name))
        .collect();
    assert_eq!(found, expected, "{json}");
}

/// The message, whole.
fn check_error(json: &str, expected: &str) {
    let error = bind(json).expect_err(json);
    assert_eq!(error.to_string(), expected, "{json}");
    assert_eq!(error.kind(), ErrorKind::InvalidInput, "{json}");
}

#[test]
fn the_identity_keeps_labels_and_indices() {
    let bound = ClassMap::identity().bind(&labels()).unwrap();
    let boat = bound.class(ClassIndex(2)).unwrap();
    assert_eq!((boat.id, &*boat.name, boat.color), (2, "Boat", default_color(2)));
    assert_eq!(bound.class(ClassIndex(3)), None);
    assert!(bound.unmapped_labels().is_empty());
}

#[test]
fn an_entry_finds_its_class() {
    check(r#"[{"name":"car","label":"vehicle.car"}]"#, &["1→0 car"]);
    check(r#"[{"name":"person","id":9}]"#, &["0→9 person"]);
    check(r#"[{"name":"boat","id":9}]"#, &["2→9 boat"]);
    check(r#"[{"name":"ship","id":2}]"#, &["2→2 ship"]);
    check(r#"[{"name":"human"},{"name":"car"}]"#, &["0→0 human", "1→1 car"]);
}

#[test]
fn a_map_that_reports_nothing_is_refused() {
    let message = "the class file leaves none of the model's 3 classes to be reported";
    for json in ["[]", "{}", r#"[{"name":"person","enabled":false}]"#] {
        check_error(json, message);
    }
}

#[test]
fn names_and_indices_are_short_forms() {
    check(r#"["human","car","ship"]"#, &["0→0 human", "1→1 car", "2→2 ship"]);
    check(r#"["Boat","person","car"]"#, &["0→0 Boat", "1→1 person", "2→2 car"]);
    check(r#"{"1":"car"}"#, &["1→1 car"]);
    check(r#"{"0":"Boat"}"#, &["0→0 Boat"]);
}

#[test]
fn an_entry_carries_colour_and_threshold() {
    let json = r##"[{"name":"person","color":"#102030","min_confidence":0.5},{"name":"Boat"}]"##;
    let bound = bind(json).unwrap();
    let person = bound.class(ClassIndex(0)).unwrap();
    assert_eq!((person.color, person.min_confidence), (Color([16, 32, 48]), Score::new(0.5)));
    let boat = bound.class(ClassIndex(2)).unwrap();
    assert_eq!((boat.color, boat.min_confidence), (default_color(1), None));
}

#[test]
fn what_is_switched_off_is_dropped_and_what_is_not_mapped_is_listed() {
    let bound = bind(r#"[{"name":"person","enabled":false},{"name":"boat"}]"#).unwrap();
    assert_eq!(bound.class(ClassIndex(0)), None);
    assert!(!bound.contains_id(0));
    assert_eq!(bound.unmapped_labels(), ["vehicle.car"]);
}

#[test]
fn words_are_found_as_id_then_name_then_in_any_case() {
    let bound = bind(
        r#"[{"id":5,"name":"Moving","label":"person"},{"id":6,"name":"Moving","label":"Boat"},
            {"id":7,"name":"6","label":"vehicle.car"}]"#,
    )
    .unwrap();
    assert_eq!(bound.find("6"), Some(vec![6]));
    assert_eq!(bound.find("Moving"), Some(vec![5, 6]));
    assert_eq!(bound.find("mOVING"), Some(vec![5, 6]));
    assert_eq!(bound.find("person"), None);
    assert_eq!(bound.find(""), None);
}

#[test]
fn entries_that_lead_nowhere_are_named() {
    check_error(
        r#"[{"name":"plane","label":"aircraft"}]"#,
        r#"entry [0] "plane": label "aircraft" is none of the model's labels (person, vehicle.car, Boat)"#,
    );
    check_error(
        r#"[{"name":"plane","id":3}]"#,
        r#"entry [0] "plane": its name is none of the model's labels, and index 3 is not below 3"#,
    );
    check_error(
        r#"{"3":"plane"}"#,
        r#"entry ["3"] "plane": index 3 is not below 3, the number of the model's classes"#,
    );
    check_error(
        r#"[{"name":"a","label":"person"},{"name":"b","id":7,"label":"person"}]"#,
        r#"entry [1] "b": maps the model's "person", as entry [0] "a" does"#,
    );
    check_error(
        r#"["a","b"]"#,
        "2 names for a model of 3 classes: a plain array names all of them in order",
    );
}

#[test]
fn faults_of_an_entry_are_named() {
    let faults = [
        (r#"{"name":"a","colour":"x"}"#, r#"[0] "a": unknown key "colour""#),
        (r#"{"name":"a","name":"b"}"#, r#"[0] "a": "name" is there twice"#),
        (r#"{"id":3}"#, "[0]: has no name"),
        (r#"{"name":"  "}"#, "[0]: has no name"),
        (r#"{"name":7}"#, r#"[0]: "name" is 7 where a text is expected"#),
        (r#"{"name":"a","label":null}"#, r#"[0] "a": "label" is null where a text is expected"#),
        (
            r#"{"name":"a","id":-1}"#,
            r#"[0] "a": "id" is -1 where a whole number from 0 to 4294967295 is expected"#,
        ),
        (
            r#"{"name":"a","id":4294967296}"#,
            r#"[0] "a": "id" is 4294967296 where a whole number from 0 to 4294967295 is expected"#,
        ),
        (
            r#"{"name":"a","color":"red"}"#,
            r##"[0] "a": "color" is "red" where a colour like "#e6194b" is expected"##,
        ),
        (
            r#"{"name":"a","min_confidence":1.5}"#,
            r#"[0] "a": "min_confidence" is 1.5 where a number from 0 to 1 is expected"#,
        ),
        (
            r#"{"name":"a","enabled":"no"}"#,
            r#"[0] "a": "enabled" is "no" where true or false is expected"#,
        ),
        ("7", "[0]: is a number where an object, as the file's first entry is one, is expected"),
    ];
    for (entry, expected) in faults {
        check_error(&format!("[{entry}]"), &format!("entry {expected}"));
    }
}

#[test]
fn faults_of_short_forms_are_named() {
    check_error(r#"["a",7,"c"]"#, "entry [1]: is a number where a name is expected");
    check_error(r#"["a","","c"]"#, "entry [1]: has no name");
    check_error(r#"{"one":"a"}"#, r#"entry ["one"]: its key is not an index"#);
    check_error(r#"{"0":[]}"#, r#"entry ["0"]: is an array where a name is expected"#);
    check_error(r#"{"0":"a","0":"b"}"#, r#"entry ["0"] "b": id 0 is also that of entry ["0"] "a""#);
}

#[test]
fn equal_ids_are_named_also_where_one_is_only_a_position() {
    check_error(
        r#"[{"id":1,"name":"a"},{"name":"b"}]"#,
        r#"entry [1] "b": id 1 is also that of entry [0] "a""#,
    );
}

#[test]
fn all_faults_are_told_at_once() {
    check_error(
        r#"[{"name":"a","x":1,"id":-2},{"name":""},{"name":"c","color":1}]"#,
        "entry [0] \"a\": unknown key \"x\"; \
         entry [0] \"a\": \"id\" is -2 where a whole number from 0 to 4294967295 is expected; \
         entry [1]: has no name; \
         entry [2] \"c\": \"color\" is 1 where a colour like \"#e6194b\" is expected",
    );
    check_error(
        r#"[{"name":"a","label":"x"},{"name":"b","id":8}]"#,
        "entry [0] \"a\": label \"x\" is none of the model's labels (person, vehicle.car, Boat); \
         entry [1] \"b\": its name is none of the model's labels, and index 8 is not below 3",
    );
}

#[test]
fn many_faults_are_counted() {
    let many = vec!["0"; 500].join(",");
    let message = bind(&format!("[{many}]")).unwrap_err().to_string();
    assert!(message.ends_with("; and 480 more"), "{message}");
}

#[test]
fn other_json_is_refused_with_what_it_is() {
    let forms = "a class file is an array of objects, an array of names, or an object from index to \
                 name, not ";
    for (json, found) in [("null", "null"), ("7", "a number"), ("\"car\"", "a text")] {
        check_error(json, &format!("{forms}{found}"));
    }
    check_error("[", "the class file is not JSON");
    check_error("", "the class file is not JSON");
    check_error(&"[".repeat(5_000), "the class file is not JSON");
}

#[test]
fn a_file_over_the_limit_is_refused_before_it_is_parsed() {
    let limit = usize::try_from(MAX_FILE_BYTES).unwrap();
    let error = ClassMap::from_json(&" ".repeat(limit + 1)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge);
}

#[test]
fn files_are_read_and_bad_paths_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("classes.json");
    std::fs::write(&path, r#"{"0":"human"}"#).unwrap();
    assert_eq!(ClassMap::open(&path).unwrap(), ClassMap::from_json(r#"{"0":"human"}"#).unwrap());

    std::fs::write(&path, " ".repeat(2 << 20)).unwrap();
    assert_eq!(ClassMap::open(&path).unwrap_err().kind(), ErrorKind::TooLarge);

    let error = ClassMap::open(&folder.path().join("absent.json")).unwrap_err();
    assert!(error.to_string().contains("absent.json"), "{error}");
    assert!(ClassMap::open(folder.path()).is_err());
}
