//! Formats of the log that are there, and those whose feature is missing (row E2 of the parity table).
//! Which ones are missing depends on the features that the test is built with.
#![cfg(feature = "log")]

use aiomisc::log::{LogFormat, basic_config};

#[test]
fn a_format_that_is_missing_is_an_error_that_names_its_feature() {
    for name in LogFormat::choices() {
        let format: LogFormat = name.parse().expect("a choice can be read");
        let result = basic_config().format(format).init();
        let expected = match format.feature() {
            Some(feature) if !format.is_available() => {
                Err(format!("the format `{name}` needs the feature `{feature}`"))
            }
            _ => Ok(()),
        };
        assert_eq!(result.map_err(|error| error.to_string()), expected);
    }
}

#[test]
fn formats_are_as_the_features_say() {
    let available = |name: &str| name.parse::<LogFormat>().expect("a name").is_available();
    assert!(
        ["stream", "color", "json", "plain", "disabled"]
            .into_iter()
            .all(available)
    );
    assert_eq!(available("rich"), cfg!(feature = "rich"));
    assert_eq!(available("rich_tb"), cfg!(feature = "rich"));
    assert_eq!(available("syslog"), cfg!(feature = "syslog"));
    assert_eq!(available("journald"), cfg!(feature = "journald"));
    assert!(LogFormat::default().is_available());
}
