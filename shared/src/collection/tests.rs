use super::file::parse;
use super::policy::Table;
use super::*;

const SHIPPED: &str = include_str!("../../../infra/collections.toml");
const SIXTH: &str = "
[[collection]]
name = \"inspections\"
prefix = \"files/inspections/\"
path = \"{YYYY}-{MM}/{file_name}\"
max_bytes = 1_000_000
inbox = true
link = { kind = \"share\", minutes = 60 }
accept = [{ ends_with = \".csv\", content_type = \"text/csv\" }]
";

fn errors(text: &str) -> Vec<(usize, String)> {
    parse(text).unwrap_err().0
}

#[test]
fn what_is_compiled_in_is_what_the_file_says() {
    assert_eq!(parse(SHIPPED).unwrap(), COMPILED);
}

#[test]
fn a_policy_is_known_by_its_digest() {
    let digest = |text: &str| {
        Collection(&Box::leak(Box::new(parse(text).unwrap())).bols)
            .sha256()
            .unwrap()
    };
    let shipped = digest(SHIPPED);
    assert_eq!(shipped, digest(&format!("{SHIPPED}{SIXTH}")));
    assert_ne!(
        shipped,
        digest(&SHIPPED.replacen("PRT-{YYYY}-{NNNN}", "PRT-{YYYY}-{NNNNN}", 1))
    );
}

#[test]
fn a_table_goes_through_json_and_back() {
    let table = parse(&format!("{SHIPPED}{SIXTH}")).unwrap();
    let json = as_json(&table).unwrap();
    let back = Table::of(serde_json::from_str(json.leak()).unwrap()).unwrap();
    assert_eq!(back, table);
    assert_eq!(back.others[0].name, "inspections");
}

#[test]
fn a_file_that_is_no_toml_is_refused_with_its_line() {
    let (line, why) = errors("[[collection]]\nname = \"a\"\nprefix = ]\n").remove(0);
    assert_eq!(line, 3, "{why}");
    let (line, why) = errors(&SHIPPED.replacen("inbox = true", "inboxes = true", 1)).remove(0);
    let at = SHIPPED.lines().position(|line| line == "inbox = true").unwrap();
    assert_eq!((line, why.contains("inboxes")), (at + 1, true), "{why}");
}

#[test]
fn each_wrong_setting_is_refused_with_its_line_and_all_of_them_at_once() {
    let lines = SHIPPED.lines().count();
    for (at, from, to, why) in [
        (3, "\"inspections\"", "\"Inspections\"", "small letters"),
        (3, "\"inspections\"", "\"bols\"", "two collections"),
        (
            4,
            "\"files/inspections/\"",
            "\"bols/2025/\"",
            "among those of 'bols'",
        ),
        (
            4,
            "\"files/inspections/\"",
            "\"inspections/\"",
            "lies below 'files/'",
        ),
        (4, "\"files/inspections/\"", "\"files/\"", "lies below 'files/'"),
        (4, "\"files/inspections/\"", "\"inbox/\"", "Casefile's own"),
        (4, "\"files/inspections/\"", "\"\"", "a folder of its own"),
        (4, "\"files/inspections/\"", "\"../\"", "must be folders"),
        (5, "{file_name}", "x.csv", "needs one of"),
        (5, "{file_name}", "{number}", "needs the setting"),
        (5, "{YYYY}-{MM}/{file_name}", "{file_name}/{YYYY}", "wrong place"),
        (5, "{YYYY}-{MM}", "{MM}-{YYYY}", "wrong place"),
        (5, "{YYYY}-{MM}", "{year}", "isn't known"),
        (5, "{YYYY}-{MM}", "{MM}", "wrong place"),
        (5, "{YYYY}-{MM}", "{YYYY}{MM}{DD}_{hhmmss}", "reviews alone"),
        (5, "{file_name}", "{file_name}{document}", "no other name"),
        (5, "{file_name}", "./{file_name}", "is '.'"),
        (5, "{YYYY}-{MM}", "a b", "between placeholders"),
        (6, "1_000_000", "0", "must be from 1"),
        (8, "60", "10_081", "from 1 to 10080"),
        (8, "share", "direct", "from 1 to 15"),
        (9, "\".csv\"", "\"csv\"", "ends_with"),
        (9, "text/csv", "text", "media type"),
        (9, ".csv\",", ".csv\", folder = \"x/\",", "have no folders"),
    ] {
        assert!(SIXTH.contains(from), "{from}");
        let found = errors(&format!("{SHIPPED}{}", SIXTH.replacen(from, to, 1)));
        let expected = found
            .iter()
            .any(|(line, said)| *line == lines + at && said.contains(why));
        assert!(expected, "{to}: {found:?}");
    }
    let two = SIXTH.replace("1_000_000", "0").replace("= 60", "= 0");
    assert_eq!(errors(&format!("{SHIPPED}{two}")).len(), 2);
    let more = "retention = { standard_ia = 10, expire = 5 }\nmetadata = [{ name = \"tenant\" }, { name = \"x\", min = 3 }]";
    assert_eq!(errors(&format!("{SHIPPED}{SIXTH}{more}")).len(), 4);
    let renamed = SHIPPED.replace("\"clinical\"", "\"clinic\"");
    let without = renamed.replace("prefix = \"\"", "prefix = \"files/clinic/\"");
    assert!(
        errors(&without)[0]
            .1
            .contains("there is no collection 'clinical'")
    );
}

#[test]
fn each_of_the_five_is_what_the_design_says() {
    let life = |collection: Collection| (collection.link_kind(), collection.link_life().as_secs() / 60);
    assert_eq!(life(Collection::bols()), (LinkKind::Share, 1_440));
    assert_eq!(life(Collection::reviews()), (LinkKind::Direct, 15));
    let retention = Collection::training_logs().retention();
    assert_eq!(
        (retention.standard_ia, retention.glacier, retention.expire),
        (Some(30), Some(90), Some(365))
    );
    assert_eq!(Collection::reviews().retention().expire, None);
    assert!(Collection::clinical().is_replaced() && !Collection::ecg_reports().is_replaced());
    assert_eq!(Collection::bols().number_format(), Some("PRT-{YYYY}-{NNNN}"));
    let filed: Vec<_> = Collection::all()
        .take(5)
        .filter(|collection| collection.takes_files())
        .collect();
    assert_eq!(filed, [Collection::ecg_reports(), Collection::clinical()]);
}

#[test]
fn kinds_are_told_by_names_in_any_case() {
    let content = |name: &str| Collection::ecg_reports().kind_of(name).map(FileKind::content);
    assert_eq!(content("METRICS.JSON"), Some(ContentRule::EcgMetrics));
    assert_eq!(content("Report.pdf"), Some(ContentRule::Any));
    assert_eq!(content("scan.pdf"), None);
    let folder = |name: &str| Collection::clinical().kind_of(name).map(FileKind::folder);
    assert_eq!(folder("a.parquet"), Some("parquet/"));
    assert_eq!(folder("a.json"), Some("snapshots/"));
    assert_eq!(
        Collection::ecg_reports().takes(),
        ".pdf with \"report\" in its name, .json with \"metric\" or \"report\" in its name"
    );
}
